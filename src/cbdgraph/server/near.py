"""What is written like what: a name or literal and those that there are in, the likest out; asks nothing."""

from __future__ import annotations

import difflib
import heapq
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from cbdgraph.errors import InvalidName
from cbdgraph.model import Iri, Text
from cbdgraph.namespaces import BASE, PREFIXES
from cbdgraph.server.pages import brief

LONGEST: Final = 200  # characters of a text that is compared
_MOST: Final = 3000  # texts that one is compared with
_MATCHED: Final = 100  # of them, letter by letter
_SHOWN: Final = 300  # characters of a term in an answer
_LIKE: Final = 0.6  # of difflib
_NEARLY: Final = 0.15  # how much less like than the likest one may be

Term = Iri | Text


@dataclass(frozen=True, slots=True)
class Near:
    """A term that the graph has: as SPARQL writes it in full, and as the user's prefixes let it be written."""

    term: str
    name: str


@dataclass(frozen=True, slots=True)
class Hint:
    """What may be amiss: a kind (docs/explain.md), a sentence, the term as the user wrote it, what is near it."""

    kind: str
    says: str
    term: str = ""
    near: tuple[Near, ...] = ()

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "kind": self.kind,
            "says": self.says,
            "term": self.term,
            "near": [{"term": near.term, "name": near.name} for near in self.near],
        }


@dataclass(frozen=True, slots=True)
class Names:
    """Writes terms as a person reads them, IRIs with the prefixes of the user's query."""

    prefixes: Mapping[str, str]

    def near(self, terms: Iterable[str | Term]) -> tuple[Near, ...]:
        """Each once; what is no term is left out."""
        found = []
        for term in terms:
            value = term.value if isinstance(term, Iri) else term
            if isinstance(value, Text):
                found.append(Near(clip(str(value)), clip(str(value))))
            elif is_iri(value):
                found.append(Near(f"<{value}>", self.name(value)))
        return tuple(dict.fromkeys(found))

    def name(self, iri: str) -> str:
        """A prefixed name, or the IRI in angle brackets."""
        for prefix, space in self.prefixes.items():
            local = iri.removeprefix(space)
            if local != iri and re.fullmatch(r"\w[\w-]*", local):
                return f"{prefix}:{local}"
        prefixed = brief(iri) if iri.startswith(tuple(PREFIXES.values())) else f"<{iri}>"
        # A prefix of ours is understood where the user gives it no meaning of its own.
        return f"<{iri}>" if prefixed.partition(":")[0] in self.prefixes else prefixed

    def list(self, iris: Iterable[str]) -> str:
        """Names with commas between them."""
        return ", ".join(self.name(iri) for iri in iris)


def close(text: str, others: Iterable[str], most: int = 5) -> list[str]:
    """Those written alike, the likest first; none that is much less like than it.

    >>> close("Forrest", ["Forest", "Interest", "Marine"])
    ['Forest']
    """
    # Matching takes long: only those are matched that share most pairs of letters, which is quick to see.
    pairs = _pairs(text[:LONGEST])
    short = [other for other in others if len(other) <= LONGEST][:_MOST]
    likely = heapq.nlargest(_MATCHED, short, key=lambda other: len(pairs & _pairs(other)))
    found = difflib.get_close_matches(text[:LONGEST], likely, n=most, cutoff=_LIKE)
    ratios = [difflib.SequenceMatcher(None, other, text[:LONGEST]).ratio() for other in found]
    return [other for other, ratio in zip(found, ratios, strict=True) if ratio >= ratios[0] - _NEARLY]


def most_like(iri: str, names: Iterable[str]) -> list[str]:
    """IRIs with the same local name whatever the namespace, then those written alike, of the same namespace first.

    >>> most_like("http://e/#Decsion", ["http://e/#Decision", "http://f/#Decsion", "http://e/#Note"])
    ['http://f/#Decsion', 'http://e/#Decision']
    """
    space, local = split(iri)
    local = local[:LONGEST].casefold()
    by_local: dict[str, list[str]] = {}
    for name in sorted(names, key=lambda name: (split(name)[0] != space, name)):
        by_local.setdefault(split(name)[1].casefold(), []).append(name)
    keys = [*([local] if local in by_local else []), *close(local, by_local)]
    return [name for key in dict.fromkeys(keys) for name in by_local[key]][:5]


