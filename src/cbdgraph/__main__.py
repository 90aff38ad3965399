"""`python -m cbdgraph`: the same as the command `cbdgraph`."""

from __future__ import annotations

import sys

from cbdgraph.cli import main

sys.exit(main())
