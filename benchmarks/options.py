"""Options that the benchmarks with two sides share."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from original.interpreter import HOW_TO_INSTALL, Interpreter, find_tensorflow

WORDS = ("yes", "no", "up", "down", "left", "right", "stop", "go")
NETWORKS = ("single_fc", "low_latency_conv", "low_latency_svdf", "conv")


def add_options(parser: argparse.ArgumentParser, rounds: int) -> None:
    parser.add_argument("--rounds", type=int, default=rounds, help=f"how often each side is measured, in turn (default {rounds})")
    parser.add_argument(
        "--tensorflow-python",
        type=Path,
        metavar="PYTHON",
        help="a Python with TensorFlow, to measure the original beside ours (default: this one, if it has TensorFlow)",
    )
    parser.add_argument("--ours-alone", action="store_true", help="measure kws alone, whether or not there is TensorFlow")
    parser.add_argument("--quick", action="store_true", help="next to nothing of each, to see that it runs: the times say little")
    parser.add_argument("--markdown", action="store_true", help="print the tables in Markdown")


def find_original(args: argparse.Namespace) -> Interpreter | None:
    """The Python with TensorFlow, unless it is not wanted."""
    return None if args.ours_alone else find_tensorflow(args.tensorflow_python)


def heading(args: argparse.Namespace, original: Interpreter | None, threads: int) -> str:
    """What was measured how: threads, rounds, machine, version."""
    sides = f"kws and TensorFlow {original.version} in turn" if original else "kws alone"
    machine = f"{plural(threads, 'thread')} a side, {plural(os.cpu_count() or 1, 'core')} ({processor()})"
    return f"{sides}; {machine}; medians of {plural(args.rounds, 'round')} (least–greatest)"


def plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def processor() -> str:
    """The processor's name, where Linux says it."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown processor")


def closing(original: Interpreter | None, alone: bool) -> str:
    """What to do to get a ratio, where there is none."""
    if original:
        return "ratio: TensorFlow's median over ours; in brackets the least and the greatest of a round"
    return "Ours alone, as asked." if alone else HOW_TO_INSTALL
