// The text of the query: the textarea of the form in, an editor over it out, with faults marked where they are.
import Yasqe from "@zazuko/yasqe";
import { enableCompletions } from "./completions.js";
import { element, fill } from "./page.js";

const EXPECTED = 6; // of what could stand at the place of a fault
// Terminals of the grammar as they are written.
const TERMINALS = {
  VAR1: "?variable",
  VAR2: "?variable",
  NIL: "()",
  IRI_REF: "<IRI>",
  PNAME_LN: "prefix:name",
  PNAME_NS: "prefix:",
  BLANK_NODE_LABEL: "_:name",
  ANON: "[]",
  STRING_LITERAL1: '"text"',
  STRING_LITERAL2: '"text"',
  STRING_LITERAL_LONG1: '"text"',
  STRING_LITERAL_LONG2: '"text"',
  INTEGER: "number",
  DECIMAL: "number",
  DOUBLE: "number",
  INTEGER_POSITIVE: "number",
  DECIMAL_POSITIVE: "number",
  DOUBLE_POSITIVE: "number",
  INTEGER_NEGATIVE: "number",
  DECIMAL_NEGATIVE: "number",
  DOUBLE_NEGATIVE: "number",
};
const PATIENCE = 300; // milliseconds after typing until the text is looked through

export function makeEditor(area, words, { run, leave, notice }) {
  Yasqe.defaults.autocompleters = []; // its own ask services elsewhere
  const holder = element("div", { class: "query-editor" });
  area.after(holder);
  const yasqe = new Yasqe(holder, {
    value: area.value,
    autocompleters: [],
    consumeShareLink: null,
    createShareableLink: null,
    persistenceId: null, // nothing is kept in the browser
    showQueryButton: false,
    resizeable: false,
    editorHeight: "auto",
    viewportMargin: Infinity,
    screenReaderLabel: words.label,
    lineWrapping: true,
    tabSize: 2,
    indentUnit: 2,
    extraKeys: {
      ...Yasqe.defaults.extraKeys,
      "Ctrl-Enter": () => run(),
      "Cmd-Enter": () => run(),
      "Ctrl-S": false,
      // Tab goes on to the next control, as everywhere else on the page.
      Tab: false,
      "Shift-Tab": false,
      Esc: () => leave(),
    },
  });
  area.hidden = area.disabled = true; // so that its old text is not sent
  area.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) run();
    if (event.key === "Escape") leave();
  });
  const input = yasqe.getInputField();
  input.setAttribute("aria-describedby", notice.id);
  document.querySelector(`label[for=${area.id}]`)?.addEventListener("click", () => holder.hidden || yasqe.focus());
  yasqe.showNotification = () => {}; // in English, and over the text
  const marks = [];
  let timer = 0;

  yasqe.checkSyntax = () => {
    clearTimeout(timer);
    timer = setTimeout(look, PATIENCE);
  };
  yasqe.on("inputRead", (_, change) => {
    if (/^[\w:?$]$/.test(change.text.join(""))) yasqe.autocomplete();
  });
  look();

  // What the grammar finds: the first fault, where it is and what could stand there.
  function look() {
    clearMarks("grammar");
    const fault = findFault(yasqe);
    input.toggleAttribute("aria-invalid", Boolean(fault));
    if (fault) input.setAttribute("aria-invalid", "true");
    notice.textContent = fault ? describe(fault, words) : "";
    if (fault) put(fault.line, fault.start, fault.end, notice.textContent, "grammar");
  }

  function put(line, start, end, says, kind) {
    const icon = element("span", { class: `fault ${kind}`, title: says, role: "img", "aria-label": says }, "!");
    yasqe.setGutterMarker(line, "gutterErrorBar", icon);
    const whole = yasqe.getDoc().markText({ line, ch: start }, { line, ch: end }, { className: "faulty", title: says });
    marks.push({ kind, line, clear: () => whole.clear() });
  }

  function clearMarks(kind) {
    for (let index = marks.length - 1; index >= 0; index--) {
      if (kind && marks[index].kind !== kind) continue;
      marks[index].clear();
      marks.splice(index, 1);
    }
    yasqe.clearGutter("gutterErrorBar");
    for (const mark of marks) yasqe.setGutterMarker(mark.line, "gutterErrorBar", element("span", { class: "fault" }, "!"));
  }

  // Over to the field of the page itself and back, for those whose screen reader or keyboard knows fields best.
  function makePlain(plain) {
    if (plain) area.value = yasqe.getValue();
    else yasqe.setValue(area.value);
    area.hidden = area.disabled = !plain;
    holder.hidden = plain;
    if (plain) return area.focus();
    yasqe.refresh();
    return yasqe.focus();
  }

  return {
    holder,
    makePlain,
    get text() {
      return holder.hidden ? area.value : yasqe.getValue();
    },
    set text(value) {
      area.value = value;
      yasqe.setValue(value);
      look();
    },
    refresh: () => yasqe.refresh(),
    offer: (found) => enableCompletions(yasqe, found),
    clearMarks: () => clearMarks("service"),
    // Mark what the service found: a problem, or the pattern that leaves nothing, with line and column from 1 on.
    mark(found) {
      const place = toPlace(yasqe, found);
      if (place) put(place.line, place.start, place.end, found.detail ?? found.says ?? "", "service");
    },
    go(found) {
      const place = toPlace(yasqe, found);
      if (holder.hidden) {
        area.focus();
        if (place) area.setSelectionRange(...offsets(area.value, place));
        return;
      }
      yasqe.focus();
      if (place) yasqe.getDoc().setCursor({ line: place.line, ch: place.start });
    },
  };
}

