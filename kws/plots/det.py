"""Detection error trade-off of a stream: words not found against false alarms per hour, by threshold."""

from __future__ import annotations

from matplotlib.figure import Figure

from kws.evaluation.streams.operating_point import OperatingPoint
from kws.evaluation.streams.tuning import Tuning
from kws.plots.figure import plain


def det_figure(tuning: Tuning, title: str = "") -> Figure:
    """Draw the share of words not found against false alarms per hour; mark the settings before and after tuning.

    Both axes include zero: the x axis is linear up to one false alarm in all the sound, and logarithmic beyond.

    Args:
        tuning: the result of a search.
        title: of the figure.
    """
    figure = Figure(figsize=(8, 5.5), layout="constrained")
    axes = figure.add_subplot()
    places = [_place(point) for point in tuning.curve]
    axes.plot(*zip(*places, strict=True), marker=".", color="tab:blue", label="thresholds, chosen averaging and suppression")
    for place, point in list(zip(places, tuning.curve, strict=True))[::6]:
        axes.annotate(f"{point.settings.threshold:g}", place, xytext=(4, 4), textcoords="offset points", fontsize=7)
    kinds = (("before", tuning.before, "s", "tab:orange"), ("chosen", tuning.after, "*", "tab:green"))
    for name, point, marker, colour in kinds:
        rate = point.score.total.false_accepts_per_hour
        x, y = _place(point)
        axes.errorbar(
            [x], [y], xerr=[[x - rate.low], [rate.high - x]], marker=marker, markersize=11, color=colour, capsize=3,
            linewidth=1, label=f"{name} ({100 * point.score.total.confidence:g} % interval)",
        )  # fmt: skip
    axes.axvline(tuning.target_per_hour, color="tab:red", linestyle="--", linewidth=1, label="target")
    axes.set_xscale("symlog", linthresh=1 / tuning.after.score.total.hours)
    axes.set(xlabel="false accepts an hour", ylabel="words not found (%)", title=plain(title))
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.grid(linewidth=0.3)
    axes.legend(fontsize=8)
    return figure


def _place(point: OperatingPoint) -> tuple[float, float]:
    total = point.score.total
    return total.false_accepts_per_hour.value, 100 * (1 - total.hit_rate.value)
