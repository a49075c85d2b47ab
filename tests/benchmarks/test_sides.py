"""Processes that measure when asked."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

DOUBLES = """
from sides import answer
answer(lambda request: {"seconds": 2 * request["seconds"]}, ready=True)
"""


def start(benchmarks: Path, program: str) -> object:
    from sides import Side

    return Side([sys.executable, "-c", program], {**os.environ, "PYTHONPATH": str(benchmarks)})


def test_a_side_answers_each_request_and_says_what_it_knows(benchmarks: Path) -> None:
    with start(benchmarks, DOUBLES) as side:
        assert side.known == {"ready": True}
        assert [side.ask(seconds=seconds)["seconds"] for seconds in (1.0, 2.5)] == [2.0, 5.0]


def test_what_a_side_prints_is_no_answer(benchmarks: Path) -> None:
    noisy = "from sides import answer\nanswer(lambda request: print('noise') or {'seconds': 1.0})"
    with start(benchmarks, noisy) as side:
        assert side.ask() == {"seconds": 1.0}


def test_a_side_that_dies_ends_the_run_with_its_last_words(benchmarks: Path) -> None:
    with pytest.raises(SystemExit, match=r"no such folder(.|\n)*status 1"):
        start(benchmarks, "raise SystemExit('no such folder')")
