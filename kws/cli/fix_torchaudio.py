"""`kws fix-torchaudio`: make torchaudio import beside a torch that it was not built for."""

from __future__ import annotations

import argparse

EPILOG = """example:
  pip install torch --index-url …/whl/cpu && pip install 'kws[train]' && kws fix-torchaudio
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `kws fix-torchaudio` and its arguments."""
    parser = subparsers.add_parser(
        "fix-torchaudio",
        help="make torchaudio import beside a CPU-only torch",
        description="The registry's torchaudio is built for CUDA and does not import beside a CPU-only torch. It runs without\n"
        "its compiled extension where that is absent, and kws uses none of it: this moves the extension aside,\n"
        "and changes nothing where torchaudio imports as it is.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    from kws.frontend.torchaudio_import import set_aside_extension

    moved = set_aside_extension()
    for file in moved:
        print(f"moved aside: {file}")
    print("torchaudio imports" + (" now" if moved else " as it is; nothing to do"))
    return 0
