"""One query to one endpoint: SPARQL text in, the whole body with what came with it out, or an error; reads no body.

SPARQLWrapper makes the request. What it leaves to its user is done here: formats are asked for by Accept alone, since
the parameters that it adds beside it confuse some endpoints (RDFLib/sparqlwrapper#234); the time limit is for the
answer and not for each wait of a socket (#243); a body that broke off is an error; the body of an error is kept.
"""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import Any, Final, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from SPARQLWrapper import JSON, POST, POSTDIRECTLY, SPARQLWrapper

from cbdgraph.client.faults import read_fault
from cbdgraph.errors import EndpointError, EngineUnavailable, IncompleteAnswer, ParameterError, QueryTooLarge

Form = Literal["SELECT", "ASK", "CONSTRUCT"]

_ACCEPT: Final[Mapping[Form, str]] = {
    "SELECT": "application/sparql-results+json",
    "ASK": "application/sparql-results+json",
    "CONSTRUCT": "application/n-triples, text/turtle;q=0.8, application/rdf+xml;q=0.5",
}
_LONGEST_ADDRESS: Final = 2000  # characters; some proxies take no more
_PIECE: Final = 64 * 1024
_LONGEST_FAULT: Final = 64 * 1024
_LONGEST_WAIT: Final = 30  # seconds that one waits for an endpoint before it is asked again
_AGAIN: Final = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole body, with its media type and its headers by name in small letters."""

    content: bytes
    media_type: str
    headers: Mapping[str, str]

    @property
    def is_cut(self) -> bool:
        """Whether the endpoint says that this is not all, as ours would, or as Virtuoso does when time is up."""
        return self.headers.get("cbdgraph-complete") == "false" or "S1TAT" in self.headers.get("x-sql-state", "")

    @property
    def is_complete(self) -> bool | None:
        """Whether the endpoint says that this is all; None where it says nothing."""
        return True if self.headers.get("cbdgraph-complete") == "true" else None

    @property
    def most_rows(self) -> int | None:
        """The rows after which the endpoint cuts without an error, where it says so as Virtuoso does."""
        said = self.headers.get("x-sparql-maxrows", "")
        return int(said) if said.isdecimal() else None


@dataclass(frozen=True, slots=True)
class Asking:
    """How an endpoint is asked: address, release, seconds and bytes of one answer, and how often again."""

    endpoint: str
    release: str | None
    timeout: float
    max_bytes: int
    retries: int

    def __post_init__(self) -> None:
        if not self.endpoint.startswith(("http://", "https://")):
            raise ParameterError("endpoint", f"expected an address such as https://…/sparql, not {self.endpoint!r}")
        if not self.timeout > 0:
            raise ParameterError("timeout", f"expected seconds, more than none, not {self.timeout!r}")

    def ask(self, query: str, form: Form) -> Reply:
        """The whole answer; `CbdGraphError` for everything else. Waits and asks again where the endpoint is busy."""
        for attempt in range(self.retries + 1):
            try:
                reply = self._once(query, form)
            except _Busy as busy:
                wait = busy.seconds or 2**attempt
                if attempt == self.retries or wait > _LONGEST_WAIT:
                    raise busy.error from None
                time.sleep(wait)
            else:
                if reply.is_cut:
                    raise IncompleteAnswer(self.endpoint, "it says that it gave only a part")
                self._check_release(reply)
                return reply
        raise AssertionError

    def _once(self, query: str, form: Form) -> Reply:
        deadline = time.monotonic() + self.timeout
        wrapper = _Wrapper(self.endpoint, form, query, self.release)
        try:
            with wrapper.open(self.timeout) as response:
                return _read(self.endpoint, response, deadline, self.max_bytes)
        except urllib.error.HTTPError as error:
            with error:
                body = error.read(_LONGEST_FAULT)
            seconds = _seconds(error.headers.get("Retry-After", ""))
            fault = read_fault(self.endpoint, error.code, error.headers.get_content_type(), body, seconds)
            if error.code in _AGAIN:
                raise _Busy(fault, seconds) from None
            raise fault from None
        except TimeoutError:
            raise self._too_slow() from None
        except urllib.error.URLError as error:
            if isinstance(error.reason, TimeoutError):
                raise self._too_slow() from None
            raise EngineUnavailable(f"{self.endpoint} cannot be reached: {error.reason}") from None
        except (http.client.HTTPException, OSError, ValueError) as error:
            # What is said of a broken answer; what the answer held is in none of these.
            raise EndpointError(self.endpoint, 0, f"{type(error).__name__}: {error}"[:200]) from error

    def _too_slow(self) -> EngineUnavailable:
        return EngineUnavailable(f"{self.endpoint} gave no whole answer in {self.timeout:g} seconds")

    def _check_release(self, reply: Reply) -> None:
        if self.release is None:
            return
        said = reply.headers.get("cbdgraph-release")
        if said is None:
            raise EndpointError(self.endpoint, 200, "it does not say from which release it answers")
        if self.release not in {said, "current"}:
            raise EndpointError(self.endpoint, 200, f"it answered from release {said}, not {self.release}")


class _Busy(Exception):
    def __init__(self, error: Exception, seconds: int) -> None:
        super().__init__(str(error))
        self.error, self.seconds = error, seconds


class _Wrapper(SPARQLWrapper):
    """SPARQLWrapper for one query whose form is known, so that it need not be guessed from the text."""

    def __init__(self, endpoint: str, form: Form, query: str, release: str | None) -> None:
        parts = urlsplit(endpoint)
        self._form = form
        agent = f"cbdgraph-client/{version('cbdgraph')}"
        super().__init__(urlunsplit((*parts[:3], "", "")), returnFormat=JSON, agent=agent)
        # What stands in the address already has to stay in it, also of a POST.
        for name, value in parse_qsl(parts.query, keep_blank_values=True):
            self.addParameter(name, value)
        if release is not None:
            self.addParameter("release", release)
        self.setOnlyConneg(True)
        self.addCustomHttpHeader("Accept", _ACCEPT[form])
        self.setQuery(query)
        if len(urlencode({"query": query})) + len(endpoint) > _LONGEST_ADDRESS:
            self.setMethod(POST)
            self.setRequestMethod(POSTDIRECTLY)

    def _parseQueryType(self, query: str) -> str:  # noqa: N802, ARG002 - its own name
        return self._form

    def _getAcceptHeader(self) -> str:  # noqa: N802 - its own name
        return _ACCEPT[self._form]

    def open(self, timeout: float) -> Any:
        """The open response. `query()` would do the same, and keep of an error neither headers nor a whole body."""
        return urllib.request.urlopen(self._createRequest(), timeout=timeout)


def _read(endpoint: str, response: Any, deadline: float, max_bytes: int) -> Reply:
    headers: Message = response.headers
    pieces: list[bytes] = []
    size = 0
    while piece := response.read1(_PIECE):
        pieces.append(piece)
        size += len(piece)
        if size > max_bytes:
            raise QueryTooLarge("bytes", max_bytes)
        if time.monotonic() > deadline:
            raise TimeoutError
    told = headers.get("Content-Length", "")
    if told.isdecimal() and size != int(told):
        raise IncompleteAnswer(endpoint, f"it broke off after {size} of {told} bytes")
    return Reply(b"".join(pieces), headers.get_content_type(), {k.lower(): v for k, v in headers.items()})


def _seconds(retry_after: str) -> int:
    """Retry-After in seconds, from either of its forms; 0 where there is none.

    >>> _seconds("7"), _seconds("soon"), _seconds("Fri, 31 Dec 1999 23:59:59 GMT")
    (7, 0, 0)
    """
    if retry_after.strip().isdecimal():
        return int(retry_after)
    try:
        return max(0, round((parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds()))
    except (ValueError, TypeError, OverflowError):
        return 0
