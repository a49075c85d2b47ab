"""Reliability diagram: accuracy by confidence."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from kws.evaluation.calibration import Reliability
from kws.plots.figure import plain


def reliability_figure(curves: Mapping[str, Reliability], title: str = "") -> Figure:
    """Draw accuracy by confidence, one line per curve with its ECE, above the number of clips in each bin.

    Args:
        curves: by name, such as before and after.
        title: of the figure.
    """
    figure = Figure(figsize=(6, 6.5), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    top.plot([0, 1], [0, 1], color="gray", linestyle="--", linewidth=1, label="as often right as it says")
    for number, (name, curve) in enumerate(curves.items()):
        filled, bins = curve.counts > 0, len(curve.counts)
        colour, marker = f"C{number}", "os^v"[number % 4]
        label = f"{plain(name)}: ECE {100 * curve.ece:.1f} %"
        top.plot(curve.confidence[filled], curve.accuracy[filled], marker=marker, color=colour, label=label)
        edges = np.linspace(0, 1, bins + 1)
        bottom.stairs(curve.counts, edges, color=colour, linestyle=("-", "--", ":")[number % 3], linewidth=1.5)
    top.set(ylabel="accuracy", xlim=(0, 1), ylim=(0, 1), title=plain(title))
    top.grid(linewidth=0.3)
    top.legend(fontsize=9, loc="upper left")
    bottom.set(xlabel="confidence: the likeliest label's probability", ylabel="clips")
    return figure
