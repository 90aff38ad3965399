"""Where in a text a part stands, as a path of levels and labels: "annex/2/section/1/para/4".

Text in, immutable values out, and back. Knows the levels and their order; knows no RDF and no language.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from cbdgraph.errors import InvalidName
from cbdgraph.symbols import parse_roman

# Every level word with its English name. The order is that in which kinds of parts stand beside each other.
# `row`, `footnote`, `preamble` and `article` name parts that the other words do not cover.
LEVELS: Final[dict[str, str]] = {
    "preamble": "preamble",
    "vision": "vision",
    "mission": "mission",
    "rationale": "rationale",
    "article": "article",
    "para": "paragraph",
    "item": "item",
    "subitem": "sub-item",
    "part": "part",
    "section": "section",
    "programme-element": "programme element",
    "goal": "goal",
    "objective": "objective",
    "target": "target",
    "indicator": "indicator",
    "activity": "activity",
    "action": "action",
    "output": "output",
    "principle": "principle",
    "guideline": "guideline",
    "guidance": "guidance",
    "case-study": "case study",
    "table": "table",
    "row": "row",
    "annex": "annex",
    "appendix": "appendix",
    "footnote": "footnote",
}

# Levels of which a text may hold a single, unnumbered one: `annex/rationale`.
UNLABELLED: Final = frozenset(
    {
        "preamble",
        "vision",
        "mission",
        "rationale",
        "annex",
        "appendix",
        "guidance",
        "case-study",
        "output",
        "table",
    }
)

_LABEL: Final = re.compile(r"[a-z]{1,6}|[0-9]{1,4}(?:[a-z]|bis|ter|quater|quinquies)?(?:\.[0-9]{1,3}){0,4}\Z")
_ORDER: Final = {level: place for place, level in enumerate(LEVELS)}


@dataclass(frozen=True, slots=True)
class Step:
    """One level of a locator with its label; the label is empty for an unnumbered part that exists once."""

    level: str
    label: str = ""

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise InvalidName("level", self.level, f"expected one of {', '.join(LEVELS)}")
        if self.label == "":
            if self.level not in UNLABELLED:
                raise InvalidName("label", self.label, f"{self.level} needs a label")
        elif not _LABEL.fullmatch(self.label):
            raise InvalidName("label", self.label, "expected lower case letters, or digits with dots")

    def __str__(self) -> str:
        return f"{self.level}/{self.label}" if self.label else self.level

    @property
    def sort_key(self) -> tuple[object, ...]:
        """Orders steps as a reader meets them: by kind, then 2 before 10, then a before b, i before ii before iv."""
        if not self.label:
            return (_ORDER[self.level], 0, (), "")
        numbers = tuple(int(digits) for digits in re.findall(r"[0-9]+", self.label))
        if numbers:
            return (_ORDER[self.level], 1, numbers, re.sub(r"[0-9.]", "", self.label))
        roman = _roman_value(self.label) if self.level == "subitem" or _is_plainly_roman(self.label) else 0
        return (_ORDER[self.level], 2, (roman,) if roman else (), "" if roman else self.label)


@dataclass(frozen=True, slots=True)
class Locator:
    """The place of a part inside its text, outermost step first; empty for the whole text.

    >>> locator = Locator.parse("annex/2/section/1/para/4")
    >>> str(locator), str(locator.parent), locator.level
    ('annex/2/section/1/para/4', 'annex/2/section/1', 'para')
    >>> Locator.parse("annex/rationale").steps
    (Step(level='annex', label=''), Step(level='rationale', label=''))
    """

    steps: tuple[Step, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a canonical locator; the empty string is the whole text. `InvalidName` if it is not one."""
        words = text.split("/") if text else []
        steps: list[Step] = []
        while words:
            level = words.pop(0)
            if level not in LEVELS:
                raise InvalidName("locator", text, f"{level!r} is not a level")
            label = words.pop(0) if words and words[0] not in LEVELS else ""
            steps.append(Step(level, label))
        return cls(tuple(steps))

    def __str__(self) -> str:
        return "/".join(map(str, self.steps))

    def __bool__(self) -> bool:
        return bool(self.steps)

    def __truediv__(self, step: Step) -> Locator:
        return Locator((*self.steps, step))

    @property
    def parent(self) -> Locator:
        """The place that holds this one; the whole text is its own parent."""
        return Locator(self.steps[:-1])

    @property
    def level(self) -> str:
        """The level word of the innermost step, empty for the whole text."""
        return self.steps[-1].level if self.steps else ""

    @property
    def label(self) -> str:
        """The label of the innermost step, empty for the whole text or an unnumbered part."""
        return self.steps[-1].label if self.steps else ""

    @property
    def sort_key(self) -> tuple[tuple[object, ...], ...]:
        """Orders the parts of one text as a reader meets them, each before what it holds."""
        return tuple(step.sort_key for step in self.steps)


def _is_plainly_roman(label: str) -> bool:
    """Two letters or more that can only be a numeral: "ii", not "i", "c" or "mm"."""
    return len(label) > 1 and set(label) <= set("ivx")


def _roman_value(label: str) -> int:
    """The value of a small Roman numeral, 0 when the letters are none."""
    try:
        return parse_roman(label)
    except InvalidName:
        return 0
