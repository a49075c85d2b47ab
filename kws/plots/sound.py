"""Figure of a clip: waveform, spectrogram, features."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from kws.plots.figure import plain


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
