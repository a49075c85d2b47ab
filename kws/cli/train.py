"""`kws train`: what train.py does in a clone, where only the package is installed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Name `kws train` in the help of `kws`; its arguments are Hydra's."""
    parser = subparsers.add_parser("train", help="train a network (as train.py in a clone); kws train --help", add_help=False)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command without arguments; return the exit status."""
    return run_hydra([])


def run_hydra(arguments: Sequence[str]) -> int:
    """Train with Hydra's command line; return the exit status."""
    from kws.training import app

    # Hydra reads the arguments there; for several devices, Lightning starts the script named there once more.
    sys.argv = [app.__file__, *arguments]
    app.main()
    return 0
