"""What two sides took, measured in turn in the same run: medians, their ratio, and how far the rounds spread."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """Seconds, a number a round."""

    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median round."""
        return statistics.median(self.rounds)


@dataclass(frozen=True)
class Comparison:
    """One row: ours, and the original where it was measured in the same run.

    Args:
        name: of the row.
        ours: seconds a round.
        original: seconds a round, as many; none where TensorFlow is not installed.
        way: how the original was run, where there were several ways.
    """

    name: str
    ours: Timing
    original: Timing | None = None
    way: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times as fast ours is: of medians."""
        return None if self.original is None else self.original.median / self.ours.median

    @property
    def ratio_range(self) -> tuple[float, float] | None:
        """The least and the greatest ratio of a round."""
        if self.original is None:
            return None
        each = [theirs / own for own, theirs in zip(self.ours.rounds, self.original.rounds, strict=True)]
        return min(each), max(each)

    def show_ratio(self) -> str:
        """The ratio, and in brackets the least and the greatest of a round; a dash where there is none."""
        if self.ratio is None or self.ratio_range is None:
            return "–"
        low, high = self.ratio_range
        return f"{self.ratio:.1f}× ({low:.1f}–{high:.1f})"


@dataclass(frozen=True)
class Unit:
    """How seconds are shown."""

    name: str
    of_seconds: Callable[[float], float]
    digits: int

    def show(self, timing: Timing) -> str:
        """The median, and in brackets the least and the greatest round."""
        low, high = sorted((self.of_seconds(min(timing.rounds)), self.of_seconds(max(timing.rounds))))
        return f"{self.of_seconds(timing.median):,.{self.digits}f} ({low:,.{self.digits}f}–{high:,.{self.digits}f})"


SECONDS = Unit("s", lambda seconds: seconds, 1)
MILLISECONDS = Unit("ms", lambda seconds: 1000 * seconds, 3)
STEPS_A_SECOND = Unit("steps/s", lambda seconds: 1 / seconds, 2)


@dataclass(frozen=True)
class Table:
    """Titles and rows of text; the first column is a name, the others are numbers."""

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def to_text(self) -> str:
        """In columns, for a terminal."""
        lines = (self.titles, *self.rows)
        widths = [max(len(line[place]) for line in lines) for place in range(len(self.titles))]
        return "\n".join(
            "  ".join([line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))])
            for line in lines
        )

    def to_markdown(self) -> str:
        """For docs/ and README.md."""
        lines = ["| " + " | ".join(self.titles) + " |", "|---|" + "---:|" * (len(self.titles) - 1)]
        return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in self.rows)])

    def show(self, markdown: bool) -> str:
        """Markdown or columns."""
        return self.to_markdown() if markdown else self.to_text()


def comparison_table(rows: Sequence[Comparison], unit: Unit) -> Table:
    """A row each; the original and the ratio have columns only where the original was measured."""
    compared = any(row.original for row in rows)
    ways = any(row.way for row in rows)
    titles = ["model", f"kws, {unit.name}"]
    if compared:
        titles += [f"TensorFlow, {unit.name}", *(["TensorFlow's way"] if ways else []), "ratio"]
    lines = []
    for row in rows:
        line = [row.name, unit.show(row.ours)]
        if compared and row.original is None:
            line += ["–", *(["–"] if ways else []), "–"]
        elif row.original is not None:
            line += [unit.show(row.original), *([row.way] if ways else []), row.show_ratio()]
        lines.append(tuple(line))
    return Table(tuple(titles), tuple(lines))
