"""Faint noise in place of exact zeros, which no microphone gives and networks misread. NumPy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# One 16-bit step: the least noise of any quiet recording.
_LEVEL = np.float32(1 / 32768)


def faint_noise(first: int, count: int) -> NDArray[np.float32]:
    """Return white noise of plus or minus one 16-bit step, float32 (count,); a value depends on its position alone.

    Args:
        first: position of the first value in the stream, in samples; negative before the stream.
        count: number of values.
    """
    return _noise_at(np.arange(first, first + count, dtype=np.int64))


class ZeroFiller:
    """Replace digital silence by faint noise: in each run of exact zeros, all but the first `shortest`.

    This needs no look-ahead, so chunks of any size give the same result. A stream that begins with zeros is filled from
    its first sample on.

    Args:
        shortest: zeros in a row that are kept; sound that crosses zero has such runs too.
    """

    def __init__(self, shortest: int) -> None:
        self._shortest = shortest
        self.reset()

    def reset(self) -> None:
        """Start a new stream, or start anew after a gap."""
        self._run = self._shortest

    def fill(self, samples: NDArray[np.float32], first: int) -> NDArray[np.float32]:
        """Return the samples, float32 (samples,), filled; `first` is the position of their first one in the stream."""
        zero = samples == 0
        if not zero.any():
            if len(samples):
                self._run = 0
            return samples
        places = np.arange(len(samples))
        runs = places - np.maximum.accumulate(np.where(zero, -1 - self._run, places))
        self._run = int(runs[-1])
        long = np.flatnonzero(runs > self._shortest)
        if not len(long):
            return samples
        filled = samples.copy()
        filled[long] = _noise_at(first + long)
        return filled


def _noise_at(places: NDArray[np.int64]) -> NDArray[np.float32]:
    # The finaliser of splitmix64 (Steele et al., 2014): the same numbers with any version of NumPy, in any language.
    mixed = (places.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    noise: NDArray[np.float32] = np.where(mixed >> np.uint64(63), _LEVEL, -_LEVEL)
    return noise
