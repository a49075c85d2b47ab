"""What `kws listen` shows on a terminal: scores, latest detections, level, load. rich (the extra `listen`) draws it."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from kws.cli.printing import clock_time, printable
from kws.streaming.live_session import SessionState

_QUIETEST_DB = -60.0
_MARKED_MS = 1500  # a label that was found is marked for so long
_EIGHTHS = " ▏▎▍▌▋▊▉"


def open_screen(console: Console) -> Live:
    """Open the terminal's alternate screen, drawn by `update(view, refresh=True)`; restore what was there."""
    return Live(console=console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)


@dataclass(frozen=True)
class Bar:
    """A share as a bar; in ASCII where the terminal has no block elements.

    Args:
        share: how much of it is filled; below 0 and above 1 it ends at 0 and 1.
        threshold: where to mark a threshold; seen only where the bar does not reach it. None marks none.
    """

    share: float
    threshold: float | None = None

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(1, options.max_width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        length = options.max_width
        eighths = round(8 * length * min(max(self.share, 0.0), 1.0))
        if options.ascii_only:
            bar, mark = "#" * round(eighths / 8), "|"
        else:
            bar, mark = "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip(), "┊"
        bar = bar.ljust(length)
        if self.threshold is not None and bar[tick := min(int(self.threshold * length), length - 1)] == " ":
            bar = f"{bar[:tick]}{mark}{bar[tick + 1 :]}"
        yield Text(bar, no_wrap=True)


@dataclass(frozen=True)
class LiveView:
    """Draw a live session as large as the terminal: a low one shows fewer detections, then fewer labels.

    Args:
        heard: how it stands.
        title: what listens to what.
        window_ms: length of a window: a decision comes that much after its time.
    """

    heard: SessionState
    title: str
    window_ms: float

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield _title_line(self.title, self.heard.time_ms)
        yield from _state_lines(self.heard)
        yield Text()
        yield _scores(self.heard, self.window_ms, options)
        yield Text()
        yield Text(f" found: {self.heard.found}")
        yield _detections(self.heard, options.height or console.height)


def _title_line(title: str, time_ms: int) -> Table:
    line = Table.grid(expand=True)
    line.add_column(ratio=1, no_wrap=True, overflow="crop")
    line.add_column(no_wrap=True, overflow="crop")
    line.add_row(Text(f" {printable(title)}", style="bold"), f" {clock_time(time_ms)} ")
    return line


def _state_lines(heard: SessionState) -> RenderResult:
    """Draw the sound's level, then lost samples, lag and load; losses first, for a narrow terminal breaks the line."""
    level = Table.grid()
    level.add_column()
    level.add_column(width=20)
    level.add_column(no_wrap=True, overflow="crop")
    bar = Bar(1 - max(heard.level_db, _QUIETEST_DB) / _QUIETEST_DB)
    level.add_row(" level ", bar, Text.assemble(f" {heard.level_db:4.0f} dB", (" CLIPPED" if heard.clipped else "", "bold red")))
    yield level
    lost = f" lost {heard.dropped} samples" + (f" ({heard.dropped_ms} ms)" if heard.dropped else "")
    cost = f"  lag {heard.lag_ms:4d} ms  {heard.window_ms:5.2f} ms a window  {heard.busy:.3f} of real time"
    yield Text.assemble((lost, "bold red" if heard.dropped else ""), cost)


def _scores(heard: SessionState, window_ms: float, options: ConsoleOptions) -> Table:
    """Draw a row a label: name, score as a bar with its threshold and as a number, a mark when just detected."""
    table = Table.grid(expand=True, padding=(0, 1, 0, 0))
    table.add_column(width=2, justify="right")
    table.add_column(no_wrap=True, overflow="crop", max_width=max(options.max_width // 3, 4))
    table.add_column(ratio=1)
    table.add_column(no_wrap=True, justify="right")
    lately = {found.label for found in heard.detections if heard.time_ms - window_ms - found.time_ms < _MARKED_MS}
    for label, score, threshold in zip(heard.labels, heard.scores, heard.thresholds, strict=True):
        mark, style = ("*" if options.ascii_only else "●", "bold green") if label in lately else ("", "")
        table.add_row(Text(mark), Text(printable(label)), Bar(score, threshold), f"{score:.3f}", style=style)
    return table


def _detections(heard: SessionState, most: int) -> Table:
    """Draw the latest detections, the newest first."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(justify="right", min_width=12)
    for found in heard.detections[::-1][:most]:
        table.add_row(clock_time(found.time_ms), Text(printable(found.label), no_wrap=True), f"{found.score:.3f}")
    return table
