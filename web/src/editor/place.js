// Where the editor stands: the address of the page in, addresses of the service for the same release and graphs out.

const RELEASE_PATH = /^\/release\/([^/]+)\//;
const LONGEST = 8000; // characters of an address that every proxy lets through; what is longer goes by POST

export class Place {
  constructor(form) {
    const here = new URL(location.href);
    // The release that the address names, "" for whatever is current.
    this.pinned = here.searchParams.get("release") ?? RELEASE_PATH.exec(here.pathname)?.[1] ?? "";
    this.release = form.dataset.release; // what the page was made from
    this.released = form.dataset.released; // the last that is no build between two
    this.base = form.dataset.base;
    this.prefixes = Object.entries(JSON.parse(form.dataset.prefixes));
    this.language = here.searchParams.get("lang") ?? "";
    this.graphs = [...form.querySelectorAll("input[type=hidden]")]
      .filter((input) => input.name.endsWith("-graph-uri"))
      .map((input) => [input.name, input.value]);
    this.isAsked = here.searchParams.has("query") && !here.searchParams.has("explain");
  }

  // The parameters of a request.
  parameters(query, more = {}) {
    const pairs = [["query", query], ...this.graphs, ...Object.entries(more)];
    if (this.pinned) pairs.push(["release", this.pinned]);
    return new URLSearchParams(pairs);
  }

  // Where an answer is found; null if that is too long to be an address.
  address(query, more = {}) {
    const address = `/sparql?${this.parameters(query, more)}`;
    return address.length > LONGEST ? null : address;
  }

  // The page of a release with this query.
  permanent(query, release) {
    const pairs = [["query", query], ...this.graphs, ...(release ? [["release", release]] : [])];
    const address = `${location.origin}/sparql?${new URLSearchParams(pairs)}`;
    return address.length > LONGEST ? null : address;
  }

  // Keep the query in the address of the page, so that going back and loading again find it.
  remember(query) {
    const more = this.language ? { lang: this.language } : {};
    const address = this.address(query, more);
    if (address && address !== location.pathname + location.search) history.pushState(null, "", address);
  }

  readQuery() {
    return new URL(location.href).searchParams.get("query");
  }

  // The page of this service about an IRI under its base; any other IRI as it is.
  local(iri) {
    if (!iri.startsWith(this.base)) return iri;
    return (this.pinned ? `/release/${this.pinned}/` : "/") + iri.slice(this.base.length);
  }
}
