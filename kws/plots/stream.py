"""Figure of a stream: waveform, scores over time, spoken words and detections."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from kws.plots.figure import plain
from kws.streaming.events import Detection, SpokenWord

# Columns of the waveform: each shows the range of its samples.
_COLUMNS = 3000


def stream_figure(
    samples: NDArray[np.int16],
    sample_rate: int,
    times_ms: NDArray[np.int64],
    scores: NDArray[np.float32],
    labels: Sequence[str],
    detections: Sequence[Detection],
    truth: Sequence[SpokenWord] = (),
    title: str = "",
) -> Figure:
    """Draw waveform, scores, and below them spoken words and detections, on one time axis.

    Args:
        samples: int16 (samples,).
        sample_rate: in Hz.
        times_ms: (windows,), start of each window.
        scores: (windows, labels).
        labels: names of the scores.
        detections: of the stream.
        truth: the spoken words, if known.
        title: of the figure.
    """
    figure = Figure(figsize=(14, 7.5), layout="constrained")
    top, middle, bottom = figure.subplots(3, 1, sharex=True, height_ratios=(1, 2, 1.2))
    seconds = len(samples) / sample_rate
    _draw_waveform(top, samples, sample_rate)
    top.set(ylabel="amplitude", xlim=(0, seconds), title=plain(title))
    picture = middle.imshow(
        scores.T, aspect="auto", origin="upper", cmap="magma", vmin=0, vmax=1, interpolation="nearest",
        extent=(times_ms[0] / 1000, times_ms[-1] / 1000, len(labels) - 0.5, -0.5) if len(times_ms) > 1 else None,
    )  # fmt: skip
    middle.set_yticks(range(len(labels)), [plain(name) for name in labels])
    middle.set_ylabel("score, by start of window")
    figure.colorbar(picture, ax=middle, pad=0.01)
    _draw_words(bottom, labels, detections, truth)
    bottom.set(xlabel="time (s)", ylabel="words")
    return figure


def _draw_waveform(axes: Axes, samples: NDArray[np.int16], sample_rate: int) -> None:
    step = max(1, len(samples) // _COLUMNS)
    whole = samples[: len(samples) // step * step].reshape(-1, step) / 32768
    seconds = np.arange(len(whole)) * step / sample_rate
    axes.fill_between(seconds, whole.min(axis=1), whole.max(axis=1), linewidth=0.4)


def _draw_words(axes: Axes, labels: Sequence[str], detections: Sequence[Detection], truth: Sequence[SpokenWord]) -> None:
    strangers = ({item.label for item in detections} | {item.label for item in truth}) - set(labels)
    names = [*labels, *sorted(strangers)]
    row = {name: place for place, name in enumerate(names)}
    kinds: tuple[tuple[Sequence[SpokenWord | Detection], str, str, str], ...] = (
        (truth, "o", "tab:green", "said"),
        (detections, "x", "tab:red", "found"),
    )
    for items, marker, colour, name in kinds:
        if items:
            seconds = [item.time_ms / 1000 for item in items]
            axes.scatter(
                seconds, [row[item.label] for item in items], marker=marker, label=name, s=40,
                facecolors="none" if marker == "o" else colour, edgecolors=colour if marker == "o" else None,
            )  # fmt: skip
    axes.set_yticks(range(len(names)), [plain(name) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(axis="y", linewidth=0.3)
    if detections or truth:
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, fontsize=8, frameon=False)
