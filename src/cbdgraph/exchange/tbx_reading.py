"""TBX-Basic of any tool in, records and faults out; reads both styles in all namespaces, and that of 2008.

An entry of ours says in notes what TBX-Basic has no data category for (see `tbx`). Of another tool's entry, names,
definitions, sources and plain notes are taken; the rest is named as left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from cbdgraph.errors import InvalidName
from cbdgraph.exchange.markup import Element, MarkupFault, clean, read_xml
from cbdgraph.exchange.records import Fault, Kind, Reading, Record, Value, lengthen
from cbdgraph.exchange.tbx import ABOUT, LANGUAGE, OLD_NAMES, TBX, UNKNOWN
from cbdgraph.exchange.tbx_categories import (
    CORE,
    GROUPS,
    KINDS,
    LANGUAGE_TAG,
    NAMES,
    RELATIONS,
    SECTIONS,
    Item,
    category_of,
    names_definition,
    read_note,
)
from cbdgraph.exchange.values import read_value
from cbdgraph.model import Iri, Text

_DIALECTS: Final = frozenset({"TBX-Basic", "TBX-Min", "TBX-Core"})
# Those of 2008 and what they are called now.
_NEW_NAMES: Final = {old: new for new, old in OLD_NAMES.items()} | {"martif": "tbx", "ntig": "termSec"}

Fields = dict[str, tuple[Value, ...]]


def read_tbx(content: bytes) -> Reading:
    """What a TBX file says. Where it is no TBX-Basic there are no records, and faults with their lines."""
    try:
        root = read_xml(content)
    except MarkupFault as error:
        return Reading(faults=(error.fault,))
    if root.name == "martif":
        _rename(root)
    fault = _root_fault(root)
    if fault:
        return Reading(faults=(Fault(root.place, fault),))
    reader = _Reader(root.language)
    bodies = [body for text in root if text.name == "text" for body in text if body.name == "body"]
    if not bodies:
        return Reading(faults=(Fault(root.place, "there is no <text><body> in it, where the entries stand"),))
    for entry in bodies[0]:
        reader.entry(entry)
    reader.finish()
    left_out = tuple(f"{count} × {name}" for name, count in sorted(reader.left_out.items()))
    return Reading(tuple(reader.records), tuple(reader.faults), left_out, settle)


def settle(text: str) -> str:
    """What is left of a text that went through XML and tools that set it anew: blanks count once."""
    return " ".join(clean(text).split())


def _rename(root: Element) -> None:
    """A document of 2008 with the names of 2019, in style DCA; what a termGrp held stands in its place."""
    waiting = [root]
    while waiting:
        element = waiting.pop()
        element.name, element.namespace = _NEW_NAMES.get(element.name, element.name), TBX
        content: list[Element | str] = []
        for each in element.content:
            is_group = isinstance(each, Element) and each.name == "termGrp"
            content += each.content if is_group and isinstance(each, Element) else [each]
        element.content = content
        waiting += list(element)
    dialect = root.attributes.get("type", "")
    root.attributes = {**root.attributes, "style": "dca", "type": "TBX-Basic" if dialect == "TBX" else dialect}


def _root_fault(root: Element) -> str:
    if root.name != "tbx" or root.namespace not in CORE:
        return f"the root is <{root.name}> of namespace {root.namespace!r}, not <tbx> of {TBX}"
    dialect, style = root.attributes.get("type", ""), root.attributes.get("style", "")
    if dialect not in _DIALECTS:
        return f"type={dialect!r} is another dialect; read are {', '.join(sorted(_DIALECTS))}"
    if style not in {"dca", "dct"}:
        return f"style={style!r} is none; write dca or dct"
    return ""


class _Reader:
    """Collects what entries say."""

    def __init__(self, language: str) -> None:
        self.records: list[Record] = []
        self.faults: list[Fault] = []
        self.left_out: Counter[str] = Counter()
        self._language = language
        self._ids: dict[str, str] = {}  # of entries, with the key of each
        self._lines: dict[str, str] = {}  # of ids and keys

    def fault(self, element: Element, reason: str) -> None:
        """Something that is wrong with an element."""
        self.faults.append(Fault(element.place, reason))

    def items(self, element: Element, *, inside: bool = False) -> Iterator[Item]:
        """What stands directly in an element, and in groups that are not about a definition."""
        if element.name == "descrip" or not list(element):
            yield from self._item(element)
            return
        for child in element:
            if child.name in SECTIONS:
                continue
            if child.name in GROUPS:
                if not inside and child.name == "descripGrp" and names_definition(child):
                    yield Item("definitionGrp", child, child.language)
                else:
                    yield from self.items(child, inside=inside)
                continue
            for item in self._item(child):
                yield replace(item, name="definitionGrp") if item.name == "definition" and not inside else item

    def _item(self, element: Element) -> Iterator[Item]:
        name, reason = category_of(element)
        if reason:
            self.fault(element, reason)
        else:
            yield Item(name, element, element.language)

    def entry(self, entry: Element) -> None:
        """One conceptEntry."""
        if entry.name != "conceptEntry":
            self.fault(entry, f"<{entry.name}> stands where a <conceptEntry> was expected")
            return
        name = entry.attributes.get("id") or f"entry-{len(self._ids) + 1}"
        if name in self._ids:
            self.fault(entry, f"the id {name!r} is taken already, at {self._lines[name]}")
            return
        items = list(self.items(entry))
        about = self._about(items)
        key = about or f"#{name}"
        if key in self._lines:
            self.fault(entry, f"{key} has an entry already, at {self._lines[key]}")
            return
        self._ids[name] = key
        self._lines |= {name: entry.place, key: entry.place}
        fields, _ = self._fields(items, "term", self._language, is_ours=bool(about))
        self.records.append(Record("term", key, "", fields, entry.place))
        definitions: dict[str, Record] = {}
        features: list[Record] = []
        names: list[Record] = []
        self._definitions(items, key, "", definitions, features)
        for section in entry:
            if section.name == "langSec":
                self._section(section, key, names, definitions, features)
        if not names:
            self.fault(entry, "it has no <langSec> with a <termSec>, so the concept has no name")
        self.records += [*_ranked(names), *definitions.values(), *features]

    def finish(self) -> None:
        """References to other entries, now that all are known."""
        for at, record in enumerate(self.records):
            if record.kind != "term":
                continue
            fields: Fields = dict(record.fields)
            for name in RELATIONS.values():
                if name in fields:
                    fields[name] = tuple(self._target(value, record) for value in fields[name])
            self.records[at] = replace(record, fields=fields)

    def _target(self, value: Value, record: Record) -> Value:
        if not isinstance(value, Text):
            return value
        if value.value not in self._ids:
            self.faults.append(Fault(record.place, f"it refers to {value.value!r}, and no entry has this id"))
            return value
        key = self._ids[value.value]
        return Text(key) if key.startswith("#") else Iri(key)

    def _section(
        self,
        section: Element,
        term: str,
        names: list[Record],
        definitions: dict[str, Record],
        features: list[Record],
    ) -> None:
        language = section.language
        if not language:
            self.fault(section, "<langSec> has no xml:lang, so nobody knows its language; give it one")
            return
        if not LANGUAGE_TAG.match(language):
            self.fault(section, f"xml:lang={language!r} is no language tag; write one such as en or zh-Hans")
            return
        code = "" if language == UNKNOWN else language
        items = list(self.items(section))
        self._definitions(items, term, code, definitions, features)
        self._leave(item for item in items if item.name != "definitionGrp")
        for each in section:
            if each.name == "termSec":
                self._name(each, term, code, names)

    def _name(self, section: Element, term: str, language: str, names: list[Record]) -> None:
        found = [each for each in section if each.name == "term"]
        if len(found) != 1 or not found[0].text.strip():
            self.fault(section, "<termSec> needs one <term> with a text")
            return
        items = list(self.items(section))
        about = self._about(items)
        fields, _ = self._fields(items, "label", language, is_ours=bool(about))
        key = about or f"#{term}/{section.line}.{len(names)}"
        if key in self._lines:
            self.fault(section, f"{key} has a <termSec> already, at {self._lines[key]}")
            return
        self._lines[key] = section.place
        text = found[0].text if about else settle(found[0].text)
        names.append(Record("label", key, term, {"text": (Text(text, language),), **fields}, section.place))

    def _definitions(
        self,
        items: list[Item],
        term: str,
        language: str,
        definitions: dict[str, Record],
        features: list[Record],
    ) -> None:
        """The wordings among the items, each of which may be another one of a definition that is known already."""
        for group in items:
            if group.name != "definitionGrp":
                continue
            said = list(self.items(group.element, inside=True))
            words = [item for item in said if item.name == "definition"]
            if len(words) != 1 or not words[0].text.strip():
                self.fault(group.element, "a definition needs one text, and no more than one")
                continue
            about = self._about(said)
            fields, by_dimension = self._fields(said, "definition", language, is_ours=bool(about))
            code = next(
                (note[1] for item in said if (note := read_note(item)) and note[0] == ("", LANGUAGE, "")),
                words[0].language or language,
            )
            if code and not LANGUAGE_TAG.match(code):
                self.fault(words[0].element, f"{code!r} is no language tag; write one such as en or zh-Hans")
                continue
            text = words[0].text if about else settle(words[0].text)
            wording = Text(text, "" if code == UNKNOWN else code)
            key = about or f"#{term}/definition/{len(definitions)}"
            known = definitions.get(key)
            if known is None and key in self._lines:
                self.fault(group.element, f"{key} is told of already, under another term, at {self._lines[key]}")
                continue
            self._lines.setdefault(key, group.element.place)
            if known is not None and any(each.language == wording.language for each in known.texts("wording")):
                self.fault(group.element, f"{key} has two wordings in one language; the other is at {known.place}")
                continue
            before = known.fields if known is not None else {}
            spoken = known.texts("wording") if known is not None else ()
            merged: Fields = {**fields, **before, "wording": (*spoken, wording)}
            if not about:
                merged.setdefault("verbatim", (Text("true"),))
            definitions[key] = Record("definition", key, term, merged, known.place if known else group.element.place)
            for path, values in by_dimension.items():
                self._feature(path, values, key, group, features)

    def _feature(self, path: str, values: Fields, definition: str, group: Item, features: list[Record]) -> None:
        named = values.pop(ABOUT, ())
        try:
            dimension: tuple[Value, ...] = (Iri(lengthen(path)),)
        except InvalidName as error:
            self.fault(group.element, f"{path[:80]!r} is no dimension: {error.reason}")
            return
        iri = named[0].value if named else f"{definition}/{path}"
        features.append(Record("feature", iri, definition, {"dimension": dimension, **values}, group.element.place))

    def _about(self, items: list[Item]) -> str:
        """The IRI that a note gives the thing, "" if none does."""
        for item in items:
            note = read_note(item)
            if note and note[0] == ("", ABOUT, ""):
                try:
                    return Iri(note[1].strip()).value
                except InvalidName as error:
                    self.fault(item.element, f"{ABOUT} is no IRI: {error.reason}")
        return ""

    def _fields(
        self, items: list[Item], kind: Kind, language: str, *, is_ours: bool
    ) -> tuple[Fields, dict[str, Fields]]:
        """What items say of a thing, and by the path of a dimension what they say of features."""
        fields: Fields = {}
        features: dict[str, Fields] = {}
        titles: list[Value] = []
        subjects: list[Value] = []
        for item in items:
            match item.name:
                case "note":
                    self._take_note(item, kind, language, fields, features)
                case "source":
                    titles.append(Text(settle(item.text)))
                case "subjectField":
                    subjects.append(Text(settle(item.text)))
                case "administrativeStatus":
                    self._take_status(item, fields)
                case "crossReference" | "relatedConcept" | "externalCrossReference" if kind == "term":
                    self._take_reference(item, fields)
                case "definition" | "definitionGrp":
                    pass
                case _:
                    self._leave((item,))
        if not is_ours and titles:
            fields.setdefault("source", tuple(titles))
        if not is_ours and subjects and kind == "term":
            fields.setdefault("issue", tuple(subjects))
        return fields, features

    def _take_note(self, item: Item, kind: Kind, language: str, fields: Fields, features: dict[str, Fields]) -> None:
        note = read_note(item)
        if note is None or (note[0][1] in {ABOUT, LANGUAGE} and not note[0][0]):
            if note is None and item.text.strip():
                self._take_plain_note(item, language, fields)
            return
        (path, name, code), text = note
        if path:
            fields = features.setdefault(path, {})
            if name == ABOUT:
                fields[ABOUT] = (Text(text.strip()),)
                return
        found = NAMES["feature" if path else kind].get(name)
        if found is None:
            self.fault(item.element, f"{name} is nothing that is said of a {kind}")
            return
        value, reason = read_value(found, text, code)
        if value is None:
            self.fault(item.element, f"{name}: {reason}")
            return
        if not found.many and found.name in fields and fields[found.name] != (value,):
            self.fault(item.element, f"{name} is said twice, and in two ways")
            return
        fields[found.name] = (*fields.get(found.name, ()), value) if found.many else (value,)

    def _take_plain_note(self, item: Item, language: str, fields: Fields) -> None:
        """A note of another tool, in its own language, else in that of what it is about."""
        code = item.language or language
        text = Text(settle(item.text), code if LANGUAGE_TAG.match(code) and code != UNKNOWN else "")
        fields["note"] = (*fields.get("note", ()), text)

    def _take_status(self, item: Item, fields: Fields) -> None:
        kind = KINDS.get(item.text.strip())
        if kind is None:
            self.fault(item.element, f"{item.text.strip()!r} is no administrativeStatus; write {', '.join(KINDS)}")
        else:
            fields["kind"] = (Text(kind),)

    def _take_reference(self, item: Item, fields: Fields) -> None:
        """A relation to another entry, or a link of ours; another tool's link says not what it means."""
        target, name = item.element.attributes.get("target", ""), RELATIONS.get(item.text.strip(), "")
        if item.name == "externalCrossReference":
            if not name:
                self._leave((item,))
                return
            try:
                fields[name] = (*fields.get(name, ()), Iri(target))
            except InvalidName as error:
                self.fault(item.element, f"target is no IRI: {error.reason}")
            return
        if not target:
            self.fault(item.element, "a reference to another entry needs a target")
            return
        fields[name or "related"] = (*fields.get(name or "related", ()), Text(target))

    def _leave(self, items: Iterator[Item] | tuple[Item, ...]) -> None:
        self.left_out.update(item.name for item in items)


def _ranked(names: list[Record]) -> Iterator[Record]:
    """Names with their kind: where no name of a language has a status, the first is the preferred one."""
    preferred = {
        record.texts("text")[0].language
        for record in names
        if record.texts("kind") and record.texts("kind")[0].value == "preferred"
    }
    for record in names:
        language = record.texts("text")[0].language
        if record.texts("kind"):
            yield record
            continue
        kind = "alternative" if language in preferred else "preferred"
        preferred.add(language)
        yield replace(record, fields={**record.fields, "kind": (Text(kind),)})
