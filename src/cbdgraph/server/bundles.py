"""/static/bundle/: scripts and styles that `make web` built; a name of their manifest in, a file out; builds nothing.

What a page loads stands in build/web/manifest.json, which is read at the start and again when it changes. Files are
kept in memory, each as it is and compressed, and only names of the manifest are served: no name is ever a path. The
name holds the hash of the content, so that a browser never has to ask again.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.server.kept import holds
from cbdgraph.server.problems import Problem
from cbdgraph.server.routes import Router

router = Router()

PREFIX: Final = "/static/bundle/"
ADVICE: Final = "Pages are plain, and whole; with Node 20 or newer, `make web` adds the query editor"
_NAME: Final = re.compile(r"[a-z][a-z-]*-[0-9A-Z]{8}\.(js|css)\Z")
_MEDIA_TYPES: Final = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}
# By liking: what a browser takes both of comes in the smaller form.
_CODINGS: Final = {"br": ".br", "gzip": ".gz"}
_FOLDER: Final = "web"  # of the build folder
_MANIFEST: Final = "manifest.json"
_LICENSES: Final = "licenses.txt"
_LARGEST: Final = 8 * 1024 * 1024  # bytes of one file: more is no script for a page
_GENERATIONS: Final = 3  # of builds whose files are still served to pages that were sent before
_LOG: Final = logging.getLogger("cbdgraph.server")


@dataclass(frozen=True, slots=True)
class Bundle:
    """The addresses of what a page loads; a style is "" where there is none."""

    script: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class BundleFile:
    """A script or style: its media type, its bytes, and the same in codings that browsers know."""

    media_type: str
    content: bytes
    coded: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(slots=True)
class Bundles:
    """What `web/build.mjs` wrote into a build folder; nothing where it did not, or where it cannot be read."""

    build: Path
    entries: Mapping[str, Bundle] = field(default_factory=dict)
    files: dict[str, BundleFile] = field(default_factory=dict)
    licenses: bytes = b""
    _stamp: tuple[int, int, int] | None = None
    _generations: list[frozenset[str]] = field(default_factory=list)

    def look(self) -> bool:
        """Read the manifest if it has changed; whether pages look otherwise since."""
        folder = self.build / _FOLDER
        stamp = _stamp(folder / _MANIFEST)
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        entries: dict[str, Bundle] = {}
        files: dict[str, BundleFile] = {}
        licenses = b""
        if stamp is not None:
            try:
                entries, files = _read(folder)
                licenses = (folder / _LICENSES).read_bytes()
            except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
                entries, files = {}, {}
                _LOG.warning("bundles are not served: %s", error)
        changed = entries != self.entries
        self._generations = [*self._generations, frozenset(files)][-_GENERATIONS:]
        kept = frozenset().union(*self._generations)
        self.files = {name: file for name, file in self.files.items() if name in kept} | files
        self.entries, self.licenses = entries, licenses
        return changed


# What this request's pages may load; the envelope sets it.
BUILT: Final[ContextVar[Bundles | None]] = ContextVar("BUILT", default=None)


def find_bundle(entry: str) -> Bundle | None:
    """What a page loads for `entry`, a name of web/src/; None where it was not built, and the page stays plain."""
    built = BUILT.get()
    return None if built is None else built.entries.get(entry)


def bundle_stamp(entry: str) -> str:
    """For the ETag of a page that loads `entry`: another build is another page."""
    bundle = find_bundle(entry)
    return f"{bundle.script} {bundle.style}" if bundle else ""


def is_built(build: Path) -> bool:
    """Whether a build folder holds bundles."""
    return (build / _FOLDER / _MANIFEST).exists()


def is_bundle(path: str) -> bool:
    """Whether a path is one of ours: those answers depend on Accept-Encoding, and are in memory anyway."""
    return path.startswith(PREFIX)


@router.get(PREFIX + "{name}", include_in_schema=False)
async def show_file(request: Request, name: str) -> Response:
    """A script, a style, or the licences of what is in them."""
    built = BUILT.get()
    accepted = request.headers.get("accept-encoding", "")
    if built is not None and name == _LICENSES and built.licenses:
        return Response(built.licenses, media_type="text/plain", headers={"Cache-Control": "no-cache"})
    file = built.files.get(name) if built is not None else None
    if file is None:
        raise Problem("not-found", "there is no such script or style here; the page says which it loads")
    coding = next((each for each in file.coded if _accepts(accepted, each)), "")
    tag = f'"{name}{"-" + coding if coding else ""}"'
    headers = {
        "Content-Type": file.media_type,
        "Cache-Control": "public, max-age=31536000, immutable",
        "Vary": "Accept-Encoding",
        "ETag": tag,
    }
    if holds(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers={key: headers[key] for key in ("Cache-Control", "Vary", "ETag")})
    if coding:
        headers["Content-Encoding"] = coding
    return Response(file.coded[coding] if coding else file.content, headers=headers)


def _accepts(header: str, coding: str) -> bool:
    """Whether Accept-Encoding names a coding and does not refuse it (RFC 9110 section 12.5.3).

    >>> _accepts("gzip, br;q=0.5", "br"), _accepts("gzip;q=0", "gzip"), _accepts("", "br")
    (True, False, False)
    """
    for each in header.lower().split(","):
        name, _, weight = each.partition(";")
        if name.strip() == coding:
            return re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", weight) is None
    return False


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(folder: Path) -> tuple[dict[str, Bundle], dict[str, BundleFile]]:
    described: Any = json.loads((folder / _MANIFEST).read_bytes())
    entries: dict[str, Bundle] = {}
    files: dict[str, BundleFile] = {}
    for entry, parts in described.items():
        names = [parts["script"], *([parts["style"]] if parts.get("style") else [])]
        for name in names:
            files[name] = _read_file(folder, name)
        entries[entry] = Bundle(*(PREFIX + name for name in names))
    return entries, files


def _read_file(folder: Path, name: str) -> BundleFile:
    fits = _NAME.match(name)
    if fits is None:
        raise ValueError(f"{name!r} is no name of a bundle")
    if (folder / name).stat().st_size > _LARGEST:
        raise ValueError(f"{name} has more than {_LARGEST} bytes")
    coded = {
        coding: (folder / (name + suffix)).read_bytes()
        for coding, suffix in _CODINGS.items()
        if (folder / (name + suffix)).exists()
    }
    return BundleFile(_MEDIA_TYPES[fits[1]], (folder / name).read_bytes(), coded)
