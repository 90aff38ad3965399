// Rows as bars, where their shape says what to draw: one column that names, one that counts. The table has the same.
import { count, element, fill } from "./page.js";
import { drawTerm, findNames, isNumber } from "./terms.js";

const MOST = 60; // bars

// Which column names the bars and which are their lengths; null where no chart would say anything.
export function findChart(columns, rows) {
  if (rows.length < 2) return null;
  const numbers = columns.filter((column) => rows.every((row) => !row[column] || isNumber(row[column])));
  const lengths = numbers.filter((column) => rows.some((row) => row[column] && !isYear(row[column])));
  const values = lengths.filter((column) => rows.every((row) => !row[column] || Number(row[column].value) >= 0));
  const naming = columns.filter((column) => !values.includes(column) && rows.every((row) => row[column]));
  if (!values.length || !naming.length) return null;
  const texts = naming.find((column) => rows.every((row) => row[column].type === "literal"));
  const name = naming.find((column) => rows[0][column].type === "uri") && !texts ? naming[0] : (texts ?? naming[0]);
  return { name, values };
}

export function drawChart({ name, values }, rows, words, place) {
  const holder = element("div", { class: "chart" });
  const names = new Map();
  let column = values[0];
  if (values.length > 1) {
    const choice = element("select", { id: "bars-of" }, ...values.map((value) => element("option", {}, value)));
    choice.addEventListener("change", () => ((column = choice.value), draw()));
    holder.append(element("p", {}, element("label", { for: choice.id }, words.bars), " ", choice));
  }
  const list = element("ol", { class: "bars" });
  holder.append(list);
  if (rows.length > MOST) holder.append(element("p", {}, fill(words.firstBars, { n: count(MOST), rows: count(rows.length) })));
  draw();
  const iris = rows.slice(0, MOST).map((row) => row[name]).filter((term) => term.type === "uri");
  findNames(iris.map((term) => term.value), place, names).then((found) => found && draw(), () => {});

  function draw() {
    const shown = rows.slice(0, MOST);
    const largest = Math.max(...shown.map((row) => Number(row[column]?.value ?? 0)), 1e-9);
    list.setAttribute("aria-label", `${column} / ${name}`);
    list.replaceChildren(
      ...shown.map((row) => {
        const value = row[column] ? Number(row[column].value) : 0;
        const bar = element("span", { class: "bar-length", "aria-hidden": "true" });
        bar.style.inlineSize = `${(100 * value) / largest}%`;
        const label = element("span", { class: "bar-name" }, drawTerm(row[name], place, names));
        return element("li", {}, label, element("span", { class: "bar-room" }, bar), element("span", { class: "bar-value" }, count(value)));
      }),
    );
  }
  return holder;
}

function isYear(term) {
  return /#gYear$/.test(term.datatype ?? "") || (/#integer$/.test(term.datatype ?? "") && /^(19|20)\d\d$/.test(term.value));
}
