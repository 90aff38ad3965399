// The questions of the page: its lists of links in, a list with a search field out; a click asks without a new page.
import { element } from "./page.js";

export function arrangeExamples(place, words, choose) {
  if (!place) return;
  const items = [...place.querySelectorAll("li")].map((item) => ({ item, text: fold(item.textContent) }));
  const groups = [...place.querySelectorAll(".group")];
  const field = element("input", { type: "search", id: "find-example", autocomplete: "off" });
  const found = element("p", { class: "found", role: "status" });
  place.querySelector("h2").after(
    element("p", { class: "find" }, element("label", { for: field.id }, words.find), " ", field),
    found,
  );
  field.addEventListener("input", () => {
    const wanted = fold(field.value).split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const { item, text } of items) {
      item.hidden = !wanted.every((word) => text.includes(word));
      shown += item.hidden ? 0 : 1;
    }
    for (const group of groups) group.hidden = !group.querySelector("li:not([hidden])");
    found.textContent = wanted.length ? `${shown} / ${items.length}` : "";
  });
  place.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const address = new URL(link.href);
    const query = address.searchParams.get("query");
    if (address.pathname !== "/sparql" || query === null) return;
    event.preventDefault();
    choose(query);
  });
  // Beside the editor where there is room, and so before the answer for those who go through the page by key.
  if (matchMedia("(min-width: 64rem)").matches) document.getElementById("answer-place")?.before(place);
}

function fold(text) {
  return text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");
}
