"""`python -m bench [NAME …]`: runs the named benchmarks, or all of this folder, and prints their tables."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def main(names: list[str]) -> int:
    known = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))
    for name in names or known:
        if name not in known:
            print(f"there is no benchmark {name!r}; there are: {', '.join(known)}", file=sys.stderr)
            return 2
        print(f"== {name}", flush=True)
        importlib.import_module(f"bench.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
