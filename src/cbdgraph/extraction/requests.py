"""One paragraph in, the requests that it makes or reports out; decides no IRI and reads nothing but its lexicon.

A verb counts where a decision puts it: at the head of a sentence, or behind a comma, "and" or the name of who asks,
in a sentence that has someone who asks. Whom it addresses must follow (or stand before a passive), and then what.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from cbdgraph.extraction.addressees import Addressees, read_after, read_before
from cbdgraph.extraction.lexicon import Lexicon, load_lexicon
from cbdgraph.extraction.marks import Mark, Span, scan
from cbdgraph.model import Certainty

_ASKING_ACTORS: Final = frozenset({"sbstta"})  # asked at times, asking at others
_BOUNDARIES: Final = frozenset({"comma", "and", "semicolon", "colon", "quote", "number", "right", "sign"})
_OPENERS: Final = frozenset({"opener", "aside_to_comma"})  # "Welcomes …", "In accordance with …, requests"
_LABEL: Final = frozenset({"number", "sign", "left", "right"})  # "(b)" and "2." before a verb
_FAR: Final = 15  # marks between who asks and the verb, where words of another kind stand between
_NEAR: Final = 8  # the same for "decision", "it" and the like
_ASKERS: Final = frozenset({"asker", "asker_near"})
_WORST: Final[tuple[Certainty, ...]] = ("certain", "probable", "ambiguous", "unresolved")


@dataclass(frozen=True, slots=True)
class Request:
    """Who is asked to do what, as found in a text.

    `start`, `end` are character offsets of `quote`, from the verb or addressee to the end of what is asked. `action`
    is a slug of the scheme `action/`, `addressees` are slugs of `actor/`; those that the table of actors does not
    have are in `unknown_addressees` as they stand in the text. `what` is None where the text does not say it behind
    the verb. `reason` says why a reading is less than certain, and is empty where it is certain.
    """

    start: int
    end: int
    quote: str
    action: str
    addressees: tuple[str, ...]
    unknown_addressees: tuple[str, ...]
    verb: Span
    addressee: Span
    what: Span | None
    certainty: Certainty
    reason: str
    language: str


@dataclass(frozen=True, slots=True)
class _Draft:
    """A request before it is known where what it asks ends: places of marks in the sentence."""

    verb: Mark
    at: int
    addressees: Addressees
    lead: int  # the mark with which the words of this request begin, comma and "and" left out
    what: int | None
    doubt: str = ""


def find_requests(text: str, lang: str) -> tuple[Request, ...]:
    """All requests of a paragraph in text order; `InvalidName` for a language without a lexicon.

    >>> first, second = find_requests("Urges Parties, and invites donors, to act.", "en")
    >>> first.action, first.addressees, first.what.quote, second.action, second.addressees
    ('urges', ('parties',), 'act', 'invites', ('donors',))
    >>> find_requests("At the request of Parties, the Executive Secretary reported.", "en")
    ()
    """
    lexicon = load_lexicon(lang)
    return tuple(
        request
        for marks in scan(text, lexicon, lexicon.requests)
        if any(mark.kind in {"verb", "after"} for mark in marks)
        for request in _finish(text, marks, _drafts(text, marks, lexicon), lexicon)
    )


def _drafts(text: str, marks: Sequence[Mark], lexicon: Lexicon) -> list[_Draft]:
    drafts: list[_Draft] = []
    at, linked, asker, near, head = 0, False, -1, -_NEAR, True
    while at < len(marks):
        mark = marks[at]
        if mark.kind == "verb":
            begin, doubt = at + 1, ""
            if lexicon.asker_follows and begin < len(marks) and marks[begin].kind in _ASKERS:
                asker, begin = at, begin + 1
            if linked or (
                place := _place(marks, at, max(asker, near if at - near < _NEAR else -1), head, drafts, lexicon)
            ):
                doubt = "" if linked or place == "sure" else place
                found = _read_list(text, marks, begin, mark, lexicon)
                if found.way:
                    what = found.after if found.way == "what" else None
                    drafts.append(_Draft(mark, at, found, _lead(marks, at), what, doubt))
                    at, linked, head, asker = found.after, found.way == "verb", False, max(asker, at)
                    continue
            linked = False
        elif mark.kind == "after":
            found = read_before(text, marks, at, lexicon)
            if found:
                doubt = "" if asker >= 0 else "the text does not say here who asks"
                drafts.append(
                    _Draft(mark, at, found, _lead(marks, found.first), _what_after(marks, at, lexicon), doubt)
                )
        elif mark.kind == "asker_near":
            near = at
        elif mark.kind == "asker" or (mark.kind in _OPENERS and head) or _asks(mark):
            asker = at
        if mark.kind == "colon":
            head = True
        elif not _is_lead(marks, at, lexicon):
            head = False
        at += 1
    return drafts


def _read_list(text: str, marks: Sequence[Mark], at: int, verb: Mark, lexicon: Lexicon) -> Addressees:
    """The list of a verb; an empty one if it leads to no what and to no verb that has one."""
    needed = lexicon.needs_link.get(verb.word.values[0])
    if needed and not (at < len(marks) and any(key in needed for key in marks[at].key.split())):
        return Addressees(text)
    found = read_after(text, marks, at, verb.word.values[0], lexicon)
    if found.way == "what":
        rest = [mark.kind for mark in marks[found.after : found.after + 2]]
        if not rest or rest[0] in {"end", "stop", "semicolon"}:
            found.way = ""
    return found


def _place(marks: Sequence[Mark], at: int, asker: int, head: bool, drafts: Sequence[_Draft], lexicon: Lexicon) -> str:
    """Whether a verb stands where requests are made: "sure", the doubt that its place leaves, or "" for no."""
    if head:
        return "sure"
    before = at - 1
    while before >= 0 and marks[before].kind == "adverb":
        before -= 1
    previous = marks[before]
    if previous.kind in _ASKERS:
        return "sure"
    if previous.kind == "actor" and not _asks(previous):
        return ""
    if previous.key in lexicon.noun_before or (before < at - 1 and marks[at - 1].key in lexicon.noun_before):
        return ""
    inside = bool(drafts) and drafts[-1].what is not None
    if previous.kind in _BOUNDARIES:
        if asker < 0 and not drafts:
            return ""
        if inside and lexicon.uninflected and asker <= drafts[-1].at:
            return "it may be part of what is asked before it" if previous.kind == "and" else ""
        return "sure"
    return "sure" if not inside and asker >= 0 and at - asker <= _FAR else ""


def _asks(mark: Mark) -> bool:
    return mark.kind == "actor" and mark.word.values[0] in _ASKING_ACTORS


def _is_lead(marks: Sequence[Mark], at: int, lexicon: Lexicon) -> bool:
    """Whether a mark may stand before the verb at the head of a sentence: a number, a label, a bracket."""
    mark = marks[at]
    if mark.kind in {"number", "sign", "left", "right", "quote", "adverb", "colon", "comma", "and"}:
        return True
    labelled = at + 1 < len(marks) and marks[at + 1].kind == "right"
    return len(mark.key) <= 4 and (labelled or (lexicon.has_case and len(mark.key) == 1))


def _lead(marks: Sequence[Mark], at: int) -> int:
    """The mark before which the words of the request before this one end."""
    at = label = _back(marks, at)
    while label and at - label < 4 and (marks[label - 1].kind in _LABEL or marks[label].kind == "right"):
        label -= 1
    labelled = 0 < label < at and marks[label - 1].kind == "semicolon" and marks[at - 1].kind in {"right", "sign"}
    return _back(marks, label) if labelled else at


def _back(marks: Sequence[Mark], at: int) -> int:
    while at and marks[at - 1].kind in {"adverb", "and", "comma", "semicolon", "quote", "asker", "asker_near"}:
        at -= 1
    return at


def _what_after(marks: Sequence[Mark], at: int, lexicon: Lexicon) -> int | None:
    """Where what a passive asks begins, behind its "to"; None if nothing follows."""
    if lexicon.after_needs_opener:
        return None
    at += 1
    while at < len(marks) and marks[at].kind in {
        *("what", "what_late", "what_if_infinitive", "colon", "adverb", "comma", "aside"),
    }:
        at += 1
    return at if at < len(marks) and marks[at].kind not in {"end", "semicolon", "left", "right", "quote"} else None


def _finish(text: str, marks: Sequence[Mark], drafts: Sequence[_Draft], lexicon: Lexicon) -> Iterator[Request]:
    """Requests with what they ask: to the end of the sentence, or to the next request in it."""
    shared: Span | None = None
    finished: list[Request] = []
    limit = len(marks) - (bool(marks) and marks[-1].kind == "end")
    for draft in reversed(drafts):
        if draft.what is not None:
            last = _trim(marks, draft.what, limit)
            shared = Span.cut(text, marks[draft.what].start, last) if last else None
        elif draft.verb.kind == "after":
            shared = None
        finished.append(_request(text, draft, shared, lexicon))
        limit = draft.lead
    yield from reversed(finished)


def _trim(marks: Sequence[Mark], first: int, limit: int) -> int:
    """Where the words from mark `first` to before mark `limit` end, signs and "and" at their end left out."""
    while limit > first and marks[limit - 1].kind in {"comma", "semicolon", "quote", "and", "colon"}:
        limit -= 1
    return marks[limit - 1].end if limit > first else 0


def _request(text: str, draft: _Draft, what: Span | None, lexicon: Lexicon) -> Request:
    found, verb = draft.addressees, draft.verb
    unknown = tuple(text[start:end] for start, end in found.unknown)
    doubts: list[tuple[Certainty, str]] = []
    if not found.actors:
        doubts.append(("unresolved", f"the table of actors does not have {', '.join(unknown)}"))
    elif unknown:
        doubts.append(("probable", f"the table of actors does not have {', '.join(unknown)}"))
    for words, actors in found.doubts:
        level: Certainty = "ambiguous" if len(actors) > 1 else "probable"
        doubts.append((level, f"{words} is read as {' and '.join(actors)}"))
    doubts += [("probable", f"{words} is narrowed by the words beside it") for words in found.narrowed]
    if verb.word.doubtful:
        actions = verb.word.values
        others = f"; it may be {' or '.join(actions[1:])}" if actions[1:] else ""
        quote = text[verb.start : verb.end]
        doubts.append(("ambiguous" if others else "probable", f"{quote} is read as {actions[0]}{others}"))
    if draft.doubt:
        doubts.append(("probable", draft.doubt))
    if what is None:
        doubts.append(("probable", "the text does not say behind the verb what is asked"))
    places = [verb.start, verb.end, found.start, found.end, *([what.start, what.end] if what else [])]
    whole = Span.cut(text, min(places), max(places))
    return Request(
        start=whole.start,
        end=whole.end,
        quote=whole.quote,
        action=verb.word.values[0],
        addressees=tuple(found.actors),
        unknown_addressees=unknown,
        verb=Span.cut(text, verb.start, verb.end),
        addressee=Span.cut(text, found.start, found.end),
        what=what,
        certainty=max((level for level, _ in doubts), key=_WORST.index, default="certain"),
        reason="; ".join(dict.fromkeys(reason for _, reason in doubts)),
        language=lexicon.language,
    )
