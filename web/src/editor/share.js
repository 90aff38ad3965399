// A link that gives the same answer for as long as its release can be asked: a query in, a panel with addresses out.
import { element, fill } from "./page.js";

const RELEASED = /^\d+\.\d+\.\d+$/;

export function makeShare(form, words, place, read) {
  const button = element("button", { type: "button", class: "plain", "aria-expanded": "false" }, words.share);
  const panel = element("div", { class: "share", hidden: "" });
  button.addEventListener("click", () => (panel.hidden ? open() : close()));

  function open() {
    const asked = place.pinned || place.release;
    const release = asked === "current" ? place.release : asked;
    const parts = [];
    if (RELEASED.test(release) || !place.released) {
      parts.push(field("share-pinned", fill(words.sharePinned, { release }), place.permanent(read(), release)));
    } else {
      // A build between two releases can be asked only until the next one.
      parts.push(
        field("share-build", fill(words.shareBuild, { release }), place.permanent(read(), release)),
        field("share-pinned", fill(words.shareReleased, { release: place.released }), place.permanent(read(), place.released)),
      );
    }
    parts.push(field("share-current", words.shareCurrent, place.permanent(read(), "")));
    panel.replaceChildren(...parts);
    panel.hidden = false;
    button.setAttribute("aria-expanded", "true");
    panel.querySelector("input")?.select();
  }

  function field(id, label, address) {
    if (!address) return element("p", {}, label, " ", element("strong", {}, words.shareLong));
    const input = element("input", { id, readonly: "", value: address });
    input.addEventListener("focus", () => input.select());
    const copy = element("button", { type: "button", class: "plain" }, words.copy);
    copy.addEventListener("click", async () => {
      input.select();
      try {
        await navigator.clipboard.writeText(address);
        copy.textContent = words.copied;
      } catch {
        copy.textContent = words.copyByKey; // no clipboard without HTTPS: it is selected
      }
    });
    return element("p", {}, element("label", { for: id }, label), element("span", { class: "address" }, input, copy));
  }

  function close() {
    panel.hidden = true;
    button.setAttribute("aria-expanded", "false");
  }

  return { button, panel, close };
}
