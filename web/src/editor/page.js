// Small things of the DOM: names and texts in, elements out. Text is always text, never markup.

// An element with attributes and children; a child is an element or a text.
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// The words of the page in its language, as the server wrote them.
export function readWords(form) {
  return JSON.parse(form.dataset.words);
}

// "{n} of {all}" with values.
export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
}

// A number as people of the page's language write it.
export function count(number) {
  return number.toLocaleString(document.documentElement.lang || "en");
}
