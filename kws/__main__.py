"""`python -m kws`: the `kws` command."""

from __future__ import annotations

import sys

from kws.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
