"""Cut a clip out of a recording, and measure how loud and how clipped it is."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def loudest_segment(samples: NDArray[np.int16], length: int) -> NDArray[np.int16]:
    """The `length` samples in a row with the greatest energy: int16 (samples,) → (min(samples, length),).

    Where several are equally loud (a word between digital zeros) the middle one, so that the word does not stand at an edge.
    """
    if samples.size <= length:
        return samples
    until = np.concatenate([[0], np.cumsum(np.square(samples, dtype=np.int64))])
    energy = until[length:] - until[:-length]
    loudest = np.flatnonzero(energy == energy.max())
    start = loudest[loudest.size // 2]
    return samples[start : start + length]


def cut_clip(samples: NDArray[np.int16], length: int) -> NDArray[np.int16]:
    """One clip: the loudest `length` samples, or a shorter recording in the middle of zeros. int16 (samples,) → (length,).

    In the middle, as words cut out of longer recordings mostly lie: training shifts clips in time, which would cut off a word
    at an edge. (Clips that are short when they are trained on are padded at the end, as in the original.)
    """
    segment = loudest_segment(samples, length)
    missing = length - segment.size
    return np.pad(segment, (missing // 2, missing - missing // 2))


def clipped_fraction(samples: NDArray[np.int16]) -> float:
    """Share of the samples (samples,) at full scale, 0 to 1; 0 for none."""
    if not samples.size:
        return 0.0
    return float(np.mean((samples >= 32767) | (samples <= -32767)))


def level_dbfs(samples: NDArray[np.int16]) -> float:
    """Root mean square of (samples,) in dB: 0 for a square wave of full scale, -3 for a sine, -inf for silence.

    Taken about the mean, for a cheap sound card's constant offset is not heard.
    """
    deviation = float(np.std(samples, dtype=np.float64)) if samples.size else 0.0
    return 20 * math.log10(deviation / 32768) if deviation else -math.inf
