// What is offered while somebody types: the service's list of a release in, completers for the editor out.
import Yasqe from "@zazuko/yasqe";

const MOST = 40; // entries that a list shows

// The classes, properties and prefixes of the release.
export async function fetchCompletions(place) {
  const pinned = place.pinned ? `?release=${encodeURIComponent(place.pinned)}` : "";
  const response = await fetch(`/sparql/completions${pinned}`, { headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(String(response.status));
  return response.json();
}

// Let the editor complete from them. Lists come while somebody types, or by Ctrl+Space, and never by moving about.
export function enableCompletions(yasqe, found) {
  const entries = new Map([...found.classes, ...found.properties].map((entry) => [entry.iri, entry]));
  const shared = { autoShow: false, bulk: false, persistenceId: null };
  const postProcessSuggestion = (_, token, iri) => write(entries.get(iri), token, iri);
  const postprocessHints = (_, hints) => hints.map((hint) => ({ ...hint, render: (place) => draw(place, hint, entries) }));
  const terms = { ...shared, postProcessSuggestion, postprocessHints };
  register("class", {
    ...terms,
    get: (_, token) => choose(found.classes, token, () => 0),
  });
  register("property", {
    ...terms,
    get: (editor, token) => {
      const named = findClasses(editor.getValue(), found.classes);
      return choose(found.properties, token, (entry) => (entry.of.some((iri) => named.has(iri)) ? 0 : 1));
    },
  });
  register("prefixes", {
    ...shared,
    bulk: true,
    get: () => Object.entries(found.prefixes).map(([prefix, start]) => `${prefix}: <${start}>`),
  });
  register("variables", shared);
  for (const name of ["prefixes", "variables", "class", "property"]) yasqe.enableCompleter(`cbd-${name}`);
}

// The entries of the list that begin as the token does, else those that hold it in their name or label.
export function choose(list, token, rank) {
  const typed = (token?.autocompletionString ?? "").toLowerCase();
  const bare = typed.replace(/^[a-z-]*:/, "");
  const scored = [];
  for (const entry of list) {
    const iri = entry.iri.toLowerCase();
    const own = entry.name.replace(/^.*[:#/]/, "").toLowerCase();
    let score = -1;
    if (!typed || iri.startsWith(typed)) score = 0;
    else if (entry.name.toLowerCase().startsWith(typed) || own.startsWith(bare)) score = 1;
    else if (own.includes(bare) || entry.label.toLowerCase().includes(bare)) score = 2;
    if (score >= 0) scored.push([score, rank(entry), -(entry.count ?? 0), entry.name, entry.iri]);
  }
  scored.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2] || (a[3] < b[3] ? -1 : 1));
  return scored.slice(0, MOST).map((each) => each[4]);
}

// The classes that a query names, by prefixed name or IRI.
export function findClasses(query, classes) {
  const names = new Set(query.match(/[A-Za-z][\w-]*:[\w-]+|<[^>\s]+>/g));
  return new Set(classes.filter((each) => names.has(each.name) || names.has(`<${each.iri}>`)).map((each) => each.iri));
}

function register(name, changes) {
  Yasqe.forkAutocompleter(name, { ...changes, name: `cbd-${name}` }, false);
}

// As a prefixed name where there is one; the prefix is declared by the editor when it stands there.
function write(entry, token, iri) {
  if (token.tokenPrefix && token.tokenPrefixUri && iri.startsWith(token.tokenPrefixUri)) {
    return token.tokenPrefix + iri.slice(token.tokenPrefixUri.length);
  }
  return entry && entry.name !== iri ? entry.name : `<${iri}>`;
}

function draw(place, hint, entries) {
  const entry = [...entries.values()].find((each) => each.name === hint.text || `<${each.iri}>` === hint.text);
  const name = document.createElement("span");
  name.textContent = hint.text;
  place.append(name);
  if (!entry) return;
  const more = document.createElement("small");
  more.textContent = entry.count ? `${entry.label} · ${entry.count.toLocaleString()}` : entry.label;
  place.append(" ", more);
  if (entry.says) place.title = entry.says;
}
