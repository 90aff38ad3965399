// The query editor at /sparql: the plain form of the page in, an editor with answers beside it out. Asks this service
// and nobody else; what it cannot do the form does by itself.
import "@zazuko/yasqe/build/yasqe.min.css";
import "./styles/editor.css";
import { Answers } from "./editor/answers.js";
import { ask } from "./editor/ask.js";
import { fetchCompletions } from "./editor/completions.js";
import { dropUnused, makeEditor } from "./editor/editing.js";
import { arrangeExamples } from "./editor/examples.js";
import { element, fill, readWords } from "./editor/page.js";
import { Place } from "./editor/place.js";
import { makeShare } from "./editor/share.js";

const form = document.getElementById("editor");
if (form) start(form);

async function start(form) {
  const words = readWords(form);
  const place = new Place(form);
  const area = form.querySelector("textarea");
  const status = element("p", { class: "status", role: "status" });
  const notice = element("p", { class: "notice", role: "status", id: "notice" });
  const button = form.querySelector("button");
  const stop = element("button", { type: "button", class: "plain", hidden: "" }, words.stop);
  const answers = new Answers(document.getElementById("answer-place"), words, place);
  // Prefixes come as they are used: those of the plain form that its first query needs not would only be in the way.
  if (!place.isAsked) area.value = dropUnused(area.value);
  const editor = makeEditor(area, words, { run, leave: () => button.focus(), notice });
  const share = makeShare(form, words, place, () => editor.text);
  const plain = element("button", { type: "button", class: "plain", "aria-pressed": "false" }, words.plain);
  let running = null;

  editor.holder.after(notice);
  button.after(" ", stop, " ", share.button, " ", plain);
  button.title = words.keys;
  form.querySelector(".buttons").after(share.panel, element("p", { class: "keys" }, words.keys), status);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run();
  });
  plain.addEventListener("click", () => {
    const isPlain = plain.getAttribute("aria-pressed") !== "true";
    plain.setAttribute("aria-pressed", String(isPlain));
    notice.hidden = isPlain;
    editor.makePlain(isPlain);
  });
  stop.addEventListener("click", () => running?.abort());
  window.addEventListener("popstate", () => {
    const asked = place.readQuery();
    if (asked !== null) {
      editor.text = asked;
      run({ remember: false });
    }
  });
  arrangeExamples(document.getElementById("examples"), words, (text) => {
    editor.text = text;
    form.scrollIntoView({ block: "nearest" });
    run();
  });
  answers.onQuery = (text) => {
    editor.text = text;
    run();
  };
  document.documentElement.classList.add("has-editor");
  editor.refresh();
  if (place.isAsked) {
    form.parentElement.querySelector(".error")?.remove(); // it is said again, beside the answer
    run({ remember: false });
  }
  fetchCompletions(place).then(
    (found) => {
      editor.offer(found);
      form.dataset.completes = "true";
    },
    () => (status.textContent = words.noCompletions),
  );

  async function run({ remember = true } = {}) {
    running?.abort();
    const control = (running = new AbortController());
    const text = editor.text;
    editor.clearMarks();
    if (remember) place.remember(text);
    share.close();
    status.textContent = words.running;
    stop.hidden = false;
    answers.isBusy = true;
    try {
      const found = await ask(place, text, control.signal);
      if (running !== control) return;
      status.textContent = found.isError
        ? ""
        : fill(words.took, { seconds: found.seconds.toFixed(2), release: found.release });
      if (found.isError) {
        answers.showProblem(found.problem, () => editor.go(found.problem));
        editor.mark(found.problem);
      } else {
        await answers.show(found, text, (killer) => editor.mark(killer));
      }
    } catch (error) {
      if (running === control) {
        status.textContent = error.name === "AbortError" ? words.stopped : words.unreachable;
        answers.clear();
      }
    } finally {
      if (running === control) {
        running = null;
        stop.hidden = true;
        answers.isBusy = false;
      }
    }
  }
}
