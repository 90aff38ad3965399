// Terms of an answer as people read them: a term of SPARQL JSON in, an element out; and the names of what it names.
import { select } from "./ask.js";
import { element } from "./page.js";

const NUMBERS = /#(?:integer|decimal|double|float|int|long|short|byte|nonNegativeInteger|positiveInteger|gYear)$/;
const RIGHT_TO_LEFT = new Set(["ar", "fa", "he", "ur"]);
const MOST = 400; // IRIs of which names are asked at once
const NAMING = "skos:prefLabel|rdfs:label|dcterms:title";

export function isNumber(term) {
  return term?.type === "literal" && NUMBERS.test(term.datatype ?? "") && Number.isFinite(Number(term.value));
}

// An IRI as a prefixed name, or its path here, or whole.
export function brief(iri, place) {
  for (const [prefix, start] of place.prefixes) {
    const own = iri.slice(start.length);
    if (iri.startsWith(start) && /^[\w-]+$/.test(own)) return `${prefix}:${own}`;
  }
  return iri.startsWith(place.base) ? iri.slice(place.base.length) || iri : iri;
}

// One term; where its name is known by then, a link says that, and the IRI stands in its title.
export function drawTerm(term, place, names) {
  if (!term) return "";
  if (term.type === "uri") return drawIri(term.value, place, names);
  if (term.type === "bnode") return element("small", {}, `_:${term.value}`);
  const language = term["xml:lang"];
  if (!language) {
    const text = element("bdi", {}, term.value);
    if (isNumber(term)) text.className = "number";
    return text;
  }
  const text = element("bdi", { lang: language, dir: directionOf(language) }, term.value);
  return element("span", {}, text, " ", element("small", { class: "language" }, language));
}

export function directionOf(language) {
  return RIGHT_TO_LEFT.has(language.split("-")[0]) ? "rtl" : "auto";
}

function drawIri(iri, place, names) {
  if (!/^https?:\/\//.test(iri)) return element("span", {}, iri);
  const link = element("a", { href: place.local(iri), title: iri }, brief(iri, place));
  const name = names.get(iri);
  if (!name) return link;
  const said = element("bdi", name.language ? { lang: name.language, dir: directionOf(name.language) } : {}, name.text);
  link.replaceChildren(said);
  return element("span", {}, link, " ", element("small", { class: "short" }, brief(iri, place)));
}

// Ask for the names of IRIs that are not known yet, in the language of the page or else in English.
export async function findNames(iris, place, names) {
  const wanted = [...new Set(iris)].filter((iri) => !names.has(iri) && isPlain(iri)).slice(0, MOST);
  if (!wanted.length) return false;
  const language = (document.documentElement.lang || "en").split("-")[0];
  const query = `PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
PREFIX dcterms: <http://purl.org/dc/terms/>
SELECT ?node ?name WHERE {
  VALUES ?node { ${wanted.map((iri) => `<${iri}>`).join(" ")} }
  ?node ${NAMING} ?name .
  FILTER(LANG(?name) IN ("${language}", "en", ""))
}`;
  const rank = (term) => [language, "en", ""].indexOf(term["xml:lang"] ?? "");
  const best = new Map();
  for (const row of await select(place, query)) {
    const known = best.get(row.node.value);
    if (!known || rank(row.name) < rank(known)) best.set(row.node.value, row.name);
  }
  for (const [iri, term] of best) names.set(iri, { text: term.value, language: term["xml:lang"] ?? "" });
  return best.size > 0;
}

// Whether an IRI can stand between angle brackets as it is.
function isPlain(iri) {
  return /^https?:\/\/[^\x00-\x20<>"{}|\\^`]+$/.test(iri);
}
