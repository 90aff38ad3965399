"""A terminology in, TBX-Basic (ISO 30042:2019, either style) or that of 2008 out; docs/exchange.md has the mappings.

What TBX-Basic has no data category for stands in notes of the form `cbd:year = 2018`, which `tbx_reading` reads
again. Names of terms stand at the terms, wordings of definitions at their language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal

from cbdgraph.exchange.markup import escape, start_tag, tag
from cbdgraph.exchange.records import FIELDS, Field, Record, Value, records_of_term, shorten
from cbdgraph.model import Iri, Text
from cbdgraph.namespaces import BASE, PREFIXES, rank_language
from cbdgraph.terminology.terms import Terminology

Style = Literal["dca", "dct", "2008"]

TBX: Final = "urn:iso:std:iso:30042:ed-2"
MIN: Final = "http://www.tbxinfo.net/ns/min"
BASIC: Final = "http://www.tbxinfo.net/ns/basic"
ABOUT: Final = "rdf:about"
LANGUAGE: Final = "xml:lang"
# What elements were called in the edition of 2008, which many tools still read and no other.
OLD_NAMES: Final = {"conceptEntry": "termEntry", "langSec": "langSet", "termSec": "tig"}
UNKNOWN: Final = "und"  # for a text without a language, RFC 5646 section 4.1
STATUSES: Final = {
    "preferred": "preferredTerm-admn-sts",
    "alternative": "admittedTerm-admn-sts",
    "hidden": "deprecatedTerm-admn-sts",
}
# Where a data category belongs: its element in style DCA, the prefix of its module in style DCT.
_CATEGORIES: Final = {
    "subjectField": ("descrip", "min"),
    "definition": ("descrip", "basic"),
    "source": ("admin", "basic"),
    "administrativeStatus": ("termNote", "min"),
    "crossReference": ("ref", "basic"),
    "externalCrossReference": ("xref", ""),  # the module Basic 1.2 has no tag for it
}
_RELATIONS: Final = ("broader", "related")
_WEB: Final = re.compile(r"https?://.+")
_ID: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")
_SCHEMAS: Final = "https://raw.githubusercontent.com/LTAC-Global/TBX-Basic_dialect/master/"
_MODELS: Final = {
    "dca": (
        ("DCA/TBXcoreStructV03_TBX-Basic_integrated.rng", "http://relaxng.org/ns/structure/1.0"),
        ("DCA/TBX-Basic_DCA.sch", "http://purl.oclc.org/dsdl/schematron"),
    ),
    "dct": (("DCT/TBX-Basic.nvdl", "http://purl.oclc.org/dsdl/nvdl/ns/structure/1.0"),),
}


def write_tbx(terminology: Terminology, style: Style, origin: str = "") -> bytes:
    """A TBX-Basic document; a term without any name has no place in one and is left out. `origin` says what it is."""
    return "".join(_lines(terminology, style, origin)).encode()


def id_of(slug: str, number: int) -> str:
    """The id of a term's entry, which XML wants to begin with a letter; by its number where the slug is no id.

    >>> id_of("ecosystem-restoration", 3), id_of("30-by-30", 3), id_of("http://other.example/x", 3)
    ('ecosystem-restoration', '_30-by-30', 'entry_3')
    """
    for form in (slug, f"_{slug}"):
        if _ID.match(form):
            return form
    return f"entry_{number}"


def prefixed(iri: str) -> str:
    """The name of a property in a note; the IRI itself where no prefix fits."""
    for prefix, start in PREFIXES.items():
        if iri.startswith(start):
            return f"{prefix}:{iri[len(start) :]}"
    return iri


def _lines(terminology: Terminology, style: Style, origin: str) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    for path, kind in _MODELS.get(style, ()):
        yield f'<?xml-model href="{_SCHEMAS}{path}" type="application/xml" schematypens="{kind}"?>\n'
    said = tag("p", f"Written by cbdgraph from {BASE}term{f', {origin}' if origin else ''}; see docs/exchange.md.")
    modules = {"xmlns:min": MIN, "xmlns:basic": BASIC} if style == "dct" else {}
    if style == "2008":
        root, header = "martif", "martifHeader"
        yield start_tag(root, {"type": "TBX-Basic", "xml:lang": "en"})
    else:
        root, header = "tbx", "tbxHeader"
        yield start_tag(root, {"type": "TBX-Basic", "style": style, "xml:lang": "en", "xmlns": TBX, **modules})
    yield f"\n<{header}><fileDesc><titleStmt>{tag('title', 'cbdgraph: terms')}</titleStmt>"
    yield f"<sourceDesc>{said}</sourceDesc></fileDesc></{header}>\n<text><body>\n"
    ids = {
        term.iri: id_of(term.slug, number) for number, term in enumerate(terminology.terms.values(), 1) if term.labels
    }
    writer = _Writer(terminology, style, ids)
    for term in terminology.terms.values():
        if term.labels:
            yield from writer.entry(list(records_of_term(term)))
    yield f"</body></text>\n</{root}>\n"


class _Writer:
    """Writes entries; remembers which terms have one."""

    def __init__(self, terminology: Terminology, style: Style, ids: dict[str, str]) -> None:
        self._names, self._style, self._ids = terminology, style, ids
        self._entry, self._section, self._term = (
            OLD_NAMES[name] if style == "2008" else name for name in ("conceptEntry", "langSec", "termSec")
        )

    def entry(self, records: list[Record]) -> Iterator[str]:
        """The entry of one term from what is said of it."""
        term = records[0]
        yield start_tag(self._entry, {"id": self._ids[term.key]}) + "\n"
        for issue in term.iris("issue"):
            yield self._category("subjectField", self._names.name(issue, "en").value) + "\n"
        yield from self._references(term)
        yield from self._sources(term)
        yield from self._about(term)
        labels = [record for record in records if record.kind == "label"]
        spoken = list(dict.fromkeys(record.texts("text")[0].language for record in labels))
        wordings = _wordings(records)
        for language in [code for code in wordings if code not in spoken]:
            for definition, features, is_first in wordings[language]:
                yield from self._definition(definition, features, language, is_first=is_first, here=False)
        for language in spoken:
            yield start_tag(self._section, {"xml:lang": language or UNKNOWN}) + "\n"
            for definition, features, is_first in wordings.get(language, ()):
                yield from self._definition(definition, features, language, is_first=is_first, here=True)
            for label in labels:
                if label.texts("text")[0].language == language:
                    yield from self._label(label)
            yield f"</{self._section}>\n"
        yield f"</{self._entry}>\n"

    def _category(self, name: str, text: str, target: str = "") -> str:
        element, module = _CATEGORIES[name]
        targets = {"target": target} if target else {}
        if self._style != "dct":
            return tag(element, text, {"type": name, **targets})
        return tag(f"{module}:{name}", text, targets)

    def _references(self, term: Record) -> Iterator[str]:
        """Relations to terms in this file, and but for style DCT links to the web; all others are notes."""
        for name, field in FIELDS["term"].items():
            if name in _RELATIONS or name.endswith("Match"):
                for iri in term.iris(name):
                    if iri in self._ids:
                        yield self._category("crossReference", prefixed(field.iri), self._ids[iri]) + "\n"
                    elif self._style != "dct" and _WEB.match(iri):
                        yield self._category("externalCrossReference", prefixed(field.iri), iri) + "\n"
                    else:
                        yield _note(field, Iri(iri))

    def _sources(self, record: Record) -> Iterator[str]:
        """What the sources are called; their IRIs are notes."""
        for source in record.iris("source"):
            yield self._category("source", self._names.name(source, "en").value) + "\n"

    def _about(self, record: Record, path: str = "") -> Iterator[str]:
        """Its IRI, and what no data category says."""
        if not path and record.is_named:
            yield tag("note", f"{ABOUT} = {record.key}") + "\n"
        elif path and record.key != f"{record.owner}/{path}":
            yield tag("note", f"{path} {ABOUT} = {record.key}") + "\n"
        for name, field in FIELDS[record.kind].items():
            if name in {"text", "wording", "dimension", *_RELATIONS} or name.endswith("Match"):
                continue
            for value in record.fields.get(name, ()):
                yield _note(field, value, path)

    def _label(self, label: Record) -> Iterator[str]:
        yield f"<{self._term}>{tag('term', label.texts('text')[0].value)}"
        yield self._category("administrativeStatus", STATUSES[label.texts("kind")[0].value]) + "\n"
        yield from self._sources(label)
        yield from self._about(label)
        yield f"</{self._term}>\n"

    def _definition(
        self, definition: Record, features: list[Record], language: str, *, is_first: bool, here: bool
    ) -> Iterator[str]:
        """One wording; what else is said of the definition stands at its first one only."""
        words = next(text.value for text in definition.texts("wording") if text.language == language)
        yield f"<descripGrp>{self._category('definition', words)}\n"
        yield from self._sources(definition)
        if is_first:
            yield from self._about(definition)
            for each in features:
                yield from self._about(each, shorten(each.iris("dimension")[0]))
        else:
            yield tag("note", f"{ABOUT} = {definition.key}") + "\n"
        if not here:
            yield tag("note", f"{LANGUAGE} = {language or UNKNOWN}") + "\n"
        yield "</descripGrp>\n"


_Wording = tuple[Record, list[Record], bool]


def _wordings(records: list[Record]) -> dict[str, list[_Wording]]:
    """Definitions with their features by language, and whether this is the first language of each."""
    found: dict[str, list[_Wording]] = {}
    features: dict[str, list[Record]] = {}
    for record in records:
        if record.kind == "feature":
            features.setdefault(record.owner, []).append(record)
    for record in records:
        if record.kind == "definition":
            codes = sorted((text.language for text in record.texts("wording")), key=rank_language)
            for code in codes:
                found.setdefault(code, []).append((record, features.get(record.key, []), code == codes[0]))
    return found


def _note(field: Field, value: Value, path: str = "") -> str:
    language = f"@{value.language}" if isinstance(value, Text) and value.language else ""
    text = f"{f'{path} ' if path else ''}{prefixed(field.iri)}{language} = {value.value}"
    return f"<note>{escape(text)}</note>\n"
