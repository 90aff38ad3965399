"""The tree of one mention in, the places that it names out: which part stands inside which, and how sure that is.

A part that can stand inside the one just named does ("附件二第2段" is a path); one of a kind that was named before
takes its place ("大目标2 …；大目标3 …"); any other goes into the last annex, section or programme element.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from cbdgraph.citations.labels import BRACKETED, article_labels, plain_label, spread_labels
from cbdgraph.citations.lexicon import fold
from cbdgraph.citations.terminals import Terminal
from cbdgraph.citations.usage import find_doubts, find_usage
from cbdgraph.errors import InvalidName
from cbdgraph.locators import Locator, Step
from cbdgraph.model import Certainty
from cbdgraph.symbols import Symbol

if TYPE_CHECKING:
    from lark import Tree

_THEMES: Final = frozenset({"goal", "objective", "target", "indicator", "activity", "action", "principle"})
_INNER: Final = _THEMES | {"rationale", "guideline", "guidance", "output"}
_ANY: Final = _INNER | {
    *("programme-element", "para", "item", "case-study", "table", "row", "footnote", "vision", "mission", "preamble"),
}
# What may stand inside what, when named right after it.
_HOLDS: Final[dict[str, frozenset[str]]] = {
    "annex": _ANY | {"appendix", "section", "part"},
    "appendix": _ANY | {"section", "part"},
    "section": _ANY | {"part"},
    "part": _ANY | {"section"},
    "programme-element": _INNER,
    "goal": frozenset({"objective", "target", "indicator", "activity", "action", "rationale"}),
    "objective": frozenset({"target", "indicator", "activity", "action", "rationale", "item"}),
    "target": frozenset({"indicator", "activity", "action", "rationale", "item"}),
    "activity": frozenset({"output", "item"}),
    "action": frozenset({"output", "item"}),
    "principle": frozenset({"rationale", "guideline", "guidance"}),
    "case-study": frozenset({"para", "section"}),
    "guidance": frozenset({"para", "item"}),
    "para": frozenset({"item", "footnote"}),
    "article": frozenset({"item", "para"}),
    "item": frozenset({"subitem"}),
    "preamble": frozenset({"para"}),
    "table": frozenset({"principle", "row", "indicator"}),
}
# Parts that later ones, not of their own kind, may still belong to.
_CARRIERS: Final = frozenset({"annex", "appendix", "section", "part", "programme-element", "principle"})
_KIN: Final = {"action": "activity", "indicator": "activity", "part": "part"}
_LARGEST_PARAGRAPH: Final = 200  # the Secretariat's own forms go no further


@dataclass(frozen=True, slots=True)
class Place:
    """One named part: its locator, the span of the words that name it, and what speaks against the reading."""

    locator: Locator
    start: int
    end: int
    certainty: Certainty = "certain"
    reason: str = ""


@dataclass(slots=True)
class _Unit:
    """One unit of the grammar: its level, its labels as chains of terminals, and the joint before it."""

    level: str
    start: int
    end: int
    word: Terminal | None = None
    chains: list[list[Terminal]] = field(default_factory=list)
    ranges: set[int] = field(default_factory=set)
    joint: frozenset[str] = frozenset()
    inner: list[_Unit] = field(default_factory=list)


def read_places(
    tree: Tree[Any], terminals: Sequence[Terminal], symbol: Symbol | None, lettered: bool = False
) -> tuple[Place, ...]:
    """The places that the tree of a mention names, in the order of the text; empty when it names the whole.

    A `lettered` decision names its part already ("VIII/19 B"): what is doubtful about its numbers is not so then.
    """
    reader = _Reader(symbol, lettered)
    before: list[_Unit] = []
    after: list[_Unit] = []
    side = before
    words: list[Terminal] = []
    joint: frozenset[str] = frozenset()
    for child in tree.children:
        if getattr(child, "data", "") == "anchor":
            side = after
            words = [terminals[leaf.start_pos] for leaf in child.scan_values(lambda leaf: hasattr(leaf, "start_pos"))]
        elif getattr(child, "data", "") == "places":
            side += _in_order(_units(child, terminals, joint))
        elif hasattr(child, "start_pos"):
            joint = terminals[child.start_pos].flags
    if after and not before and {"and", "its"} <= after[0].joint:
        ends = min(word.start for word in words), max(word.end for word in words)
        reader.found.append(Place(Locator(), *ends))  # "decision 15/4 and its annex"
    reader.read(before)
    annexed = reader.path[:1] if len(reader.path) == 1 and reader.path[0].level in {"annex", "appendix"} else ()
    if not (annexed and after and after[0].joint == {"comma"} and after[0].level in _HOLDS["annex"]):
        reader.finish()
    reader.read(after)
    reader.finish()
    return tuple(sorted(reader.found, key=lambda place: place.start))


def _units(tree: Tree[Any], terminals: Sequence[Terminal], joint: frozenset[str]) -> list[_Unit]:
    """The units below a `places` node, without recursion into its left arm: a long list is a deep tree."""
    rows: list[Tree[Any]] = []
    node = tree
    while getattr(node.children[0], "data", "") == "places":
        rows.append(node)
        node = node.children[0]
    rows.append(node)
    units: list[_Unit] = []
    for row in reversed(rows):
        for child in row.children:
            kind = getattr(child, "data", "")
            if kind == "places":
                continue
            if not kind:
                terminal = terminals[child.start_pos]
                joint = terminal.flags | ({"of"} if terminal.type == "OF" else frozenset())
                continue
            units.append(_unit(child, terminals, joint))
            joint = frozenset()
    return units


def _unit(tree: Tree[Any], terminals: Sequence[Terminal], joint: frozenset[str]) -> _Unit:
    leaves = [terminals[leaf.start_pos] for leaf in tree.scan_values(lambda leaf: hasattr(leaf, "start_pos"))]
    leaves.sort(key=lambda leaf: leaf.start)
    if tree.data == "group":
        first = next((t for t in tree.children if getattr(t, "data", "") == "places"), None)
        inner = _in_order(_units(first, terminals, frozenset())) if first is not None else []
        return _Unit("group", leaves[0].start, leaves[-1].end, inner=inner, joint=joint)
    word = next((leaf for leaf in leaves if leaf.type in {"PRE", "POST", "RELATED", "COLUMN"}), None)
    special = {"RELATED": "related", "COLUMN": "column"}
    level = "" if word is None else special.get(word.type, word.value)
    unit = _Unit(level, leaves[0].start, leaves[-1].end, word, joint=joint)
    fresh = tree.data == "subs"
    for leaf in leaves:
        if leaf.type == "LJ":
            fresh = True
            if "range" in leaf.flags:
                unit.ranges.add(len(unit.chains))
        elif leaf.type in {"LABEL", "LEAD"} or (leaf.type == "SUB" and fresh):
            unit.chains.append([leaf])
            fresh = False
        elif leaf.type == "SUB":
            if unit.chains:
                unit.chains[-1].append(leaf)
            else:
                unit.chains.append([leaf])
    return unit


def _in_order(units: list[_Unit]) -> list[_Unit]:
    """ "paragraph 4 of section B of annex II" as the path annex II, section B, paragraph 4."""
    out: list[_Unit] = []
    run: list[_Unit] = []  # the chain that is being turned round, innermost first
    turned = False
    for unit in units:
        if "of" in unit.joint and run:
            inner = run[-1]
            joint, inner.joint = inner.joint, frozenset({"path"})
            # "section B, paragraph 4, of annex II": what is already a path moves into the holder as a whole.
            while (
                out
                and len(run) == 1
                and joint == {"comma"}
                and inner.level in _HOLDS.get(out[-1].level, frozenset())
                and out[-1].level in _HOLDS.get(unit.level, frozenset())
            ):
                inner = out.pop()
                joint, inner.joint = inner.joint, frozenset({"path"})
                run.append(inner)
            # "the vision and the mission of the annex": what is listed before belongs to the holder too.
            beside: list[_Unit] = []
            while (
                out
                and len(run) == 1
                and joint & {"and", "comma"}
                and not turned
                and out[-1].level != "para"
                and out[-1].level in _HOLDS.get(unit.level, frozenset())
                and not (out[-1].joint & {"of", "path"})
            ):
                beside.append(out.pop())
                run[0].joint, joint = joint, beside[-1].joint
                beside[-1].joint = frozenset({"path"})
            if beside:
                unit.joint = joint
                run = [run[0], *beside, unit]
                turned = True
                continue
            unit.joint = joint
            run.append(unit)
            turned = True
            continue
        if turned and "and" in unit.joint:
            unit.joint |= {"fresh"}  # "paragraph 3 of annex I and paragraph 7": not one of the annex
        out += reversed(run)
        run = [unit]
        turned = False
    out += reversed(run)
    return out


class _Reader:
    """Keeps the path of the part named last, and what was named and not yet used as the holder of another."""

    def __init__(self, symbol: Symbol | None, lettered: bool) -> None:
        self.symbol, self.lettered = symbol, lettered
        self.found: list[Place] = []
        self.path: tuple[Step, ...] = ()
        self.root: tuple[Step, ...] = ()
        self.pending: Place | None = None
        self.doubts: list[str] = []  # of the next part
        self.last: Terminal | None = None  # the label read last: the low end of "第3段至第5段"
        self.loose = False  # vision or mission were named: a bare paragraph may be the annex's

    def finish(self) -> None:
        """Nothing more is inside the part named last: it is itself what is cited."""
        if self.pending:
            self.found.append(self.pending)
        self.pending = None

    def read(self, units: list[_Unit]) -> None:
        """Take the units in the order from holder to held."""
        for unit in units:
            if unit.level == "group":
                self._group(unit)
            elif unit.level == "related":
                self.finish()
                what = "activities" if self.symbol else "provisions"
                text = f"names related {what} without numbers"
                self.found.append(Place(Locator(), unit.start, unit.end, "unresolved", text))
            elif unit.level == "column":
                self.doubts.append(
                    "the indicators are named as a column, not by number: the targets beside them are cited"
                )
            else:
                self._read(unit)

    def _group(self, unit: _Unit) -> None:
        outer, path = self.root, self.path
        self.root = path if self.pending else self.root
        if unit.inner:
            self.pending = None
        for inner in unit.inner:
            self._read(inner, within=True) if inner.level not in {"related", "column", "group"} else self.read(
                [inner]
            )
        self.finish()
        self.root, self.path = outer, path

    def _read(self, unit: _Unit, within: bool = False) -> None:
        level, doubts = self._level(unit, within)
        gap = "gap" in unit.joint
        chains = spread_labels(unit.chains, unit.ranges)
        if level == "para" and unit.chains and unit.chains[0][0].kind == "LETNUM":
            letter, number = unit.chains[0][0].value[0], unit.chains[0][0].value[1:]
            base = (*self.root, Step("section", letter.lower()))
            doubts.append("a letter before the number is read as the section")
            self.finish()
            self._emit((*base, Step("para", number)), unit.start, unit.end, doubts)
            return
        base, start = self._base(level, unit, doubts)
        if "range" in unit.joint and self.last and self.path and self.path[-1].level == level and unit.chains:
            chains = spread_labels([[self.last], *unit.chains], unit.ranges | {1})[1:]
        self.last = unit.chains[-1][0] if unit.chains and len(unit.chains[-1]) == 1 else None
        if level == "para" and base == () and self.symbol:
            if self.loose:
                doubts.append("?stands after parts of an annex: it may be that paragraph of the annex")
            elif any(step.level in _THEMES for place in self.found for step in place.locator.steps) and not any(
                step.level == "annex" for place in self.found for step in place.locator.steps
            ):
                doubts.append("stands after goals or targets: it may be that paragraph of the annex")
        if level in {"vision", "mission"}:
            self.loose = True
        if gap and level in {"vision", "mission"}:
            doubts.append("words stand between the decision and its part")
        if not chains:
            self._put((*base, Step(level)), start, unit.end, doubts, pend=True)
            return
        for place, (first, last, labels, doubt) in enumerate(chains):
            begin = start if place == 0 else first.start
            end = unit.end if place == len(chains) - 1 else last.end
            if place == 0 and last is not first and first.end > last.end:
                end = first.end
            why = [*doubts, doubt] if doubt else [*doubts]
            self._chain(base, level, labels, begin, max(end, last.end), why, single=len(chains) == 1)

    def _chain(
        self,
        base: tuple[Step, ...],
        level: str,
        labels: list[Terminal],
        start: int,
        end: int,
        doubts: list[str],
        single: bool,
    ) -> None:
        steps = list(base)
        here = level
        for place, terminal in enumerate(article_labels(labels) if level == "article" else labels):
            if place:
                number = here == "article" and terminal.value.isdigit() and terminal.kind in {"BR", "NUM-BR"}
                here = "para" if number else "subitem" if here in {"item", "subitem"} else "item"
            try:
                label, why = plain_label(here, terminal, self.symbol)
                step = Step(here, label)
            except InvalidName as error:
                self.finish()
                self.found.append(Place(Locator(tuple(steps)), start, end, "unresolved", error.reason))
                return
            doubts += why
            if place == 0 and (other := self._misfit(steps, step)):
                doubts.append(other)
                steps.pop()
            steps.append(step)
            if here == "para" and label.isdigit() and int(label) > _LARGEST_PARAGRAPH:
                doubts.append(f"no decision has a paragraph {label}")
        self._put(tuple(steps), start, end, doubts, pend=single)

    def _misfit(self, steps: list[Step], step: Step) -> str:
        """Why a dotted number does not go into the numbered part before it: goal 2.2 is not of element 1."""
        if not steps or "." not in step.label or steps[-1].level not in {"programme-element", "goal"}:
            return ""
        if not steps[-1].label.isdigit() or step.label.split(".")[0] == steps[-1].label:
            return ""
        return f"the number {step.label} is not one of {steps[-1].level} {steps[-1].label}, so it is not placed there"

    def _level(self, unit: _Unit, within: bool) -> tuple[str, list[str]]:
        """The level of a unit, and what is doubtful about it."""
        doubts, self.doubts = self.doubts, []
        word, level = unit.word, unit.level
        first = unit.chains[0][0] if unit.chains else None
        if word is None:
            if first is not None and first.type == "SUB":
                return ("subitem" if self.path and self.path[-1].level == "item" else "item"), doubts
            if within and first is not None and "." in first.value:
                usage = find_usage(self.symbol, "number") if self.symbol else None
                if usage is None or usage.sure != "seen":
                    doubts.append("a number without a word: what it counts is not known")
                return (usage.level if usage else "guideline"), doubts
            if first is not None and first.text == first.value and len(unit.chains[0]) == 1:
                doubts.append("a number without a word is read as a paragraph")
            return "para", doubts
        if word.type == "POST" and first is not None and first.kind in BRACKETED and level in {"para", "article"}:
            return "item", doubts
        if level == "item" and self.pending and self.path[-1].level == "preamble":
            doubts.append(f"“{word.text}” counts the paragraphs of the preamble")
            return "para", doubts
        if level == "item" and self.pending and self.path[-1].level == "item" and "path" in unit.joint:
            return "subitem", doubts
        if level == "item" and first is not None and first.kind == "NUM" and len(unit.chains[0]) > 1:
            doubts.append(f"“{word.text}” stands before the number of a paragraph")
            return "para", doubts
        # "第二节B部分": a section right inside a section is what the English text calls a part.
        if level == "section" and self.pending and self.path[-1].level == "section" and not unit.joint:
            return "part", doubts
        if (
            level == "para"
            and word.type == "PRE"
            and first is not None
            and first.kind == "BR"
            and first.value.isalpha()
        ):
            if self.symbol is not None:
                doubts.append("a bracketed letter after the word for paragraph is read as an item")
            return "item", doubts
        if level == "article" and self.symbol is not None:
            doubts.append("a decision has paragraphs: “article” is read as paragraph")
            return "para", doubts
        usage = find_usage(self.symbol, fold(word.text)) if self.symbol else None
        if usage is None and word.generic:
            doubts.append(f"“{word.text}” is a word for several levels; which one this decision means is not known")
        if usage is not None:
            if usage.sure != "seen":
                doubts.append(f"“{word.text}” is read as {usage.level}; source: {usage.source}")
            held = self.path if self.pending else ()
            if usage.under and not any(step.level == usage.under for step in (*held, *self.path)):
                doubts.append(f"it names no {usage.under}, under which this decision places each {usage.level}")
            return usage.level, doubts
        return level, doubts

    def _base(self, level: str, unit: _Unit, doubts: list[str]) -> tuple[tuple[Step, ...], int]:
        """The steps that hold the unit, and where the words that name it begin; what holds it hands on its doubts."""
        apart = "semi" in unit.joint or ("and" in unit.joint and "including" not in unit.joint)
        if self.pending:
            holder = self.path[-1].level
            fits = level in _HOLDS.get(holder, frozenset()) and len(self.path) >= len(self.root)
            if fits and ("including" in unit.joint or (apart and "its" in unit.joint)):
                self.finish()
                return self.path, unit.start
            if fits and not apart:
                start = min(self.pending.start, unit.start)
                doubts += [self.pending.reason] if self.pending.reason else []
                self.pending = None
                return self.path, start
            self.finish()
            if fits and apart:
                self.path = self.path[:-1]
        elif level in {"item", "subitem"} and self.path:
            kept = [
                i for i, step in enumerate(self.path) if step.level in {"para", "article"} or step.level in _THEMES
            ]
            if kept and ("including" in unit.joint or unit.word is not None):
                return self.path[: kept[-1] + 1], unit.start
        if "fresh" in unit.joint and level in {"para", "annex", "section"}:
            return self.root, unit.start
        return self._carried(level), unit.start

    def _carried(self, level: str) -> tuple[Step, ...]:
        kin = _KIN.get(level, level)
        for place in range(len(self.path) - 1, len(self.root) - 1, -1):
            if _KIN.get(self.path[place].level, self.path[place].level) == kin:
                return self.path[:place]
        kept = self.root
        for step in self.path[len(self.root) :]:
            if step.level not in _CARRIERS or level not in _HOLDS[step.level]:
                break
            # Programme elements stand beside sections; only one named right after a section is inside it.
            if level == "programme-element" and step.level in {"section", "part"}:
                break
            kept = (*kept, step)
        return kept

    def _put(self, steps: tuple[Step, ...], start: int, end: int, doubts: list[str], pend: bool) -> None:
        self._emit(steps, start, end, doubts)
        if pend:
            self.pending = self.found.pop()

    def _emit(self, steps: tuple[Step, ...], start: int, end: int, doubts: list[str]) -> None:
        locator = Locator(steps)
        known = list(find_doubts(self.symbol, locator)) if self.symbol and not self.lettered else []
        reasons = list(dict.fromkeys([*doubts, *known]))
        certainty: Certainty = "certain"
        if reasons:
            certainty = "ambiguous" if any(reason.startswith("?") for reason in reasons) else "probable"
        self.found.append(Place(locator, start, end, certainty, "; ".join(r.lstrip("?") for r in reasons)))
        self.path = steps
