"""What a listener sees: from how it stands to lines of text. Pure; kws/cli/terminal.py puts them on the screen."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from kws.streaming.events import Detection
from kws.streaming.live_session import Heard

_QUIETEST_DB = -60.0
_LIT_MS = 1500  # a label that was found is marked for so long
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LONGEST_BAR = 60


@dataclass(frozen=True)
class Look:
    """How the view is drawn.

    Args:
        title: what listens to what.
        window_ms: length of a window: a decision comes that much after its time.
        ascii: draw with ASCII alone.
    """

    title: str
    window_ms: float
    ascii: bool = False


def render(heard: Heard, look: Look, width: int, height: int) -> list[str]:
    """The view in at most `height` lines of at most `width` columns.

    Where it is too small, the bars of the labels come before the detections, and labels of the end are left out.

    Args:
        heard: how it stands.
        look: how it is drawn.
        width: columns, 1 or more.
        height: lines, 1 or more.
    """
    head = [_sides(f" {look.title}", f"{clock_time(heard.time_ms)} ", width), *_status(heard, look, width)]
    labels = _bars(heard, look, width)
    roomy = height >= len(head) + len(labels) + 5
    blank = [""] if roomy else []
    lines = [*head, *blank, *labels]
    if (room := height - len(lines) - len(blank) - 1) > 0:
        lines += [*blank, *_detections(heard, width, room)]
    return [fit(line, width).rstrip() for line in lines[:height]]


def clock_time(time_ms: int) -> str:
    """A time of a stream as h:mm:ss.ss, the hours where there are any."""
    minutes, hundredths = divmod(time_ms // 10, 6000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{minutes:02}:{hundredths // 100:02}.{hundredths % 100:02}"
    return f"{hours}:{seconds}" if hours else seconds


def detection_line(found: Detection) -> str:
    """A detection as a line for people."""
    return f"{clock_time(found.time_ms):>11}  {fit(found.label, max(columns(found.label), 16))} {found.score:.3f}"


def summary(heard: Heard) -> str:
    """A line on the whole stream."""
    seconds = max(heard.time_ms - heard.dropped_ms, 1) / 1000
    each_ms = 1000 * heard.busy_s / heard.windows if heard.windows else 0.0
    return (
        f"{clock_time(heard.time_ms)} heard, {heard.found} found; {each_ms:.2f} ms a window, {heard.busy_s / seconds:.3f} of real"
        f" time; {heard.dropped} samples ({heard.dropped_ms} ms) lost"
    )


def columns(text: str) -> int:
    """Columns that a text takes on a terminal."""
    return sum(_columns_of(character) for character in text)


def fit(text: str, width: int) -> str:
    """The text in exactly so many columns: cut, or filled up with spaces."""
    taken, kept = 0, []
    for character in text:
        taken += _columns_of(character)
        if taken > width:
            break
        kept.append(character)
    cut = "".join(kept)
    return cut + " " * (width - columns(cut))


def _columns_of(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Cc", "Cf", "Mn"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _status(heard: Heard, look: Look, width: int) -> list[str]:
    """Level, and what the machine makes of it: on one line, or on two where it is narrow."""
    share = 1 - max(heard.level_db, _QUIETEST_DB) / _QUIETEST_DB
    sound = f" level {_bar(share, 20, look)} {heard.level_db:4.0f} dB{' CLIPPED' if heard.clipped else ''}"
    cost = f"lag {heard.lag_ms:4d} ms  {heard.window_ms:5.2f} ms a window  {heard.busy:.3f} of real time"
    lost = f"lost {heard.dropped} samples" + (f" ({heard.dropped_ms} ms)" if heard.dropped else "")
    machine = f"{cost}  {lost}"
    if columns(sound) + columns(machine) + 3 <= width:
        return [_sides(sound, machine + " ", width)]
    if columns(machine) + 1 <= width:
        return [sound, f" {machine}"]
    # What was lost is what must not be cut off.
    return [sound, f" {lost}", f" {cost}"]


def _bars(heard: Heard, look: Look, width: int) -> list[str]:
    names = min(max(columns(label) for label in heard.labels), max(width // 3, 4))
    length = min(max(width - names - 11, 1), _LONGEST_BAR)
    lately = {found.label for found in heard.detections if heard.time_ms - look.window_ms - found.time_ms < _LIT_MS}
    lines = []
    for label, score, threshold in zip(heard.labels, heard.scores, heard.thresholds, strict=True):
        bar = _bar(score, length, look)
        # Where the decoder would find it; beyond the bar's own end only, for over it one can see that.
        tick = min(int(threshold * length), length - 1)
        if bar[tick] == " ":
            bar = f"{bar[:tick]}{'|' if look.ascii else '┊'}{bar[tick + 1 :]}"
        mark = ("*" if look.ascii else "●") if label in lately else " "
        lines.append(f" {mark} {fit(label, names)} {bar} {score:5.3f}")
    return lines


def _bar(share: float, length: int, look: Look) -> str:
    eighths = round(8 * length * min(max(share, 0.0), 1.0))
    if look.ascii:
        return ("#" * round(eighths / 8)).ljust(length)
    whole, rest = divmod(eighths, 8)
    return ("█" * whole + (_EIGHTHS[rest] if rest else "")).ljust(length)


def _detections(heard: Heard, width: int, room: int) -> list[str]:
    """As many of the latest as there is room for, the newest first, below a line that counts all."""
    newest = heard.detections[::-1][:room]
    return [f" found: {heard.found}", *(f" {detection_line(found)}" for found in newest)]


def _sides(left: str, right: str, width: int) -> str:
    """One at the left and one at the right; the left one is cut."""
    room = width - columns(right) - 1
    return f"{fit(left, room)} {right}" if room > 0 else right.strip()
