"""Figures: confusion matrix; reliability; a clip's waveform and features; the trade-off of a decoder's thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from kws.errors import KwsError
from kws.evaluation.calibration import Reliability
from kws.evaluation.confusion import Confusion
from kws.evaluation.streams.operating_point import OperatingPoint
from kws.evaluation.streams.tuning import Tuning
from kws.files.atomic import atomic_write, is_special


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


def sound_figure(
    waveform: NDArray[np.float32],
    power: NDArray[np.float32],
    features: NDArray[np.float32],
    *,
    sample_rate: int,
    hop_ms: float,
    title: str = "",
) -> Figure:
    """Draw a clip's waveform, spectrogram in dB and features, on one time axis.

    Args:
        waveform: (samples,).
        power: (frames, bins), from 0 Hz to half the sample rate.
        features: (frames, bins).
        sample_rate: in Hz.
        hop_ms: from frame to frame.
        title: of the figure.
    """
    figure = Figure(figsize=(9, 8), layout="constrained")
    top, middle, bottom = figure.subplots(3, 1, sharex=True)
    seconds = len(waveform) / sample_rate
    top.plot(np.arange(len(waveform)) / sample_rate, waveform, linewidth=0.6)
    top.set(ylabel="amplitude", title=plain(title), xlim=(0, seconds))
    level_db = 10 * np.log10(np.maximum(power, 1e-12))
    loudest = float(level_db.max())
    spectrogram = middle.imshow(
        level_db.T, origin="lower", aspect="auto", cmap="magma", vmin=loudest - 80, vmax=loudest,
        extent=(0, len(power) * hop_ms / 1000, 0, sample_rate / 2000), interpolation="nearest",
    )  # fmt: skip
    middle.set(ylabel="frequency (kHz)")
    figure.colorbar(spectrogram, ax=middle, label="dB", pad=0.01)
    _draw_features(bottom, figure, features, hop_ms)
    return figure


def _draw_features(axes: Axes, figure: Figure, features: NDArray[np.float32], hop_ms: float) -> None:
    # Percentiles, for a few large coefficients (the first of an MFCC) would hide all others.
    low, high = np.percentile(features, [2, 98])
    picture = axes.imshow(
        features.T, origin="lower", aspect="auto", cmap="viridis", vmin=low, vmax=max(high, low + 1e-6),
        extent=(0, len(features) * hop_ms / 1000, -0.5, features.shape[1] - 0.5), interpolation="nearest",
    )  # fmt: skip
    axes.set(ylabel="feature", xlabel="time (s)")
    figure.colorbar(picture, ax=axes, pad=0.01)


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


def plain(text: str) -> str:
    """Escape a name so that Matplotlib draws it literally: $ starts no formula, and non-UTF-8 bytes become escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("$", r"\$")


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure atomically, in the format of the file's ending.

    Raises:
        KwsError: the ending is no image format, or the file can't be written.
    """
    try:
        with atomic_write(path) as temporary:
            # The format is given, for without an ending Matplotlib would write to another file.
            form = path.suffix[1:] or ("png" if is_special(path) else "no ending")
            figure.savefig(temporary, dpi=120, format=form)
    except ValueError as error:
        raise KwsError(f"{path}: {error}; end the name in .png, .svg or .pdf") from error
    except OSError as error:
        raise KwsError(f"{path}: can't be written ({error.strerror})") from error