def variants(written: str, iri: str) -> list[str]:
    """The same name in the namespaces that may have been meant; none of them is the IRI itself.

    >>> variants("c:Issue", "http://w3id.org/cbdgraph/ontology#Issue")[0]
    'https://w3id.org/cbdgraph/ontology#Issue'
    """
    space, local = split(iri)
    prefix = written.partition(":")[0]
    spaces = [PREFIXES[prefix]] if prefix in PREFIXES and not written.startswith("<") else []
    spaces += [known for known in (*PREFIXES.values(), BASE) if _plain(known) == _plain(space)]
    swapped = {"http": "https", "https": "http"}
    scheme, _, rest = iri.partition("://")
    spaces.append(f"{space[:-1]}{'/' if space.endswith('#') else '#'}")
    found = [f"{known}{local}" for known in spaces]
    if scheme in swapped:
        found.append(f"{swapped[scheme]}://{rest}")
    found += [iri.rstrip("/"), iri.rstrip(".,;")]
    return [other for other in dict.fromkeys(found) if other != iri and is_iri(other)]


def compare(written: str, text: Text, values: Sequence[Term]) -> tuple[str, str, list[Text]] | None:
    """How a literal differs from those that there are: kind, sentence, those near it; None if it is one of them."""
    literals = [value for value in values if isinstance(value, Text)]
    if text in literals:
        return None
    same = [value for value in literals if value.value == text.value]
    if any(value.language != text.language for value in same):
        return "language-tag", f"The graph has this text, but not as {written}: its language tag differs.", same
    if same:
        return "datatype", f"The graph has this text, but not as {written}: its datatype differs.", same
    folded = text.value.strip().casefold()
    same = [value for value in literals if value.value.strip().casefold() == folded]
    if same:
        tag = "" if any(value.language == text.language for value in same) else ", and the language tag,"
        return "letters", f"Upper and lower case, or spaces{tag} differ between {written} and what there is.", same
    holding = [value for value in literals if folded and folded in value.value.casefold()]
    strings = {value.value: value for value in literals}
    near = list(dict.fromkeys((*(strings[value] for value in close(text.value, strings)), *holding)))[:5]
    end = "" if near else ", and none that is like it"
    return "unknown-literal", f"The graph has no value {written} here{end}.", near


def clip(text: str) -> str:
    """A text as long as an answer may repeat it."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def term_of(value: Mapping[str, str]) -> Term | None:
    """A term of SPARQL JSON; None for a blank node, or what the core calls no term."""
    try:
        if value.get("type") == "uri":
            return Iri(value["value"])
        if value.get("type") == "literal":
            datatype = value.get("datatype")
            return Text(value["value"], value.get("xml:lang", ""), Iri(datatype) if datatype else None)
    except InvalidName:
        return None
    return None


def is_iri(text: str) -> bool:
    """Whether the core calls a text an IRI."""
    try:
        Iri(text)
    except InvalidName:
        return False
    return True


def split(iri: str) -> tuple[str, str]:
    """Namespace and name.

    >>> split("http://e/a#b"), split("http://e/a/b")
    (('http://e/a#', 'b'), ('http://e/a/', 'b'))
    """
    end = max(iri.rfind("#"), iri.rfind("/")) + 1
    return iri[:end], iri[end:]


def _pairs(text: str) -> set[str]:
    return {f"{first}{second}" for first, second in pairwise(text.casefold())}


def _plain(space: str) -> str:
    """A namespace without what people get wrong in it.

    >>> _plain("https://www.w3.org/2004/02/skos/core/") == _plain("http://www.w3.org/2004/02/skos/core#")
    True
    """
    return space.partition("://")[2].removeprefix("www.").rstrip("#/").casefold()
