"""Lines on a terminal, drawn again in place."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TextIO

# The other screen leaves what was on the terminal before as it was; without wrapping, a line is a line while it is being resized.
_ENTER = "\x1b[?1049h\x1b[?7l\x1b[?25l\x1b[2J"
_LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l"
_HOME, _TO_LINE_END, _TO_SCREEN_END = "\x1b[H", "\x1b[K", "\x1b[J"


class Screen:
    """The terminal's other screen while entered; what was there before comes back on leaving, and the cursor with it.

    Args:
        stream: a terminal.
        size: gives (columns, lines); None asks the terminal, each time, so that it may be resized.
    """

    def __init__(self, stream: TextIO, size: Callable[[], tuple[int, int]] | None = None) -> None:
        self._stream = stream
        self._size: Callable[[], tuple[int, int]] = size or (lambda: os.get_terminal_size(stream.fileno()))

    def __enter__(self) -> Screen:
        self._write(_ENTER)
        return self

    def __exit__(self, *error: object) -> None:
        self._write(_LEAVE)

    def draw(self, render: Callable[[int, int], list[str]]) -> None:
        """Draw the lines that `render` makes for (width, height)."""
        columns, rows = self._size()
        # Terminals that do not know their size say 0.
        lines = render(columns or 80, rows or 24)
        # One write, or it flickers.
        self._write(_HOME + "\r\n".join(line + _TO_LINE_END for line in lines) + _TO_SCREEN_END)

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
