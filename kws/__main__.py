"""`python -m kws`: the command `kws`."""

import sys

from kws.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
