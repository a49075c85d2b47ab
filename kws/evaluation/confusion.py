"""Classification metrics from a confusion matrix (rows: truth, columns: prediction). NumPy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kws.files.table import display_width, pad, text_table


@dataclass(frozen=True)
class ConfusedPair:
    """A label mistaken for another: the number of clips, and their share of the clips with the true label."""

    truth: str
    prediction: str
    count: int
    share: float


@dataclass(frozen=True)
class Confusion:
    """Confusion matrix and its metrics.

    Args:
        counts: int64 (labels, labels), rows: truth, columns: prediction.
        names: of the labels.
    """

    counts: NDArray[np.int64]
    names: tuple[str, ...]

    @classmethod
    def count(cls, truths: ArrayLike, predictions: ArrayLike, names: Sequence[str]) -> Confusion:
        """Build the matrix from true and predicted label indices."""
        size = len(names)
        pairs = np.asarray(truths, dtype=np.int64) * size + np.asarray(predictions, dtype=np.int64)
        return cls(np.bincount(pairs.ravel(), minlength=size * size).reshape(size, size), tuple(names))

    @property
    def total(self) -> int:
        """Number of clips."""
        return int(self.counts.sum())

    @property
    def accuracy(self) -> float:
        """Share of clips with a correct prediction; nan without clips."""
        return float(np.trace(self.counts) / self.total) if self.total else float("nan")

    @property
    def precision(self) -> NDArray[np.float64]:
        """Precision of each label (labels,); nan for a label that was never predicted."""
        return _ratio(np.diag(self.counts), self.counts.sum(axis=0))

    @property
    def recall(self) -> NDArray[np.float64]:
        """Recall of each label (labels,); nan for a label without clips."""
        return _ratio(np.diag(self.counts), self.counts.sum(axis=1))

    def pairs(self) -> tuple[ConfusedPair, ...]:
        """Return the confused labels, the most frequent pair first."""
        counts, clips = self.counts, self.counts.sum(axis=1)
        found = [
            ConfusedPair(self.names[row], self.names[column], int(counts[row, column]), float(counts[row, column] / clips[row]))
            for row, column in zip(*np.nonzero(counts), strict=True)
            if row != column
        ]
        return tuple(sorted(found, key=lambda pair: (-pair.count, -pair.share)))

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary for JSON: accuracy, clips, the matrix, and precision, recall and clips of each label."""
        per_label = {
            name: {"precision": _finite(precision), "recall": _finite(recall), "clips": int(clips)}
            for name, precision, recall, clips in zip(
                self.names, self.precision, self.recall, self.counts.sum(axis=1), strict=True
            )
        }
        return {
            "accuracy": _finite(self.accuracy),
            "clips": self.total,
            "labels": per_label,
            "confusion_matrix": {
                "rows": "truth",
                "columns": "prediction",
                "names": list(self.names),
                "counts": self.counts.tolist(),
            },
        }

    def to_text(self) -> str:
        """Format a table: rows the truth, columns the predictions, with recall and precision of each label."""
        rows = [(name, *row, _percent(recall)) for name, row, recall in zip(self.names, self.counts, self.recall, strict=True)]
        precision = ("precision", *map(_percent, self.precision), "")
        return text_table(("", *self.names, "recall"), [*rows, precision], align=">" * (len(self.names) + 2))


def pairs_to_text(pairs: Sequence[ConfusedPair]) -> str:
    """Format a table of confused labels; empty without any."""
    width = max((display_width(pair.truth) for pair in pairs), default=0)
    named = [(pair, f"{pad(pair.truth, width, '>')} → {pair.prediction}") for pair in pairs]
    return text_table((), [(name, pair.count, _percent(pair.share), f"of {pair.truth}") for pair, name in named], align="<>><")


def _ratio(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    share: NDArray[np.float64] = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return share


def _percent(share: float) -> str:
    return "–" if np.isnan(share) else f"{100 * share:.1f}%"


def _finite(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
