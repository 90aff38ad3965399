"""What a desk holds, as values: reviewers, drafts, entries and states; texts from outside in, checked ones out.

Knows no file and no database. A language is one of the six, or `mul` for what a subject says in whatever language.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Self

from cbdgraph.errors import DeskRefused, InvalidName
from cbdgraph.model import Iri
from cbdgraph.namespaces import BASE, LANGUAGES

# In the order in which a review goes; and what each means, for pages and exports.
STATES: Final[Mapping[str, str]] = {
    "proposed": "somebody proposes it, or another wording; nobody has looked yet",
    "in-review": "somebody is looking at it",
    "approved": "an editor agrees with it, or with the suggested wording where there is one",
    "disputed": "somebody disagrees, and says why",
    "superseded": "an editor says that it is not to be used any more; the record stays",
}
ROLES: Final = ("reader", "reviewer", "editor")
_MAY: Final[Mapping[str, frozenset[str]]] = {
    "reader": frozenset(),
    "reviewer": frozenset({"proposed", "in-review", "disputed"}),
    "editor": frozenset(STATES),
}
WHOLE: Final = "mul"  # BCP 47: several languages
TONGUES: Final = (*LANGUAGES, WHOLE)
LONGEST_TEXT: Final = 4000  # characters of a comment or a suggested wording
LONGEST_NAME: Final = 60
_LONGEST_IRI: Final = 500
_TERMS: Final = BASE + "term/"
# Controls but tab and line end; lone surrogates; what turns all that stands behind it around.
_NO_TEXT: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufffe\uffff]")

Key = tuple[str, str]  # subject and language


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Somebody who has a token; `disabled` is when that ended, "" while it has not."""

    id: int
    name: str
    role: str
    added: str
    disabled: str = ""

    @property
    def states(self) -> tuple[str, ...]:
        """The states that this role may record."""
        return tuple(state for state in STATES if state in _MAY[self.role])


@dataclass(frozen=True, slots=True)
class Draft:
    """A review before it is recorded: on which version it is based, and what was looked at, in which release.

    `suggestion` is the wording that the reviewer stands for, "" for the text as it is. `content` is a hash of what
    the subject said.
    """

    subject: str
    language: str
    state: str
    comment: str
    suggestion: str
    based_on: int
    release: str
    content: str

    def checked(self) -> Self:
        """The same with tidy texts; `DeskRefused` names what cannot be recorded."""
        check_subject(self.subject)
        check_language(self.language)
        if self.state not in STATES:
            raise DeskRefused("state", f"expected one of {', '.join(STATES)}")
        if self.based_on < 0:
            raise DeskRefused("version", "expected a number from 0, that of the version which you have seen")
        comment, suggestion = tidy(self.comment, "comment"), tidy(self.suggestion, "suggestion")
        if self.state == "disputed" and not comment:
            raise DeskRefused("comment", "say what is disputed, so that others can answer")
        return replace(self, comment=comment, suggestion=suggestion)


@dataclass(frozen=True, slots=True)
class Entry:
    """One recorded review. `id` counts all of this desk, `version` those of its subject and language.

    `origin` and `origin_version` say in which desk it was recorded, and as what. `parallel` means that it was
    recorded without sight of an entry that stands before it here. `hash` covers all of it and `previous`, the hash
    before.
    """

    id: int
    uid: str
    subject: str
    language: str
    version: int
    state: str
    comment: str
    suggestion: str
    reviewer: str
    time: str
    release: str
    content: str
    origin: str
    origin_version: int
    parallel: bool
    previous: str
    hash: str

    @property
    def key(self) -> Key:
        """Whose review it is."""
        return (self.subject, self.language)

    @property
    def now(self) -> State:
        """What stands when this is the last entry."""
        return State(self.state, self.version, self.suggestion, self.reviewer, self.time, self.parallel)


@dataclass(frozen=True, slots=True)
class State:
    """What the last entry on a subject and language says."""

    state: str
    version: int
    suggestion: str
    reviewer: str
    time: str
    parallel: bool

    @property
    def is_disputed(self) -> bool:
        """Whether somebody has to settle it: it is disputed, or two desks said something at once."""
        return self.parallel or self.state == "disputed"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a reviewer saw last of a subject and language: a hash of what it said, and the version of its reviews."""

    content: str
    version: int
    time: str


def check_allowed(role: str, draft: Draft, last: Entry | None) -> None:
    """`DeskRefused` where the role may not record this after the `last` entry.

    Who may not approve may still comment on what is approved, as long as state and wording stay as they are.
    """
    if not _MAY[role]:
        raise DeskRefused("role", f"a {role} reads reviews and records none", allowed=False)
    is_comment = last is not None and (draft.state, draft.suggestion) == (last.state, last.suggestion)
    if draft.state not in _MAY[role] and not is_comment:
        allowed = ", ".join(state for state in STATES if state in _MAY[role])
        raise DeskRefused("state", f"a {role} may record {allowed}; {draft.state} is for an editor", allowed=False)


def check_subject(subject: str) -> None:
    """`DeskRefused` for what is no term, label or definition of ours by its IRI."""
    try:
        Iri(subject)
    except InvalidName as error:
        raise DeskRefused("subject", error.reason) from error
    if not subject.startswith(_TERMS) or len(subject) > _LONGEST_IRI:
        raise DeskRefused("subject", f"expected a term, a label or a definition, {_TERMS}…")


def check_language(language: str) -> None:
    """`DeskRefused` for a language in which nothing is reviewed."""
    if language not in TONGUES:
        raise DeskRefused("language", f"expected one of {', '.join(TONGUES)}")


def check_role(role: str) -> None:
    """`DeskRefused` for what is no role."""
    if role not in ROLES:
        raise DeskRefused("role", f"expected one of {', '.join(ROLES)}")


def tidy(text: str, field: str) -> str:
    """A text without blanks around it and with plain line ends; `DeskRefused` if it is too long or no plain text."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if len(text) > LONGEST_TEXT:
        raise DeskRefused(field, f"it has {len(text)} characters, and may have {LONGEST_TEXT}")
    if found := _NO_TEXT.search(text):
        raise DeskRefused(field, f"it holds the character U+{ord(found[0]):04X}, which is no text")
    return unicodedata.normalize("NFC", text)


def tidy_name(name: str) -> str:
    """The name of a reviewer; `DeskRefused` if it is none.

    >>> tidy_name("  Ana   María ")
    'Ana María'
    """
    name = " ".join(tidy(name, "name").split())
    if not 1 <= len(name) <= LONGEST_NAME:
        raise DeskRefused("name", f"expected 1 to {LONGEST_NAME} characters")
    if any(unicodedata.category(sign) in {"Cc", "Cf", "Co", "Cn"} for sign in name):
        raise DeskRefused("name", "it holds a character that cannot be seen")
    return name
