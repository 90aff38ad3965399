// One query to this service: its text in; the answer with all that is said of it, or the problem document, out.

const ACCEPT = "application/sparql-results+json, text/turtle;q=0.9, application/problem+json;q=0.8";
const NEXT = /<([^>]*)>\s*;\s*rel="next"/;

export async function ask(place, query, signal) {
  const began = performance.now();
  const response = await send(place, query, {}, ACCEPT, signal);
  const text = await response.text();
  const found = {
    seconds: (performance.now() - began) / 1000,
    release: response.headers.get("Cbdgraph-Release") ?? place.release,
    text,
    mediaType: (response.headers.get("Content-Type") ?? "").split(";")[0],
    isComplete: response.headers.get("Cbdgraph-Complete") === "true",
    next: NEXT.exec(response.headers.get("Link") ?? "")?.[1] ?? "",
    isError: !response.ok,
  };
  if (found.isError) found.problem = readProblem(text, response.status);
  else if (found.mediaType === "application/sparql-results+json") found.document = JSON.parse(text);
  return found;
}

// Why an answer is empty, as the service explains it; null where it cannot.
export async function explain(place, query) {
  const response = await send(place, query, { explain: "empty" }, "application/json");
  return response.ok ? response.json() : null;
}

// Rows of a query of the editor's own.
export async function select(place, query) {
  const response = await send(place, query, {}, "application/sparql-results+json");
  return response.ok ? (await response.json()).results.bindings : [];
}

function send(place, query, more, accept, signal) {
  const headers = { Accept: accept };
  const address = place.address(query, more);
  if (address) return fetch(address, { headers, signal });
  return fetch("/sparql", { method: "POST", body: place.parameters(query, more), headers, signal });
}

function readProblem(text, status) {
  try {
    return JSON.parse(text);
  } catch {
    return { title: String(status), detail: text.slice(0, 500), remedy: "" };
  }
}
