"""`python -m bench [NAME …] [OPTION …]`: runs the named benchmarks, or all of this folder, and prints their tables.

A module of this folder is a benchmark if it has a `main`; what begins with a dash is for the benchmarks that know it.
Those that take long run only when they are named.
"""

from __future__ import annotations

import importlib
import sys
from itertools import takewhile
from pathlib import Path
from typing import Final

_ONLY_NAMED: Final = frozenset({"soak"})


def main(arguments: list[str]) -> int:
    places = sorted(Path(__file__).parent.glob("[a-z]*.py"))
    known = [place.stem for place in places if "\ndef main() -> None:" in place.read_text(encoding="utf-8")]
    names = list(takewhile(lambda argument: not argument.startswith("-"), arguments))
    for name in names or (name for name in known if name not in _ONLY_NAMED):
        if name not in known:
            print(f"there is no benchmark {name!r}; there are: {', '.join(known)}", file=sys.stderr)
            return 2
        print(f"== {name}", flush=True)
        importlib.import_module(f"bench.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
