"""The live view: all of it where there is room, the most important where there is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kws.cli.live_view import Look, clock_time, columns, fit, render, summary
from kws.streaming.events import Detection
from kws.streaming.live_session import Heard

LOOK = Look("m.onnx hears desk", 1000.0)
HEARD = Heard(
    ("_silence_", "_unknown_", "yes", "no"), (0.5, 0.0, 1.0, 0.25), (0.7, 0.7, 0.7, 0.9),
    (Detection("no", 1000, 0.91), Detection("yes", 62_340, 0.8)), 2, 64_000, 480, 30, -30.0, False, 0.31, 0.0112, 60, 2000, 0.62,
)  # fmt: skip


def test_all_of_it() -> None:
    lines = render(HEARD, LOOK, 130, 30)
    assert lines == [
        f" m.onnx hears desk{' ' * 103}01:04.00",
        f" level {'█' * 10}{' ' * 10}  -30 dB{' ' * 18}"
        "lag   60 ms   0.31 ms a window  0.011 of real time  lost 480 samples (30 ms)",
        "",
        f"   _silence_ {'█' * 30}{' ' * 12}┊{' ' * 17} 0.500",
        f"   _unknown_ {' ' * 42}┊{' ' * 17} 0.000",
        f" ● yes       {'█' * 60} 1.000",
        f"   no        {'█' * 15}{' ' * 39}┊{' ' * 5} 0.250",
        "",
        " found: 2",
        "    01:02.34  yes              0.800",
        "    00:01.00  no               0.910",
    ]


@pytest.mark.parametrize("width", [40, 70, 90, 140])
def test_losses_are_seen_at_any_width(width: int) -> None:
    assert "lost 480 samples (30 ms)" in "\n".join(render(HEARD, LOOK, width, 24))


@given(st.integers(1, 150), st.integers(1, 40), st.booleans())
def test_never_larger_than_the_terminal(width: int, height: int, ascii_only: bool) -> None:
    wide = replace(HEARD, labels=("_silence_", "_unknown_", "点灯", "e\u0301teins"), detections=(Detection("点灯", 0, 1.0),) * 50)
    for heard in (HEARD, wide):
        lines = render(heard, replace(LOOK, ascii=ascii_only), width, height)
        assert len(lines) <= height
        assert all(columns(line) <= width for line in lines)


def test_scores_come_before_detections_where_it_is_low() -> None:
    assert [line.split()[0] for line in render(HEARD, LOOK, 130, 6)][2:] == ["_silence_", "_unknown_", "●", "no"]


def test_in_ascii() -> None:
    look = replace(LOOK, ascii=True)
    assert "\n".join(render(HEARD, look, 130, 30)).isascii()
    assert render(HEARD, look, 130, 30)[5].startswith(" * yes       ####")


def test_a_mark_goes_out() -> None:
    def marked(time_ms: int) -> bool:
        return any("●" in line for line in render(replace(HEARD, time_ms=time_ms), LOOK, 100, 30))

    assert marked(64_800)
    assert not marked(64_900)


def test_clipping_is_said() -> None:
    assert "CLIPPED" in "\n".join(render(replace(HEARD, clipped=True), LOOK, 100, 30))


@pytest.mark.parametrize(("time_ms", "text"), [(0, "00:00.00"), (61_239, "01:01.23"), (3_600_000, "1:00:00.00")])
def test_times(time_ms: int, text: str) -> None:
    assert clock_time(time_ms) == text


def test_widths_are_the_terminals() -> None:
    assert [columns(text) for text in ("ab", "点灯", "e\u0301")] == [2, 4, 1]
    assert fit("点灯", 3) == "点 "
    assert fit("ab", 4) == "ab  "


def test_a_line_on_all() -> None:
    assert summary(HEARD) == "01:04.00 heard, 2 found; 0.31 ms a window, 0.010 of real time; 480 samples (30 ms) lost"
    assert summary(Heard(("yes",), (0.0,), (0.5,))).startswith("00:00.00 heard, 0 found; 0.00 ms a window")
