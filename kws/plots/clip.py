"""Figure of a scored clip: waveform, log-mel features, and a bar for each label's score."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from kws.plots.figure import plain

# More bars would be too thin to read.
_BARS = 14


def clip_figure(
    waveform: NDArray[np.float32],
    features: NDArray[np.float32],
    scores: NDArray[np.float32],
    names: tuple[str, ...],
    truth: int,
    *,
    sample_rate: int,
    hop_ms: float,
    title: str = "",
) -> Figure:
    """Draw waveform and log-mel features on one time axis, and beside them the scores.

    The bar of the true label is green, that of a wrong prediction red.

    Args:
        waveform: (samples,) in [-1, 1].
        features: log-mel energies (frames, bands).
        scores: (labels,), probabilities.
        names: of the labels.
        truth: index of the true label.
        sample_rate: in Hz.
        hop_ms: from frame to frame.
        title: of the figure.
    """
    figure = Figure(figsize=(10, 4), layout="constrained")
    grid = figure.add_gridspec(2, 2, width_ratios=(2, 1), height_ratios=(1, 1.5))
    top = figure.add_subplot(grid[0, 0])
    bottom = figure.add_subplot(grid[1, 0], sharex=top)
    top.plot(np.arange(len(waveform)) / sample_rate, waveform, linewidth=0.6)
    top.set(ylabel="amplitude", xlim=(0, len(waveform) / sample_rate))
    top.tick_params(labelbottom=False)
    bottom.imshow(
        features.T, origin="lower", aspect="auto", cmap="magma", interpolation="nearest",
        extent=(0, len(features) * hop_ms / 1000, -0.5, features.shape[1] - 0.5),
    )  # fmt: skip
    bottom.set(ylabel="mel band", xlabel="time (s)")
    _draw_scores(figure.add_subplot(grid[:, 1]), scores, names, truth)
    figure.suptitle(plain(title), fontsize=10)
    return figure


def _draw_scores(axes: Axes, scores: NDArray[np.float32], names: tuple[str, ...], truth: int) -> None:
    answer = int(scores.argmax())
    likeliest = np.argsort(-scores, kind="stable")[:_BARS]
    shown = np.sort(np.union1d(likeliest[: _BARS - 1], [truth]))
    colours = ["tab:green" if label == truth else "tab:red" if label == answer else "tab:gray" for label in shown]
    rows = np.arange(len(shown))
    axes.barh(rows, scores[shown], color=colours)
    for row, score in enumerate(scores[shown]):
        axes.text(min(float(score), 1) + 0.02, row, f"{score:.2f}", va="center", fontsize=8)
    # In words too: not everyone can tell red from green.
    marks = {answer: " (answer)"} | {truth: " (truth)" if truth != answer else " (truth, answer)"}
    axes.set_yticks(rows, [plain(names[label]) + marks.get(int(label), "") for label in shown])
    axes.set(xlim=(0, 1.18), xlabel="score", ylim=(len(shown) - 0.4, -0.6))
    axes.set_xticks([0, 0.5, 1])
