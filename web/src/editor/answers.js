// What the service answered, beside the query: an answer or a problem in; table, chart, text, downloads out.
import { explain } from "./ask.js";
import { drawChart, findChart } from "./chart.js";
import { count, element, fill } from "./page.js";
import { Table } from "./table.js";

const RAW = 200_000; // characters of the text that are shown
const TABLE_FORMATS = { csv: "CSV", tsv: "TSV", json: "JSON", xml: "XML" };
const GRAPH_FORMATS = { ttl: "Turtle", jsonld: "JSON-LD", rdf: "RDF/XML", nt: "N-Triples" };

export class Answers {
  onQuery = () => {};

  constructor(holder, words, place) {
    [this.holder, this.words, this.place] = [holder, words, place];
  }

  set isBusy(busy) {
    this.holder.setAttribute("aria-busy", String(busy));
    this.holder.classList.toggle("busy", busy);
  }

  clear() {
    this.holder.replaceChildren();
  }

  // What is wrong, with a way to the place and to a first page; gives nothing back.
  showProblem(problem, go) {
    const { words } = this;
    const box = element("div", { class: "error", role: "alert", id: "error" }, element("strong", {}, problem.title));
    box.append(element("p", {}, problem.detail ?? ""));
    if (problem.line) {
      const where = element("button", { type: "button", class: "plain" }, fill(words.goTo, problem));
      where.addEventListener("click", go);
      box.append(element("p", {}, where));
    }
    if (problem.remedy) box.append(element("p", {}, element("small", {}, problem.remedy)));
    if (problem.next) {
      const first = element("button", { type: "button" }, fill(words.firstPage, { rows: count(problem.pageRows) }));
      first.addEventListener("click", () => this.onQuery(queryOf(problem.next)));
      box.append(element("p", {}, first, " ", problem.advice ?? ""));
    }
    this.holder.replaceChildren(box);
    if (box.getBoundingClientRect().top > innerHeight) box.scrollIntoView({ block: "center" });
  }

