"""IRIs or citations in, the citation as the Secretariat writes it in one of the languages out; reads no text.

The templates stand in `[format]` of each lexicon. `parse_citation(format_citation(x, lang), lang)` gives x again.
"""

from __future__ import annotations

import re
from typing import Final

from cbdgraph.citations.lexicon import TREATIES, Lexicon, load_lexicon
from cbdgraph.citations.targets import KMGBF
from cbdgraph.errors import InvalidName
from cbdgraph.iris import parse_part, path_of
from cbdgraph.locators import Locator, Step
from cbdgraph.model import Citation
from cbdgraph.symbols import Symbol, format_roman

_BRACKETED: Final = frozenset({"item", "subitem"})
_TARGET: Final = re.compile(
    r"target/(aichi|gspc-2010|gspc-2002)/[1-9][0-9]?|goal/aichi/[a-e]|objective/(gspc-2010|gspc-2002)/[1-5]"
)
_ROMAN: Final = 39  # the highest number that we write in Roman numerals


def format_citation(cited: Citation | str, lang: str = "en") -> str:
    """A cited part in one of the languages, from its IRI or from a citation of it; a document by its symbol.

    `InvalidName` for an IRI that is none of a decision, a target or an article, or a language without a lexicon.

    >>> part = "https://w3id.org/cbdgraph/decision/cop/11/16/para/5/item/d"
    >>> format_citation(part, "en"), format_citation(part, "fr"), format_citation(part, "zh")
    ('decision XI/16, paragraph 5 (d)', 'décision XI/16, paragraphe 5 d)', '第XI/16号决定第5段(d)')
    """
    lexicon = load_lexicon(lang)
    if isinstance(cited, Citation):
        if cited.iri is None or (cited.decision is None and not cited.locator and "/document/" in cited.iri):
            return cited.normal
        cited = cited.iri
    if cited.startswith(KMGBF):
        kind, _, label = cited.removeprefix(KMGBF).partition("_")
        if kind in {"target", "goal"} and label:
            return lexicon.forms[f"kmgbf {kind}"].format(_letter(lexicon, label))
        raise InvalidName("IRI of a target", cited, "the Secretariat's IRIs end in target_3 or goal_A")
    path = path_of(cited)
    head, *rest = path.split("/")
    if head in {"decision", "recommendation"}:
        return _format_part(lexicon, *parse_part(cited))
    if _TARGET.fullmatch(path):
        label = format_roman(int(rest[1])) if head == "objective" else _letter(lexicon, rest[1].upper())
        return lexicon.forms[f"{rest[0]} {head}"].format(label)
    for key, slug in TREATIES.items():
        if path.startswith(f"document/{slug}/"):
            steps = Locator.parse(path.removeprefix(f"document/{slug}/")).steps
            return lexicon.forms[key].format(_format_steps(lexicon, steps))
    raise InvalidName("IRI of a decision, target or article", cited, "nothing is known of how it is cited")


def format_steps(holder: str, locator: Locator, lang: str = "en") -> str:
    """A place inside a text whose own name is given.

    >>> format_steps("CBD/SBI/3/4", Locator.parse("annex/1/para/12"))
    'CBD/SBI/3/4, annex I, paragraph 12'
    """
    lexicon = load_lexicon(lang)
    return lexicon.forms["joint"].join((holder, _format_steps(lexicon, locator.steps)))


def _format_part(lexicon: Lexicon, symbol: Symbol, locator: Locator) -> str:
    number = symbol.short
    if lexicon.reversible and symbol.body not in {"cp-mop", "np-mop"}:
        number = f"{symbol.session}/{symbol.number}"  # Arabic has no Roman numerals
    steps = locator.steps
    if steps and steps[0].level == "section" and len(steps[0].label) == 1 and steps[0].label.isalpha():
        number += " " + _letter(lexicon, steps[0].label.upper())
        steps = steps[1:]
    whole = lexicon.forms[symbol.kind].format(number, body=lexicon.forms.get(symbol.body, ""))
    return lexicon.forms["joint"].join(filter(None, (whole, _format_steps(lexicon, steps))))


def _format_steps(lexicon: Lexicon, steps: tuple[Step, ...]) -> str:
    written: list[str] = []
    before, inside = "", False
    for step in steps:
        form = lexicon.forms[f"{before} {step.level}" if f"{before} {step.level}" in lexicon.forms else step.level]
        if step.level in _BRACKETED and inside:
            written[-1] += form.format(_label(lexicon, step))
        elif step.level in _BRACKETED:
            written.append(lexicon.forms["alone"].format(_label(lexicon, step)))
        else:
            # Without a label the template loses its place: "annex {}" is "annex".
            words = form.format(_label(lexicon, step)) if step.label else lexicon.forms.get(f"{step.level}-alone", "")
            words = words or form.replace("{}", "").strip()
            if step.label and "{}" not in form:
                words += f" {_label(lexicon, step)}"
            written.append(words)
        # "annex (d)" would be annex d: an item goes into brackets only after a label.
        before, inside = step.level, bool(step.label)
    return lexicon.forms["joint"].join(written)


def _label(lexicon: Lexicon, step: Step) -> str:
    """A label as it is printed: numerals of the level's own kind, letters of the language's script."""
    label = step.label
    if step.level in _BRACKETED:
        return _small(lexicon, label) if step.level == "item" else label
    if label.isalpha():
        return _letter(lexicon, label.upper())
    kind = lexicon.forms.get(f"{step.level}-numerals", "")
    if not label.isdigit() or not kind:
        return label
    number = int(label)
    if kind == "roman" and number <= _ROMAN:
        return format_roman(number)
    if kind == "own" and lexicon.numerals:
        return _own(lexicon, number) or label
    if kind == "spelled":
        return next((word for word, value in lexicon.spelled.items() if value == label), label)
    return label


def _own(lexicon: Lexicon, number: int) -> str:
    """A number up to 99 in the signs of the language (十二), empty for a larger one."""
    tens, ones = divmod(number, 10)
    if not 0 < number < 100:
        return ""
    ten = lexicon.numerals[9]
    head = "" if not tens else ten if tens == 1 else lexicon.numerals[tens - 1] + ten
    return head + (lexicon.numerals[ones - 1] if ones else "")


def _small(lexicon: Lexicon, label: str) -> str:
    """An item's letter in the script of the language, where its letters are sure."""
    place = ord(label) - ord("a") if len(label) == 1 and label.isascii() and label.isalpha() else -1
    if 0 <= place < len(lexicon.letters) and lexicon.forms.get("item-numerals") == "own":
        return lexicon.printed_letters[place]
    return label


def _letter(lexicon: Lexicon, label: str) -> str:
    """A capital letter, spelled out where the language does so (باء)."""
    if not label.isalpha():
        return label
    return next((word for word, value in lexicon.spelled.items() if value == label.lower()), label)
