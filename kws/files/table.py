"""Tables as plain text, whose columns stand below each other on a terminal in any script."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence


def text_table(header: Sequence[object], rows: Iterable[Sequence[object]], align: str = "") -> str:
    """Lay out a table with two spaces between its columns, each as wide as its widest cell.

    Args:
        header: names of the columns; empty leaves the line out.
        rows: cells, as many in each row; `str` of each is shown.
        align: `<` (left) or `>` (right), a character a column. Without it the first column is left and the rest right.
    """
    lines = [[str(cell) for cell in row] for row in ([header] if header else []) + [*rows]]
    if not lines:
        return ""
    sides = align or "<".ljust(len(lines[0]), ">")
    widths = [max(map(display_width, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(pad, line, widths, sides)).rstrip() for line in lines)


def pad(text: str, width: int, side: str = "<") -> str:
    """Pad the text with spaces to `width` columns; `side` is its alignment, `<` or `>`."""
    space = " " * (width - display_width(text))
    return space + text if side == ">" else text + space


def display_width(text: str) -> int:
    """Columns that a text takes on a terminal: two for wide letters, none for marks that combine."""
    return sum(_width_of(character) for character in text)


def _width_of(character: str) -> int:
    if unicodedata.category(character) in ("Cc", "Cf", "Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
