"""Another rate for sound that comes in chunks. NumPy only."""

from __future__ import annotations

import math
import operator

import numpy as np
from numpy.typing import NDArray

from kws.errors import KwsError

# The filter of scipy.signal.resample_poly: zero crossings on either side of its middle, and the Kaiser window's beta.
_CROSSINGS, _BETA = 10, 5.0
_HIGHEST_RATE_HZ = 768_000


class Resampler:
    """Resamples a stream; in chunks of any size it gives, to the bit, what it gives for the whole.

    What it gives is scipy.signal.resample_poly's, to rounding: output k lies at the time k / out_hz of the stream. An
    output waits for the sound after it: 10 samples of the lower rate.

    Args:
        in_hz: rate of what comes in, whole Hz.
        out_hz: rate of what comes out, whole Hz.

    Raises:
        KwsError: an invalid rate.
    """

    def __init__(self, in_hz: int, out_hz: int) -> None:
        for name, sample_rate in (("in_hz", in_hz), ("out_hz", out_hz)):
            if not 0 < sample_rate <= _HIGHEST_RATE_HZ:
                raise KwsError(f"{name}: {sample_rate} given; 1 to {_HIGHEST_RATE_HZ} Hz can be resampled")
        common = math.gcd(in_hz, out_hz)
        self.up, self.down = out_hz // common, in_hz // common
        self._phases, self._reach = _filters(self.up, self.down)
        self._held: NDArray[np.float32]
        self.reset()

    def reset(self) -> None:
        """Begin a new stream."""
        self._read = 0  # input samples so far, lost ones included
        self._given = 0  # output samples so far, lost ones included
        self._begin_again()

    def feed(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take in float32 (samples,); the outputs (samples,) that they complete."""
        self._held = np.concatenate([self._held, samples])
        self._read += len(samples)
        # Output k needs input up to k · down / up and the filter's reach beyond it.
        end = max(((self._read - self._reach) * self.up - 1) // self.down + 1, self._given)
        return self._compute(end)

    def skip(self, samples: int) -> int:
        """Tell that so many input samples were lost; returns how many outputs are lost with them.

        Nothing before the gap is mixed with anything after it: outputs that lacked sound from beyond it are lost too.
        """
        if operator.index(samples) < 0:
            raise KwsError(f"samples: {samples} lost samples told; 0 or more are expected")
        if not samples:
            return 0
        self._read += samples
        following = -(-self._read * self.up // self.down)  # the first output at or after the end of the gap
        lost, self._given = following - self._given, following
        self._begin_again()
        return lost

    def flush(self) -> NDArray[np.float32]:
        """Return the pending outputs, as if zeros followed; then begin a new stream."""
        self._held = np.concatenate([self._held, np.zeros(self._reach + 1, np.float32)])
        outputs = self._compute(-(-self._read * self.up // self.down))
        self.reset()
        return outputs

    def _begin_again(self) -> None:
        # As if zeros had come before.
        self._held = np.zeros(2 * self._reach, np.float32)
        self._first = self._read - len(self._held)  # place of the first held sample in the stream

    def _compute(self, end: int) -> NDArray[np.float32]:
        """Compute the outputs from the next one up to `end`; drop the input that no later one needs."""
        places = np.arange(self._given, end) * self.down
        newest = places // self.up + self._reach - self._first
        taps = np.arange(self._phases.shape[1])
        # Row by row, so that an output is the same sum whatever others are computed with it.
        outputs: NDArray[np.float32] = (self._held[newest[:, None] - taps] * self._phases[places % self.up]).sum(axis=1)
        self._given = end
        oldest = end * self.down // self.up + self._reach - len(taps) + 1
        spare = min(max(oldest - self._first, 0), len(self._held))
        self._held, self._first = self._held[spare:].copy(), self._first + spare
        return outputs


def _filters(up: int, down: int) -> tuple[NDArray[np.float32], int]:
    """Compute each phase's weights (up, taps), newest input first, and how far ahead the newest input lies."""
    lowest = max(up, down)
    half = _CROSSINGS * lowest
    offsets = np.arange(-half, half + 1)
    low_pass = np.sinc(offsets / lowest) * np.kaiser(2 * half + 1, _BETA)
    low_pass *= up / low_pass.sum()
    reach = half // up + 1
    # Input n weighs h(k · down - n · up) in output k; n = k · down // up + reach - tap makes that h(phase + (tap -
    # reach) · up).
    at = np.arange(up)[:, None] + (np.arange(2 * reach + 1) - reach) * up
    weights = np.where(abs(at) <= half, low_pass[np.clip(at + half, 0, 2 * half)], 0)
    return weights.astype(np.float32), reach
