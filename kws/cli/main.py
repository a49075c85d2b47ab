"""The console script `kws`: finds the subcommand, runs it, turns a user's error into one line and exit status 2."""

from __future__ import annotations

import argparse
import importlib
import io
import logging
import sys
from collections.abc import Sequence

from kws.cli.option_names import as_options
from kws.cli.printing import printable
from kws.cli.train import run_hydra
from kws.errors import KwsError, missing_package
from kws.files.version import VERSION

COMMANDS = (
    "train", "label", "evaluate", "calibrate", "export", "stream", "listen", "tune", "make_stream", "mine",
    "spectrogram", "prepare", "synthesize",
)  # fmt: skip


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of `kws`, with all its commands."""
    parser = argparse.ArgumentParser(
        prog="kws", description="Keyword spotting: label, evaluate, export, stream, listen, prepare."
    )
    parser.add_argument("--version", action="version", version=f"kws {VERSION}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)
    for name in COMMANDS:
        importlib.import_module(f"kws.cli.{name}").add_parser(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit status."""
    argv = sys.argv[1:] if argv is None else argv
    training = list(argv[:1]) == ["train"]
    if not training:  # which has Hydra's log
        logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    # A name that is not UTF-8, or that the terminal lacks letters for, is printed with escapes.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    args = build_parser().parse_args(argv[:1] if training else argv)
    try:
        return run_hydra(argv[1:]) if training else int(args.run(args))
    except KwsError as error:
        print(f"error: {printable(as_options(error, args))}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        if (needed := missing_package(error)) is None:
            raise
        print(f"error: kws {args.command} {needed}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # `kws label … | head` closed the pipe: nothing is wrong.
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
