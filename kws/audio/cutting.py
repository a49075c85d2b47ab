"""Cut a clip out of a recording, and measure how loud and how clipped it is."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from kws.audio.framing import LOUDEST, check_fit
from kws.audio.io import fit_length


def loudest_segment(samples: NDArray[np.int16], length: int) -> NDArray[np.int16]:
    """Return the `length` consecutive samples with the greatest energy: int16 (samples,) → (min(samples, length),).

    Where several are equally loud (a word between digital zeros) the middle one, so that the word does not stand at an
    edge.
    """
    if samples.size <= length:
        return samples
    until = np.concatenate([[0], np.cumsum(np.square(samples, dtype=np.int64))])
    energy = until[length:] - until[:-length]
    loudest = np.flatnonzero(energy == energy.max())
    start = loudest[loudest.size // 2]
    return samples[start : start + length]


def cut_clip(samples: NDArray[np.int16], length: int) -> NDArray[np.int16]:
    """Return the loudest `length` samples, or centre a shorter recording in zeros. int16 (samples,) → (length,).

    In the middle, as words cut out of longer recordings mostly lie: training shifts clips in time, which would cut off
    a word at an edge.
    """
    segment = loudest_segment(samples, length)
    missing = length - segment.size
    return np.pad(segment, (missing // 2, missing - missing // 2))


def fit_clip(samples: NDArray[np.int16], length: int, fit: str) -> NDArray[np.int16]:
    """Make a recording a clip by the rule of a model (`model.spec.fit`): int16 (samples,) → (length,).

    Args:
        samples: the recording, at the model's rate.
        length: of the clip, in samples.
        fit: "loudest": the loudest `length` samples of a longer recording, a shorter one in the middle of zeros;
            "start": the first `length` samples, zeros after a shorter one, as TensorFlow's tutorial does.

    Raises:
        KwsError: there is no such rule.
    """
    return cut_clip(samples, length) if check_fit(fit) == LOUDEST else fit_length(samples, length)


def note_on_longer(longer: int, total: int, clip_s: float, fit: str, done: str) -> str:
    """Warn once for all recordings that some were cut; `done` says what was done with the part, e.g. "labelled"."""
    part = "loudest" if fit == LOUDEST else "first"
    verb = "is" if longer == 1 else "are"
    return f"{longer} of {total} recordings {verb} longer than {clip_s:g} s: the {part} {clip_s:g} s of each {verb} {done}"


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
