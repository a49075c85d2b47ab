"""The live view: all of it where there is room, the most important where there is not; names of strangers are no markup."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

pytest.importorskip("rich")
from rich.cells import cell_len
from rich.console import Console
from rich.screen import Screen

from kws.cli.live_view import LiveView, open_screen
from kws.streaming.events import Detection
from kws.streaming.live_session import SessionState

HEARD = SessionState(
    ("_silence_", "_unknown_", "yes", "no"), (0.5, 0.0, 1.0, 0.25), (0.7, 0.7, 0.7, 0.9),
    (Detection("no", 1000, 0.91), Detection("yes", 62_340, 0.8)), 2, 64_000, 480, 30, -30.0, False, 0.31, 0.0112, 60, 2000, 0.62,
)  # fmt: skip


def drawn(
    heard: SessionState = HEARD, width: int = 100, height: int = 30, encoding: str = "utf-8", title: str = "m.onnx hears desk"
) -> str:
    """What a terminal of this size shows, without colours."""
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="backslashreplace", newline="")
    console = Console(file=file, width=width, height=height, force_terminal=True, color_system=None, highlight=False)
    console.print(Screen(LiveView(heard, title, 1000.0)))
    file.flush()
    assert isinstance(file.buffer, io.BytesIO)
    return file.buffer.getvalue().decode(encoding)


def lines(*arguments: object, **settings: object) -> list[str]:
    return [line.rstrip() for line in drawn(*arguments, **settings).splitlines()]  # type: ignore[arg-type]


def test_all_of_it() -> None:
    shown = lines(HEARD, 73)
    assert shown[:13] == [
        " m.onnx hears desk" + " " * 46 + "01:04.00",
        f" level {'█' * 10}            -30 dB",
        " lost 480 samples (30 ms)  lag   60 ms   0.31 ms a window  0.011 of real",
        "time",
        "",
        f"   _silence_ {'█' * 27}{' ' * 10}┊{' ' * 16} 0.500",
        f"   _unknown_ {' ' * 37}┊{' ' * 16} 0.000",
        f" ● yes       {'█' * 54} 1.000",
        f"   no        {'█' * 13}▌{' ' * 34}┊{' ' * 5} 0.250",
        "",
        " found: 2",
        "    01:02.34  yes  0.800",
        "    00:01.00  no   0.910",
    ]
    assert not any(shown[13:])


@pytest.mark.parametrize("width", [40, 70, 90, 140])
def test_losses_are_seen_at_any_width(width: int) -> None:
    assert "lost 480 samples (30 ms)" in drawn(width=width)


def test_never_larger_than_the_terminal() -> None:
    labels = ("_silence_", "_unknown_", "e\u0301teins", "点灯")
    long = replace(HEARD, labels=labels, detections=(Detection("点灯", 0, 1.0),) * 50)
    for width, height in ((1, 1), (5, 40), (20, 3), (33, 12), (150, 24)):
        for heard in (HEARD, long):
            shown = lines(heard, width, height)
            assert len(shown) <= height
            assert all(cell_len(line) <= width for line in shown)


def test_scores_come_before_detections_where_it_is_low() -> None:
    assert [line.split()[0] for line in lines(height=8)[4:]] == ["_silence_", "_unknown_", "●", "no"]


def test_in_ascii() -> None:
    shown = lines(encoding="ascii")
    assert all(line.isascii() and "\\u" not in line for line in shown)
    assert shown[6].startswith(" * yes       ####")
    assert shown[5].rstrip(" 0.").endswith("|")


def test_a_label_is_neither_markup_nor_obeyed() -> None:
    shown = drawn(replace(HEARD, labels=("[red]a[/]", "[/nothing]", ":bell:", "\x1b[2Jno")), title="[b]m\x1b.onnx")
    for name in ("[red]a[/]", "[/nothing]", ":bell:", "\\x1b[2Jno", "[b]m\\x1b.onnx"):
        assert f" {name} " in shown


def test_a_mark_goes_out() -> None:
    assert "●" in drawn(replace(HEARD, time_ms=64_800))
    assert "●" not in drawn(replace(HEARD, time_ms=64_900))


def test_clipping_is_said() -> None:
    assert "CLIPPED" in drawn(replace(HEARD, clipped=True))
    assert "CLIPPED" not in drawn()


def test_before_the_first_window() -> None:
    assert "_silence_" in drawn(SessionState(HEARD.labels, (0.0,) * 4, HEARD.thresholds))


def test_what_was_on_the_terminal_comes_back() -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=100, height=20, force_terminal=True)
    with pytest.raises(RuntimeError), open_screen(console) as screen:
        screen.update(LiveView(HEARD, "m", 1000.0), refresh=True)
        raise RuntimeError
    before, after = stream.getvalue().split("_silence_")[0], stream.getvalue().split("found: 2")[-1]
    assert before.startswith("\x1b[?1049h") and "\x1b[?25l" in before
    assert "\x1b[?1049l" in after and "\x1b[?25h" in after
