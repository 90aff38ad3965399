"""Every question and every named query on the real data, against answers that were checked by hand with the note.

After a change of the data: look at the difference, and accept it with CBDGRAPH_ACCEPT=1 in the environment.
"""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rdflib.plugins.sparql import prepareQuery

from cbdgraph.iris import mint_graph
from cbdgraph.queries import Query, read_queries
from cbdgraph.store import Limits
from cbdgraph.store.embedded import Store
from cbdgraph.store.releases import Release
from tests.conftest import ROOT

QUERIES = [
    (folder, query) for folder in ("questions", "named") for query in read_queries(ROOT / "queries" / folder).values()
]
# Answers of several hundred rows or more are counted, not listed.
LIMITS = Limits(seconds=20, rows=10_000, bytes=10_000_000)
COUNTED = {"resources-changed-since"}

# No row is the right answer here: every term has a label in each of the six languages.
EMPTY = {"terms-missing-language"}


def answer(graph: Store, query: Query) -> str:
    """The answer as CSV with IRIs under the base shortened, for the examples of its required parameters."""
    text = query.bind({p.name: p.example for p in query.parameters if p.required})
    content = graph.answer(text, "text/csv", LIMITS).content.decode().replace("https://w3id.org/cbdgraph/", "")
    rows = list(csv.reader(io.StringIO(content)))
    wanted = [rows[0].index(column) for column in query.columns]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if query.name in COUNTED:
        writer.writerows([["rows"], [len(rows) - 1]])
    else:
        writer.writerows([row[i] for i in wanted] for row in rows)
    return out.getvalue()


@pytest.mark.parametrize(("folder", "query"), QUERIES, ids=[f"{folder}/{q.name}" for folder, q in QUERIES])
def test_the_answer_is_the_expected_one(graph: Store, folder: str, query: Query) -> None:
    expected = ROOT / "tests" / "expected" / folder / f"{query.name}.csv"
    got = answer(graph, query)
    if os.environ.get("CBDGRAPH_ACCEPT"):  # pragma: no cover
        expected.parent.mkdir(parents=True, exist_ok=True)
        expected.write_text(got, encoding="utf-8")
    assert got == expected.read_text(encoding="utf-8")
    assert got.count("\n") > 1 or query.name in EMPTY, "a question without an answer shows nothing"


@pytest.mark.parametrize("query", [q for _, q in QUERIES], ids=[q.name for _, q in QUERIES])
def test_a_second_engine_can_read_it(query: Query) -> None:
    assert prepareQuery(query.text) is not None
    assert "ORDER BY" in query.text
    assert query.tags, "says for whom it is"


def test_there_is_an_answer_for_each_query_and_no_other() -> None:
    files = {(path.parent.name, path.stem) for path in (ROOT / "tests" / "expected").glob("*/*.csv")}
    assert files == {(folder, query.name) for folder, query in QUERIES}


def test_there_are_enough_questions() -> None:
    assert len(list(Path(ROOT / "queries" / "questions").glob("*.rq"))) >= 25


@pytest.mark.slow
def test_each_rule_of_inference_is_needed_by_a_question(release: Release, graph: Store) -> None:
    lines = release.graph_path.read_text(encoding="utf-8").splitlines()
    questions = [query for folder, query in QUERIES if folder == "questions"]
    asked = {query.name: answer(graph, query) for query in questions}
    for rule in sorted(path.stem for path in (ROOT / "ontology" / "rules").glob("*.rq")):
        name = f"<{mint_graph(f'inferred/{rule}')}>"
        store = Store.memory()
        # The dump holds the named graphs; all but that of the rule's conclusions are united again.
        store.load_text("\n".join(line for line in lines if name not in line), "nquads")
        store.unite_default_graph()
        assert any(answer(store, query) != asked[query.name] for query in questions), f"no question needs {rule}"


def test_the_same_question_gives_the_same_bytes(release: Release) -> None:
    """Also where nothing says in which order: whichever worker answers, today or after the next start."""
    disordered = [
        ("SELECT * { ?s ?p ?o } LIMIT 500", "solutions"),
        ("SELECT DISTINCT ?p { ?s ?p ?o }", "solutions"),
        ("SELECT ?c (COUNT(*) AS ?n) (GROUP_CONCAT(?s) AS ?all) { ?s a ?c } GROUP BY ?c", "solutions"),
        ("SELECT ?g ?s { GRAPH ?g { ?s a ?c } } LIMIT 200", "solutions"),
        ("CONSTRUCT { ?s ?p _:b } { ?s a ?c ; ?p ?o } LIMIT 50", "triples"),
        ("DESCRIBE <decision/cop/11/16>", "triples"),
    ]
    asked = [(query.bind({}), "solutions") for folder, query in QUERIES if folder == "questions"] + disordered
    program = (
        "import sys, hashlib, json; from pathlib import Path; from cbdgraph.store import *;"
        "from cbdgraph.store.embedded import Store, dump_path;"
        "store = Store.read_into_memory(dump_path(Path(sys.argv[1])));"
        "types = {'solutions': RESULT_TYPES, 'triples': GRAPH_TYPES};"
        "print(*(hashlib.sha256(store.answer(query, name, Limits()).content).hexdigest()"
        " for query, form in json.load(sys.stdin) for name in types[form]))"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", program, str(release.store_path)],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for _ in range(3)
    }
    assert len(runs) == 1
