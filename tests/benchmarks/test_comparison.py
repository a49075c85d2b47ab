"""Medians, ratios and tables of two sides that were measured in turn."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _importable(benchmarks: Path) -> None:
    """The modules are those of the scripts."""


def test_ratio_is_of_medians_and_its_range_of_rounds() -> None:
    from comparison import Comparison, Timing

    both = Comparison("conv", Timing((0.1, 0.2, 0.9)), Timing((0.4, 0.6, 0.9)))
    assert both.ratio == pytest.approx(3.0)
    assert both.ratio_range == pytest.approx((1.0, 4.0))
    assert both.show_ratio() == "3.0× (1.0–4.0)"


def test_alone_there_is_no_ratio_and_no_column_for_it() -> None:
    from comparison import MILLISECONDS, Comparison, Timing, comparison_table

    alone = Comparison("conv", Timing((0.002, 0.001, 0.004)))
    assert alone.ratio is None
    assert alone.show_ratio() == "–"
    table = comparison_table([alone], MILLISECONDS)
    assert table.titles == ("model", "kws, ms")
    assert table.rows == (("conv", "2.000 (1.000–4.000)"),)


def test_a_row_without_the_original_has_dashes_beside_one_with_it() -> None:
    from comparison import SECONDS, Comparison, Timing, comparison_table

    own = Timing((2.0,))
    rows = [Comparison("conv", own, Timing((5.0,)), "session"), Comparison("ds_tc_resnet", own)]
    table = comparison_table(rows, SECONDS)
    assert table.titles == ("model", "kws, s", "TensorFlow, s", "TensorFlow's way", "ratio")
    assert table.rows[0] == ("conv", "2.0 (2.0–2.0)", "5.0 (5.0–5.0)", "session", "2.5× (2.5–2.5)")
    assert table.rows[1] == ("ds_tc_resnet", "2.0 (2.0–2.0)", "–", "–", "–")


def test_steps_a_second_are_shown_least_first_though_their_seconds_are_not() -> None:
    from comparison import STEPS_A_SECOND, Timing

    assert STEPS_A_SECOND.show(Timing((0.1, 0.2, 0.5))) == "5.00 (2.00–10.00)"


def test_tables_in_columns_and_in_markdown() -> None:
    from comparison import Table

    table = Table(("model", "ms"), (("conv", "1.5"), ("single_fc", "20.25")))
    assert table.to_text() == "model         ms\nconv         1.5\nsingle_fc  20.25"
    assert table.to_markdown() == "| model | ms |\n|---|---:|\n| conv | 1.5 |\n| single_fc | 20.25 |"


def test_sides_take_turns() -> None:
    from sides import take_turns

    heard: list[str] = []

    def side(name: str, seconds: float) -> float:
        heard.append(name)
        return seconds

    times = take_turns({"A": lambda: side("A", 1.0), "B": lambda: side("B", 2.0)}, rounds=3)
    assert heard == ["A", "B"] * 3
    assert times == {"A": [1.0] * 3, "B": [2.0] * 3}
