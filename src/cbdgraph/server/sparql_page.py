"""The editor at /sparql: a query with its answer or problem in, HTML out; asks nothing and decides no format."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from cbdgraph.namespaces import BASE, PREFIXES
from cbdgraph.queries import Query, prologue
from cbdgraph.server import pages
from cbdgraph.server.live import Served
from cbdgraph.server.paging import make_address, next_page
from cbdgraph.server.problems import PROBLEMS, Problem
from cbdgraph.server.sparql_examples import comment_of, read_text
from cbdgraph.store import Answer

EXAMPLE: Final = (
    "SELECT ?class (COUNT(*) AS ?records)\nWHERE { ?record a ?class }\nGROUP BY ?class\nORDER BY DESC(?records)"
)
_START: Final = (
    prologue()
    + """

# The decisions that are cited most, in whole or in part
SELECT ?decision ?label (COUNT(?citation) AS ?citations)
WHERE {
  ?citation cbd:citedPart/cbd:isPartOf? ?decision .
  ?decision a cbd:Decision ;
    rdfs:label ?label .
  FILTER(LANG(?label) = "en")
}
GROUP BY ?decision ?label
ORDER BY DESC(?citations) ?decision
LIMIT 20"""
)
_TABLE_FORMATS: Final = {"csv": "CSV", "tsv": "TSV", "json": "JSON", "xml": "XML"}
_GRAPH_FORMATS: Final = {"ttl": "Turtle", "jsonld": "JSON-LD", "rdf": "RDF/XML", "nt": "N-Triples"}
_SHOWN_ROWS: Final = 1000
_SHOWN_BYTES: Final = 200_000
# In the order of the project's users.
_TAGS: Final = {"researcher": "For researchers", "harvester": "For harvesters", "terminologist": "For terminologists"}


def make_editor(served: Served, query: str = "", graphs: Sequence[tuple[str, str]] = (), **found: Any) -> str:
    """The editor with a query, by default one to begin with; `graphs` are the protocol's parameters as given."""
    text = query or (_START if served.questions else f"{prologue()}\n\n{EXAMPLE}")
    return pages.render(
        "sparql.html",
        query=text,
        height=min(max(text.count("\n") + 2, 10), 32),
        graphs=graphs,
        groups=_group(served.questions, served.queries),
        release=served.release,
        released=served.history.releases[-1].number if served.history and served.history.releases else "",
        as_of=pages.OLDER.get(),
        current=make_address(query, graphs) if query else "/sparql",
        base=BASE,
        prefixes=dict(PREFIXES),
        **found,
    )


def make_results(served: Served, query: str, graphs: Sequence[tuple[str, str]], answer: Answer) -> str:
    """The editor with the answer below it; a page shows a part of a large one, and says so."""
    older = pages.OLDER.get()
    others = [*graphs, *([("release", older)] if older else [])]
    formats = _GRAPH_FORMATS if answer.form == "triples" else _TABLE_FORMATS
    links = {
        label: f"/sparql?{urlencode([('query', query), *others, ('format', name)])}"
        for name, label in formats.items()
    }
    found: dict[str, Any] = {"links": links, "rows": answer.rows}
    if not answer.rows or (answer.form == "boolean" and b"true" not in answer.content):
        why = [("query", query), *others, ("explain", "empty"), ("format", "html")]
        found["why"] = f"/sparql?{urlencode(why)}"
    if answer.form == "triples":
        text = answer.content.decode()
        whole = len(text) <= _SHOWN_BYTES
        found |= {"graph": text if whole else text[: text.rindex("\n", 0, _SHOWN_BYTES) + 1], "is_whole": whole}
    elif answer.form == "boolean":
        found["boolean"] = answer.boolean
    else:
        document = json.loads(answer.content)
        following = next_page(query, answer.rows) if "limit" in query.lower() else None
        if following:
            found["following"] = make_address(following, [*others, ("format", "html")])
        columns, rows = document["head"]["vars"], document["results"]["bindings"]
        found["columns"] = columns
        found["table"] = [[row.get(name) for name in columns] for row in rows[:_SHOWN_ROWS]]
    return make_editor(served, query, graphs, **found)


def make_problem(served: Served, query: str, graphs: Sequence[tuple[str, str]], problem: Problem) -> str:
    """The editor with what is wrong above it, and the line in which it is."""
    lines = query.splitlines()
    line, column = int(problem.extra.get("line", 0)), int(problem.extra.get("column", 0))
    excerpt = ""
    if 0 < line <= len(lines):
        # Of a long line what is around the place.
        start = max(column - 60, 0)
        excerpt = f"{lines[line - 1][start : start + 100]}\n{' ' * (column - 1 - start)}^"
    return make_editor(
        served, query, graphs, problem=problem, kind=PROBLEMS[problem.kind], excerpt=excerpt, line=line, column=column
    )


def _group(questions: Mapping[str, Query], named: Mapping[str, Query]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Questions by kind of user, then named queries, each with the address that opens the editor with it."""
    groups = []
    for tag, title in _TAGS.items():
        entries = [(query.summary, _address(query)) for query in questions.values() if tag in query.tags]
        if entries:
            groups.append((title, entries))
    if questions and named:
        groups.append(("Named queries, with a value to try", [(comment_of(q), _address(q)) for q in named.values()]))
    return groups


def _address(query: Query) -> str:
    return "/sparql?" + urlencode({"query": f"# {comment_of(query)}\n{read_text(query)}"})
