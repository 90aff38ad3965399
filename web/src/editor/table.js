// Rows as a table: the columns and bindings of SPARQL JSON in, an element out that grows and can be sorted.
import { count, element, fill } from "./page.js";
import { drawTerm, findNames, isNumber } from "./terms.js";

const STEP = 100; // rows that are added at a time

export class Table {
  #shown = 0;
  #names = new Map();
  #sorted = { column: "", up: true };

  constructor(columns, rows, words, place) {
    Object.assign(this, { columns, rows, words, place, order: rows });
    this.body = element("tbody");
    this.heads = columns.map((column) => this.#head(column));
    const table = element("table", {}, element("thead", {}, element("tr", {}, ...this.heads)), this.body);
    const region = element("div", { class: "wide", role: "region", "aria-label": words.answer, tabindex: "0" }, table);
    this.more = element("button", { type: "button", class: "plain" });
    this.more.addEventListener("click", () => this.#grow());
    this.element = element("div", { class: "rows" }, region, element("p", {}, this.more));
    this.#grow();
  }

  #head(column) {
    const button = element("button", { type: "button", class: "sort" }, column);
    button.addEventListener("click", () => this.#sort(column));
    return element("th", { scope: "col", "data-column": column }, button);
  }

  #sort(column) {
    const up = this.#sorted.column === column ? !this.#sorted.up : true;
    this.#sorted = { column, up };
    const sign = up ? 1 : -1;
    this.order = [...this.rows].sort((a, b) => sign * compare(a[column], b[column], this.#names));
    for (const head of this.heads) {
      if (head.dataset.column === column) head.setAttribute("aria-sort", up ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
    }
    const shown = Math.max(this.#shown, STEP);
    this.#shown = 0;
    this.body.replaceChildren();
    this.#grow(shown);
  }

  #grow(step = STEP) {
    const added = this.order.slice(this.#shown, this.#shown + step);
    this.body.append(...added.map((row) => this.#row(row)));
    this.#shown += added.length;
    this.more.hidden = this.#shown >= this.order.length;
    this.more.textContent = fill(this.words.more, { shown: count(this.#shown), rows: count(this.order.length) });
    this.#name(added);
  }

  #row(row) {
    const cells = this.columns.map((column) => {
      const cell = element("td", {}, drawTerm(row[column], this.place, this.#names));
      if (isNumber(row[column])) cell.className = "number";
      return cell;
    });
    return Object.assign(element("tr", {}, ...cells), { bindings: row });
  }

  // Names come after the rows: nobody waits for them.
  async #name(rows) {
    // A row that says a name itself needs no second one.
    const iris = rows.flatMap((row) => Object.values(row)).filter((term) => term.type === "uri");
    const own = iris.map((term) => term.value).filter((iri) => iri.startsWith(this.place.base));
    if (!(await findNames(own, this.place, this.#names).catch(() => false))) return;
    for (const line of this.body.children) line.replaceWith(this.#row(line.bindings));
  }
}

// Numbers by size, all else by how it reads; what is unbound comes first.
export function compare(a, b, names) {
  if (!a || !b) return (a ? 1 : 0) - (b ? 1 : 0);
  if (isNumber(a) && isNumber(b)) return Number(a.value) - Number(b.value);
  const read = (term) => names.get(term.value)?.text ?? term.value;
  return read(a).localeCompare(read(b), document.documentElement.lang || "en", { numeric: true });
}
