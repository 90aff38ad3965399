"""What OpenAPI says about the desk: plain values, from the values of the desk; serves nothing."""

from __future__ import annotations

from typing import Any, Final

from cbdgraph.desk import STATES, TONGUES
from cbdgraph.desk.reviews import LONGEST_TEXT
from cbdgraph.server.negotiate import JSON

MOST_SEEN: Final = 500  # items of one request
_TEXT: Final = {"type": "string", "maxLength": LONGEST_TEXT}
_SUBJECT: Final = {
    "type": "string",
    "description": "IRI of a term, a label or a definition, or its path",
    "examples": ["term/ecosystem-restoration/definition/ipbes-ldr"],
}
_LANGUAGE: Final = {"type": "string", "enum": list(TONGUES)}
_VERSION: Final = {"type": "integer", "minimum": 0, "description": "of the last entry that you saw; 0 for none"}
_CONTENT: Final = {
    "type": "string",
    "description": "the hash of the text that you looked at; if left out, that of now",
}
_CONFLICT: Final[dict[str, Any]] = {
    "description": "it is based on an older version; nothing was recorded; `theirs` and `yours` are in it",
    "content": {"application/problem+json": {}, "text/html": {}},
}


def in_query(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    """A parameter of a query."""
    return {"name": name, "in": "query", "schema": schema, "description": description}


def _body(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    schema = {"type": "object", "required": required, "additionalProperties": False, "properties": properties}
    return {"required": True, "content": {JSON: {"schema": schema}}}


LANG: Final = in_query("lang", _LANGUAGE, "one language; `mul` is the term as a whole")
SUBJECT: Final = {**in_query("subject", _SUBJECT, "whose reviews"), "required": True}
IF_MATCH: Final[dict[str, Any]] = {
    "name": "If-Match",
    "in": "header",
    "schema": {"type": "string"},
    "description": 'the ETag of the version that this is based on, such as "v3"; or send `version`',
}
_PROPERTIES: Final[dict[str, Any]] = {
    "subject": _SUBJECT,
    "language": _LANGUAGE,
    "state": {"type": "string", "enum": list(STATES)},
    "comment": _TEXT,
    "suggestion": {**_TEXT, "description": "the wording that you stand for; empty for the text as it is"},
    "version": _VERSION,
    "content": _CONTENT,
}
FIELDS: Final = frozenset(_PROPERTIES)
DRAFT: Final = _body(_PROPERTIES, ["subject", "language", "state"])
RECORDED: Final[dict[int | str, dict[str, Any]]] = {
    201: {"description": "the entry, which is on the disk", "content": {JSON: {}}},
    409: _CONFLICT,
    412: _CONFLICT,
}
_ITEM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["subject", "language"],
    "additionalProperties": False,
    "properties": {"subject": _SUBJECT, "language": _LANGUAGE, "content": _CONTENT, "version": _VERSION},
}
SEEN: Final = _body({"items": {"type": "array", "maxItems": MOST_SEEN, "items": _ITEM}}, ["items"])
