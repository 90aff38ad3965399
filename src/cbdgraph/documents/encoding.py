"""Bytes to text: which encoding a file is in, said by the file or guessed. Knows no format."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Final

from charset_normalizer import from_bytes

from cbdgraph.documents.limits import SAMPLE_BYTES

# The encodings in which papers in the six languages were written, the commonest of each family first.
_CANDIDATES: Final = ["gb18030", "cp1251", "koi8_r", "cp1256", "iso8859_6", "cp1252", "iso8859_5", "cp866"]
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BEYOND_ASCII: Final = re.compile(r"[^\x00-\x7f]")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text with the encoding it was read in; `guessed` unless the file itself or its bytes left no doubt."""

    text: str
    encoding: str
    guessed: bool
    lossy: bool = False


def decode_bytes(content: bytes, declared: str = "") -> Decoded | None:
    """The text of a file, None when it is not text; `declared` is an encoding that the file names inside.

    >>> decode_bytes("решение XI/16, пункт 5".encode("cp1251"))
    Decoded(text='решение XI/16, пункт 5', encoding='cp1251', guessed=True, lossy=False)
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _decode(content, encoding, guessed=False)
    if declared and (decoded := _decode_strictly(content, declared, guessed=False)):
        return decoded
    if b"\0" in content[:SAMPLE_BYTES]:
        return _decode_wide(content)
    if decoded := _decode_strictly(content, "utf-8", guessed=False) or _decode_damaged(content):
        return decoded
    best = from_bytes(_sample(content), cp_isolation=_CANDIDATES).best()
    return _decode(content, best.encoding, guessed=True) if best else None


def _decode(content: bytes, encoding: str, *, guessed: bool) -> Decoded | None:
    strictly = _decode_strictly(content, encoding, guessed=guessed)
    if strictly:
        return strictly
    text = content.decode(encoding, errors="replace")
    if text.count("\ufffd") > len(text) / 50:
        return None
    return Decoded(text, codecs.lookup(encoding).name, guessed, lossy=True)


def _decode_damaged(content: bytes) -> Decoded | None:
    """UTF-8 with a few bytes that are not: ten good letters beyond ASCII for each bad one leave no doubt."""
    text = content.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    good = len(_BEYOND_ASCII.findall(text)) - bad
    return Decoded(text, "utf-8", False, lossy=True) if good > 10 * bad else None


def _decode_strictly(content: bytes, encoding: str, *, guessed: bool) -> Decoded | None:
    try:
        text = content.decode(encoding)
    except (UnicodeError, LookupError, ValueError):
        return None
    if len(_CONTROLS.findall(text[:SAMPLE_BYTES])) > len(text[:SAMPLE_BYTES]) / 100:
        return None
    return Decoded(text, codecs.lookup(encoding).name, guessed)


def _decode_wide(content: bytes) -> Decoded | None:
    """UTF-16 without a mark: the zero bytes of blanks and digits stand at odd or at even places."""
    sample = content[:SAMPLE_BYTES]
    little = sample[1::2].count(0) >= sample[0::2].count(0)
    return _decode_strictly(content, "utf-16-le" if little else "utf-16-be", guessed=True)


def _sample(content: bytes) -> bytes:
    """Lines that are not plain ASCII, as many as are needed to tell the encoding."""
    lines: list[bytes] = []
    size = 0
    for line in content.splitlines(keepends=True):
        if not line.isascii():
            lines.append(line[:SAMPLE_BYTES])
            size += len(line)
            if size > SAMPLE_BYTES:
                break
    return b"".join(lines)
