"""Figure of a confusion matrix."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from kws.evaluation.confusion import Confusion
from kws.plots.figure import plain


def confusion_figure(confusion: Confusion, title: str = "") -> Figure:
    """Draw the confusion matrix: rows the truth, columns the predictions; coloured by the share of each row."""
    counts, names = confusion.counts, confusion.names
    size = max(4.0, 1.6 + 0.5 * len(names))
    figure = Figure(figsize=(size, size), layout="constrained")
    axes = figure.add_subplot()
    total = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, total, out=np.zeros(counts.shape), where=total > 0)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for row, column in zip(*np.nonzero(counts), strict=True):
        colour = "white" if share[row, column] > 0.5 else "black"
        axes.text(column, row, f"{counts[row, column]}", ha="center", va="center", color=colour, fontsize=8)
    names = tuple(plain(name) for name in names)
    axes.set_xticks(range(len(names)), names, rotation=60, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("prediction")
    axes.set_ylabel("truth")
    axes.set_title(plain(title) or f"{100 * confusion.accuracy:.1f} % of {confusion.total} clips right", fontsize=11)
    return figure
