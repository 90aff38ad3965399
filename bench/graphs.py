"""The graphs that are measured: the built release and a generated one, as N-Triples files under build/bench/.

Both hold one default graph, each triple once: not every server has a default graph that is the union of the named
ones, and all must answer the same. The generated graph repeats the shapes of the real one (a decision with parts,
the citations of a document's annex, labels in six languages with their resources, what follows from them) many
times with other names, and is the same bytes on every machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from bench import wording
from cbdgraph.namespaces import BASE, PREFIXES, expand

ROOT: Final = Path(__file__).resolve().parent.parent
FOLDER: Final = ROOT / "build" / "bench"
BATCHES: Final = 74  # of the generated graph, which then has a million triples

_DECISIONS, _ROWS, _ROW_CITATIONS, _ISSUES, _TARGETS, _TERMS, _ACTORS = 60, 24, 8, 2, 60, 20, 52  # of one batch
_SESSIONS: Final = 16
_SEED: Final = 17


@dataclass(frozen=True, slots=True)
class Graph:
    """A file of N-Triples, how many there are, and the hash of its bytes."""

    name: str
    file: Path
    triples: int
    digest: str


def find_graph(name: str) -> Graph:
    """The graph `real` or `million`, written if it is not there yet."""
    if name == "real":
        return _write(name, FOLDER / "real.nt", _real_lines())
    file = FOLDER / f"generated-{_own_digest()}.nt"
    return _write(name, file, () if file.exists() else generate())


def _write(name: str, file: Path, lines: Iterator[str] | tuple[()]) -> Graph:
    FOLDER.mkdir(parents=True, exist_ok=True)
    if lines:
        part = file.with_suffix(".part")
        with part.open("w", encoding="utf-8") as stream:
            stream.writelines(lines)
        part.replace(file)
    digest, count = hashlib.sha256(), 0
    with file.open("rb") as binary:
        while piece := binary.read(1 << 20):
            digest.update(piece)
            count += piece.count(b"\n")
    return Graph(name, file, count, digest.hexdigest()[:12])


def _own_digest() -> str:
    files = (Path(__file__), Path(wording.__file__))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def _real_lines() -> Iterator[str]:
    built = ROOT / "build" / "current" / "graph.nq"
    if not built.exists():
        raise SystemExit("nothing is built yet; run: make build")
    seen = set()
    with built.open(encoding="utf-8") as stream:
        for line in stream:
            seen.add(line.rstrip().removesuffix(".").rstrip().rsplit(" ", 1)[0] + " .\n")
    yield from sorted(seen)


def generate(batches: int = BATCHES) -> Iterator[str]:
    """N-Triples lines, each once, in the order of the batches.

    >>> next(generate(1))
    '<https://w3id.org/cbdgraph/meeting/cop/1> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> \
<https://w3id.org/cbdgraph/ontology#Meeting> .\\n'
    """
    writer = _Writer(Random(_SEED))
    for session in range(1, _SESSIONS + 1):
        writer.write_meeting(session)
    yield from writer.take()
    for batch in range(batches):
        writer.write_batch(batch)
        yield from writer.take()


class _Writer:
    """Collects the lines of a batch; remembers what later batches may cite."""

    def __init__(self, random: Random) -> None:
        self._random = random.random
        self._lines: dict[str, None] = {}
        self._texts: list[tuple[str, list[str]]] = []  # decisions and their parts
        self._filed: set[tuple[str, str]] = set()  # texts under issues, in whichever batch
        self._issues: list[str] = []
        self._targets: list[str] = []
        self._actors: list[str] = []
        self._numbers = dict.fromkeys(range(1, _SESSIONS + 1), 0)

    def take(self) -> list[str]:
        lines, self._lines = list(self._lines), {}
        return lines

    def write_meeting(self, session: int) -> None:
        meeting = f"meeting/cop/{session}"
        self._add(meeting, "rdf:type", "cbd:Meeting")
        self._add(meeting, "cbd:session", session)
        self._add(meeting, "cbd:meetingOf", "/body/cop")
        self._plain(meeting, "cbd:startDate", f'"{1992 + session}-10-08"^^<{PREFIXES["xsd"]}date>')
        self._record(meeting, "document/meetings")
        self._names(meeting, {"en": f"COP {session}", "zh": f"缔约方大会第{session}届会议"})

    def write_batch(self, batch: int) -> None:
        document = f"document/note-{batch}"
        for number in range(_ISSUES):
            self._issues.append(self._concept(f"issue/i{batch}-{number}", "cbd:Issue", "issue", document))
        for number in range(_TARGETS):
            target = self._concept(f"target/set-{batch}/{number + 1}", "cbd:Target", "", document)
            self._add(target, "rdf:type", "cbd:AichiTarget")
            self._add(target, "cbd:inSet", f"/target/set-{batch}")
            self._add(target, "cbd:number", number + 1)
            self._plain(target, "cbd:deadline", f'"{2010 + batch % 40}"^^<{PREFIXES["xsd"]}gYear>')
            self._targets.append(target)
        for number in range(_TERMS):
            # Every third term lacks a language, another one each time.
            missing = wording.LANGUAGES[number % 6] if number % 3 == 0 else ""
            self._concept(f"term/t{batch}-{number}", "cbd:Term", "term", document, missing)
        for number in range(_ACTORS):
            self._actors.append(self._concept(f"actor/a{batch}-{number}", "cbd:Actor", "", document))
        for number in range(_DECISIONS):
            self._write_decision(document, 1 + (batch * _DECISIONS + number) % _SESSIONS)
        self._write_document(document, batch)

    def _write_decision(self, document: str, session: int) -> None:
        self._numbers[session] += 1
        number = self._numbers[session]
        decision = f"decision/cop/{session}/{number}"
        symbol = f"{session}/{number}"
        self._add(decision, "rdf:type", "cbd:Decision")
        self._add(decision, "rdf:type", "cbd:Text")
        self._add(decision, "cbd:adoptedAt", f"/meeting/cop/{session}")
        self._add(decision, "cbd:number", number)
        self._plain(decision, "cbd:symbol", f'"{symbol}"')
        for language, label in wording.decision_labels(symbol).items():
            self._plain(decision, "rdfs:label", f'"{label}"@{language}')
        self._plain(decision, "cbd:title", f'"{wording.phrase(self._random(), "en")}"@en')
        self._plain(decision, "skos:notation", f'"CBD/COP/{symbol}"^^<{PREFIXES["cbd"]}TrackingCode>')
        self._record(decision, f"{document}/para/{number % 40}")
        parts: list[str] = []
        for paragraph in range(1, 2 + self._below(3)):
            part = f"{decision}/para/{paragraph}"
            parts.append(self._part(part, decision, [decision], "para", str(paragraph), len(parts) + 1, document))
            for letter in "abc"[: self._below(3)]:
                item = f"{part}/item/{letter}"
                parts.append(self._part(item, part, [part, decision], "item", letter, len(parts) + 1, document))
        for place, part in enumerate(parts[:2]):
            self._target_reference(decision, part, place, document)
        if self._below(3) == 0:
            self._request(parts[0], document)
        self._texts.append((decision, parts))

    def _part(
        self, part: str, parent: str, above: list[str], level: str, label: str, position: int, document: str
    ) -> str:
        root = above[-1]
        self._add(part, "rdf:type", "cbd:Element")
        self._add(part, "rdf:type", "cbd:Text")
        if level == "para":
            self._add(part, "rdf:type", "cbd:Paragraph")
        self._add(part, "cbd:parent", f"/{parent}")
        for each in above:
            self._add(part, "cbd:isPartOf", f"/{each}")
        self._add(part, "cbd:level", f"/level/{level}")
        self._add(part, "cbd:position", position)
        self._plain(part, "cbd:partLabel", f'"{label}"')
        self._plain(part, "cbd:locator", f'"{part.removeprefix(root + "/")}"')
        self._plain(
            part, "rdfs:label", f'"Decision {root.removeprefix("decision/cop/")}, {part[len(root) + 1 :]}"@en'
        )
        self._record(part, document)
        return part

    def _target_reference(self, decision: str, part: str, place: int, document: str) -> None:
        reference = f"{part}/citation/{place + 1}"
        self._citation(reference, part, place + 1, document)
        self._add(reference, "rdf:type", "cbd:TargetReference")
        for _ in range(1 + self._below(3)):
            target = self._skewed(self._targets)
            self._add(reference, "cbd:citedTarget", f"/{target}")
            self._add(part, "cbd:addressesTarget", f"/{target}")
            self._add(decision, "cbd:addressesTarget", f"/{target}")

    def _request(self, part: str, document: str) -> None:
        request, activity = f"{part}/request/1", f"activity/{part.replace('/', '-')}"
        actor = self._skewed(self._actors)
        self._add(request, "rdf:type", "cbd:Request")
        self._add(request, "cbd:addressee", f"/{actor}")
        self._add(request, "cbd:requestedIn", f"/{part}")
        self._add(request, "cbd:action", "/action/requests")
        self._record(request, document)
        self._add(activity, "rdf:type", "cbd:Activity")
        self._add(activity, "cbd:respondsTo", f"/{request}")
        self._add(activity, "cbd:carriesOut", f"/{part}")
        self._add(activity, "cbd:carriedOutBy", f"/{actor}")
        self._record(activity, document)

    def _write_document(self, document: str, batch: int) -> None:
        annex = f"{document}/annex/1"
        self._add(document, "rdf:type", "cbd:Document")
        self._add(document, "rdf:type", "cbd:Text")
        self._plain(document, "rdfs:label", f'"Note {batch}"@en')
        self._record(document, "document/sources")
        self._part(annex, document, [document], "annex", "1", 1, document)
        for number in range(1, _ROWS + 1):
            row = self._part(
                f"{annex}/row/{number}", annex, [annex, document], "row", str(number), number + 1, document
            )
            issue = self._skewed(self._issues)
            for place in range(1, _ROW_CITATIONS + 1):
                decision, parts = self._texts[int(len(self._texts) * self._random())]
                cited = parts[self._below(len(parts))] if self._below(4) else decision
                citation = f"{row}/citation/{place}"
                self._citation(citation, row, place, row)
                self._add(citation, "cbd:issue", f"/{issue}")
                self._add(citation, "cbd:citedPart", f"/{cited}")
                self._plain(citation, "cbd:partQuote", f'"{cited.removeprefix("decision/cop/")}"@zh')
                self._add(row, "cbd:cites", f"/{cited}")
                self._add(cited, "cbd:citedBy", f"/{row}")
                if (cited, issue) not in self._filed:
                    self._filed.add((cited, issue))
                    self._add(cited, "cbd:onIssue", f"/{issue}")

    def _citation(self, citation: str, citing: str, position: int, source: str) -> None:
        certainty = wording.CERTAINTIES[int(len(wording.CERTAINTIES) * self._random() ** 3)]
        self._add(citation, "rdf:type", "cbd:Citation")
        self._add(citation, "cbd:citingPart", f"/{citing}")
        self._add(citation, "cbd:certainty", f"/certainty/{certainty}")
        self._add(citation, "cbd:position", position)
        self._plain(citation, "cbd:quote", f'"{wording.phrase(self._random(), "zh")}"@zh')
        self._plain(citation, "rdfs:label", f'"{citing}, citation {position}"@en')
        self._record(citation, source)

    def _concept(self, name: str, kind: str, scheme: str, document: str, missing: str = "") -> str:
        self._add(name, "rdf:type", kind)
        if scheme:
            self._add(name, "rdf:type", "skos:Concept")
            self._add(name, "skos:inScheme", f"/{scheme}")
        self._record(name, document)
        self._plain(name, "cbd:sourcePlace", '"list of names"@en')
        code = name.upper().replace("/", "-")
        self._plain(name, "skos:notation", f'"{code}"^^<{PREFIXES["cbd"]}ClearingHouseIdentifier>')
        place, number = self._random(), name.rsplit("/", 1)[1]
        labels = {each: f"{wording.phrase(place, each)} {number}" for each in wording.LANGUAGES if each != missing}
        self._names(name, labels)
        return name

    def _names(self, name: str, labels: dict[str, str]) -> None:
        for language, text in labels.items():
            label = f"{name}/label/{language}"
            self._add(name, "skosxl:prefLabel", f"/{label}")
            self._plain(name, "skos:prefLabel", f'"{text}"@{language}')
            self._add(label, "rdf:type", "skosxl:Label")
            self._plain(label, "skosxl:literalForm", f'"{text}"@{language}')
            self._add(label, "cbd:labelOrigin", f"/label-origin/{'source' if language == 'zh' else 'project'}")

    def _record(self, name: str, source: str) -> None:
        self._add(name, "dcterms:source", f"/{source}")
        self._add(name, "cbd:basis", "/basis/stated")

    def _add(self, name: str, predicate: str, value: str | int) -> None:
        """`value` is a number, a path under the base that begins with a slash, or a prefixed name."""
        if isinstance(value, int):
            term = f'"{value}"^^<{PREFIXES["xsd"]}integer>'
        elif value.startswith("/"):
            term = f"<{BASE}{value[1:]}>"
        else:
            term = f"<{expand(value)}>"
        self._plain(name, predicate, term)

    def _plain(self, name: str, predicate: str, term: str) -> None:
        self._lines[f"<{BASE}{name}> <{expand(predicate)}> {term} .\n"] = None

    def _below(self, bound: int) -> int:
        return int(bound * self._random())

    def _skewed(self, names: list[str]) -> str:
        """Some are named far more often than others, as in life."""
        return names[int(len(names) * self._random() ** 2)]