  async show(found, query, mark) {
    const { words } = this;
    const heading = element("h2", { id: "answer", tabindex: "-1" }, words.answer);
    const parts = [heading];
    const rows = found.document?.results?.bindings;
    if ("boolean" in (found.document ?? {})) {
      parts.push(element("p", { class: "answer" }, found.document.boolean ? words.yes : words.no));
    } else if (rows) {
      parts.push(element("p", { class: "counted" }, this.#completeness(rows.length, found)));
    }
    if (found.next) {
      parts.pop();
      const following = element("button", { type: "button", class: "plain" }, words.next);
      following.addEventListener("click", () => this.onQuery(queryOf(found.next)));
      parts.push(element("p", { class: "counted" }, fill(words.limited, { rows: count(rows.length) }), " ", following));
    }
    parts.push(this.#downloads(query, rows || found.document ? TABLE_FORMATS : GRAPH_FORMATS));
    parts.push(...this.#views(found, rows));
    this.holder.replaceChildren(...parts);
    if (heading.getBoundingClientRect().top > innerHeight) heading.scrollIntoView({ block: "center" });
    if ((rows && !rows.length) || found.document?.boolean === false) {
      const explanation = await explain(this.place, query);
      if (explanation && heading.isConnected) this.#explain(explanation, mark);
    }
  }

  #completeness(rows, found) {
    const whole = found.isComplete ? this.words.complete : this.words.incomplete;
    return fill(whole, { rows: count(rows) });
  }

  #downloads(query, formats) {
    const line = element("p", { class: "downloads" }, this.words.download);
    for (const [format, name] of Object.entries(formats)) {
      const address = this.place.address(query, { format });
      line.append(" ", address ? element("a", { href: address, download: `answer.${format}` }, name) : this.#post(query, format, name));
    }
    return line;
  }

  // A query too long for an address is sent by a form.
  #post(query, format, name) {
    const form = element("form", { action: "/sparql", method: "post", class: "inline" });
    for (const [key, value] of this.place.parameters(query, { format })) {
      form.append(element("input", { type: "hidden", name: key, value }));
    }
    form.append(element("button", { class: "plain" }, name));
    return form;
  }

  // Tabs: what of table, chart and text there is to see.
  #views(found, rows) {
    const { words } = this;
    const views = [];
    if (rows?.length) {
      views.push([words.table, () => new Table(found.document.head.vars, rows, words, this.place).element]);
      const chart = findChart(found.document.head.vars, rows);
      if (chart) views.push([words.chart, () => drawChart(chart, rows, words, this.place)]);
    }
    views.push([found.document ? words.raw : words.statements, () => this.#raw(found)]);
    const tabs = element("div", { role: "tablist", class: "views", "aria-label": words.views });
    const panel = element("div", { role: "tabpanel", id: "view", tabindex: "0" });
    const made = new Map();
    const open = (index) => {
      if (!made.has(index)) made.set(index, views[index][1]());
      panel.replaceChildren(made.get(index));
      [...tabs.children].forEach((tab, other) => {
        tab.setAttribute("aria-selected", String(other === index));
        tab.tabIndex = other === index ? 0 : -1;
      });
      panel.setAttribute("aria-labelledby", `view-${index}`);
    };
    views.forEach(([name], index) => {
      const tab = element("button", { type: "button", role: "tab", id: `view-${index}`, "aria-controls": "view" }, name);
      tab.addEventListener("click", () => open(index));
      tabs.append(tab);
    });
    tabs.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key] ?? 0;
      if (!step) return;
      const list = [...tabs.children];
      const turned = getComputedStyle(tabs).direction === "rtl" ? -step : step;
      const next = (list.indexOf(document.activeElement) + turned + list.length) % list.length;
      open(next);
      list[next].focus();
    });
    open(0);
    return [tabs, panel];
  }

  #raw(found) {
    const cut = found.text.length > RAW;
    const text = element("pre", { tabindex: "0" }, cut ? found.text.slice(0, RAW) : found.text);
    return cut ? element("div", {}, text, element("p", {}, this.words.beginning)) : text;
  }

  // Why there is nothing: the first pattern that no solution survives, with hints.
  #explain(explanation, mark) {
    const { words } = this;
    const box = element("section", { class: "why" }, element("h3", {}, words.why));
    const killers = explanation.killer ? [explanation.killer] : [];
    if (!killers.length) box.append(element("p", {}, explanation.says));
    for (const killer of killers) this.#addKiller(box, killer);
    if (explanation.undecided) box.append(element("p", {}, explanation.undecided));
    this.holder.querySelector(".downloads").before(box);
    if (killers.length) mark(innermost(killers[0]));
  }

  #addKiller(box, killer) {
    box.append(element("p", {}, killer.says), element("pre", { tabindex: "0" }, killer.text));
    if (killer.hints.length) {
      const list = element("ul");
      for (const hint of killer.hints) {
        const item = element("li", {}, hint.says);
        if (hint.near.length) {
          const near = element("ul");
          for (const each of hint.near) near.append(element("li", {}, this.#nearTerm(each)));
          item.append(near);
        }
        list.append(item);
      }
      box.append(list);
    }
    for (const inner of killer.inside) {
      const part = element("div", { class: "inside" });
      this.#addKiller(part, inner);
      box.append(part);
    }
  }

  #nearTerm({ term, name }) {
    const iri = /^<(https?:.*)>$/.exec(term)?.[1];
    const code = element("code", {}, name);
    return iri ? element("a", { href: this.place.local(iri), title: iri }, code) : code;
  }
}

// The query of an address of the service.
function queryOf(address) {
  return new URL(address, location.href).searchParams.get("query") ?? "";
}

function innermost(killer) {
  return killer.inside.length ? innermost(killer.inside[0]) : killer;
}