// A query less the declarations of prefixes that nothing in it uses.
export function dropUnused(query) {
  const lines = query.split("\n");
  const rest = lines.filter((line) => !/^PREFIX /i.test(line)).join("\n");
  const isUsed = (line) => {
    const prefix = /^PREFIX ([\w-]*):/i.exec(line)?.[1];
    return prefix === undefined || new RegExp(`(?<![\\w-])${prefix}:`).test(rest);
  };
  return lines.filter(isUsed).join("\n");
}

// The first token that cannot stand where it is; null if the text is SPARQL 1.1 to the end.
export function findFault(yasqe) {
  const doc = yasqe.getDoc();
  for (let line = 0; line < doc.lineCount(); line++) {
    const { state } = yasqe.getTokenAt({ line, ch: doc.getLine(line).length }, true);
    if (state.OK !== false) continue;
    const bad = yasqe.getLineTokens(line, true).find((token) => /error/.test(token.type ?? ""));
    const end = doc.getLine(line).length;
    return {
      line,
      start: bad?.start ?? 0,
      end: Math.max(bad?.end ?? end, (bad?.start ?? 0) + 1),
      says: state.errorMsg ?? "",
      expected: state.possibleCurrent ?? [],
    };
  }
  return null;
}

// A place in a text as offsets from its beginning.
function offsets(text, place) {
  const before = text.split("\n").slice(0, place.line).join("\n").length + (place.line ? 1 : 0);
  return [before + place.start, before + place.end];
}

function describe(fault, words) {
  const where = { line: fault.line + 1, column: fault.start + 1 };
  const names = [...new Set(fault.expected.map((name) => TERMINALS[name] ?? name))];
  const expected = names.slice(0, EXPECTED).join("  ") + (names.length > EXPECTED ? " …" : "");
  return fill(words.fault, where) + (expected ? " " + fill(words.expected, { expected }) : "");
}

// Where a finding of the service begins, and the end of its word.
function toPlace(yasqe, found) {
  if (!found?.line) return null;
  const doc = yasqe.getDoc();
  const line = Math.min(found.line, doc.lineCount()) - 1;
  const text = doc.getLine(line);
  const start = Math.min((found.column || 1) - 1, Math.max(text.length - 1, 0));
  const length = /^(?:[\w:?$-]+|\S)/.exec(text.slice(start))?.[0].length ?? 1;
  return { line, start, end: start + length };
}
