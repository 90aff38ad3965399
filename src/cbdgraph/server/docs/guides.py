"""The guides of docs/ as pages: Markdown of this checkout in, HTML that holds nothing but ours out.

Raw HTML in a guide is shown as text, no image is loaded, and a link leads to another guide, to the service itself or
to the web; one to a file that is not served becomes plain text.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

LARGEST: Final = 512 * 1024  # bytes of a guide; what is larger is left out
MOST: Final = 500  # guides
_FOLDER: Final = "docs"
_BESIDE: Final = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")  # files beside the folder that belong to it
_SERVER: Final = "http://127.0.0.1:8000"  # where the guides suppose the service
_QUERY: Final = re.compile(r"^\s*(?:PREFIX\b.*\n\s*)*(?:SELECT|ASK|CONSTRUCT|DESCRIBE)\b", re.IGNORECASE)
_ALIGNED: Final = {"text-align:right": "end", "text-align:center": "center"}
_FIRST_WORDS: Final = 240  # characters


@dataclass(frozen=True, slots=True)
class Guide:
    """A guide before it is rendered: its name in the address, the file under the root, what stands there."""

    name: str
    file: str
    text: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """A guide as HTML, with its headings of the second level: anchors and texts."""

    html: str
    headings: tuple[tuple[str, str], ...]


def read_guides(root: Path) -> dict[str, Guide]:
    """The guides of a checkout by name, in order of name; none where there is no such folder."""
    guides: dict[str, Guide] = {}
    whole = root.resolve()
    folder = root / _FOLDER
    paths = [*sorted(folder.rglob("*.md")), *(root / name for name in _BESIDE)] if folder.is_dir() else []
    for path in paths[:MOST]:
        try:
            if not path.resolve().is_relative_to(whole) or path.stat().st_size > LARGEST:
                continue
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        file = path.relative_to(root).as_posix()
        name = name_of(file)
        guides[name] = Guide(name, file, text)
    return guides


def name_of(file: str) -> str:
    """The name of a guide by its file under the root.

    >>> name_of("docs/decisions/0003-default-graph.md"), name_of("README.md")
    ('decisions/0003-default-graph', 'readme')
    """
    stem = file.removesuffix(".md")
    return stem.removeprefix(f"{_FOLDER}/") if stem.startswith(f"{_FOLDER}/") else stem.lower()


@lru_cache(maxsize=MOST)  # all of them are introduced in the list
def introduce(guide: Guide) -> tuple[str, str]:
    """Title and first words of a guide."""
    tokens = _parser().parse(guide.text)
    title = name = guide.name
    begins = ""
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open" and opening.tag == "h1" and title == name:
            title = _plain(inline)
        elif opening.type == "paragraph_open" and not opening.level:
            begins = " ".join(_plain(inline).split())
            break
    if len(begins) > _FIRST_WORDS:
        begins = begins[:_FIRST_WORDS].rpartition(" ")[0] + " …"
    return title, begins


def render(guide: Guide, guides: Mapping[str, Guide]) -> Rendered:
    """The HTML of a guide, without its title, whose links lead to other `guides`."""
    parser = _parser()
    tokens = parser.parse(guide.text)
    if tokens and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
        tokens = tokens[3:]
    names = {other.file: other.name for other in guides.values()}
    headings = tuple(_name_headings(tokens))
    for token in tokens:
        if token.type in {"th_open", "td_open"}:
            _align(token)
        if token.children is not None:
            token.children = list(_relink(token.children, guide, names))
    return Rendered(parser.renderer.render(tokens, parser.options, {}), headings)


def slug_of(text: str) -> str:
    """The anchor of a heading, as code hosts make it.

    >>> slug_of("Why is this in the graph?"), slug_of("`format` and *Accept*")
    ('why-is-this-in-the-graph', 'format-and-accept')
    """
    kept = re.sub(r"[^\w\s-]", "", text.lower())
    return re.sub(r"\s", "-", kept.strip())


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt  # loaded when the first guide is read

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.add_render_rule("fence", lambda _, tokens, index, *__: _code(tokens[index]))
    parser.add_render_rule("code_block", lambda _, tokens, index, *__: _code(tokens[index]))
    parser.add_render_rule("image", lambda _, tokens, index, *__: escape(tokens[index].content))
    parser.add_render_rule(
        "table_open", lambda *_: '<div class="wide" role="region" aria-label="Table" tabindex="0"><table>\n'
    )
    parser.add_render_rule("table_close", lambda *_: "</table></div>\n")
    return parser


def _plain(inline: Token) -> str:
    """The text of a paragraph or heading without what marks it up."""
    return "".join(
        "\n" if child.type in {"softbreak", "hardbreak"} else child.content for child in inline.children or ()
    )


def _name_headings(tokens: Sequence[Token]) -> Iterator[tuple[str, str]]:
    """Give every heading an anchor; those of the second level with their texts."""
    used = {"main"}
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            text = _plain(inline)
            slug = first = slug_of(text) or "section"
            number = 0
            while slug in used:
                number += 1
                slug = f"{first}-{number}"
            used.add(slug)
            opening.attrSet("id", slug)
            if opening.tag == "h2":
                yield slug, text


def _align(token: Token) -> None:
    """A class in place of a style, which the policy of the pages forbids."""
    style = token.attrs.pop("style", None)
    if style in _ALIGNED:
        token.attrSet("class", _ALIGNED[str(style)])
    if token.type == "th_open":
        token.attrSet("scope", "col")


def _relink(tokens: Sequence[Token], guide: Guide, names: Mapping[str, str]) -> Iterator[Token]:
    """Links that lead somewhere; of others only the text."""
    dropped: list[bool] = []
    for token in tokens:
        if token.type == "link_open":
            where = _find_place(str(token.attrGet("href") or ""), guide, names)
            dropped.append(not where)
            if where:
                token.attrSet("href", where)
                yield token
        elif token.type == "link_close":
            if not dropped.pop():
                yield token
        else:
            yield token


def _find_place(href: str, guide: Guide, names: Mapping[str, str]) -> str:
    """The address here that a link in a guide stands for; "" for none."""
    if href.startswith(_SERVER):
        return href.removeprefix(_SERVER) or "/"
    if href.startswith(("https://", "http://", "#")):
        return href
    target, sign, anchor = href.partition("#")
    file = posixpath.normpath(posixpath.join(posixpath.dirname(guide.file), target))
    return f"/docs/{names[file]}{sign}{anchor}" if file in names else ""


def _code(token: Token) -> str:
    """A block of code; a query with the way to its answer."""
    block = f'<pre tabindex="0"><code>{escape(token.content)}</code></pre>\n'
    if token.info.strip() == "sparql" and _QUERY.match(token.content):
        where = "/sparql?" + urlencode({"query": token.content, "format": "html"})
        block += f'<p class="run"><a href="{escape(where)}">Run this query</a></p>\n'
    return block
