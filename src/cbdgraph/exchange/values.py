"""A text of a file and the field that it is for in, the value that it stands for out, or why it stands for none."""

from __future__ import annotations

import re
from typing import Final

from cbdgraph.errors import InvalidName
from cbdgraph.exchange.records import Field, Value, lengthen
from cbdgraph.model import Iri, Text

_YEAR: Final = re.compile(r"-?[0-9]{4,}\Z")


def read_value(field: Field, text: str, language: str) -> tuple[Value | None, str]:
    """The value that a text stands for, or why it stands for none."""
    try:
        match field.type:
            case "iri":
                return Iri(lengthen(text.strip(), field.under)), ""
            case "text":
                return Text(text, language), ""
            case "words":
                return Text(text), ""
            case "year":
                year = text.strip()
                return (
                    (Text(year), "") if _YEAR.match(year) else (None, f"{year[:40]!r} is no year; write one as 2018")
                )
            case "flag":
                flag = text.strip().lower()
                return (Text(flag), "") if flag in {"true", "false"} else (None, "write true or false")
            case "plain":
                return Text(text.strip()), ""
    except InvalidName as error:
        return None, f"{error.text[:80]!r}: {error.reason}"
