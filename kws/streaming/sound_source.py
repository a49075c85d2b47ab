"""Sources of live sound: blocks of samples, and how many samples were lost before each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from kws.audio.io import to_float
from kws.errors import KwsError

BLOCK_MS = 30
# Limits for playing a recording: what a clock and a sleep can resolve.
_SLOWEST, _FASTEST = 0.01, 1e6


class Block(NamedTuple):
    """A block of live sound.

    Args:
        samples: float32 (samples,) in [-1, 1], mono, at the model's sample rate; empty if nothing arrived for a while.
        dropped: number of samples lost before these.
    """

    samples: NDArray[np.float32]
    dropped: int


class Microphone(Protocol):
    """A source of live sound: a context manager that opens and closes it, and an iterator over arriving blocks."""

    @property
    def name(self) -> str:
        """Name of the device or the recording."""
        ...

    @property
    def waiting_samples(self) -> int:
        """Samples that arrived but were not taken yet."""
        ...

    def __enter__(self) -> object: ...

    def __exit__(self, *error: object) -> None: ...

    def __iter__(self) -> Iterator[Block]:
        """Yield the blocks, until the sound ends."""
        ...


class RealTimeSound:
    """Play a recording in real time: each block comes when a microphone would have given it. Loses nothing.

    Args:
        samples: int16 (samples,).
        sample_rate: in Hz.
        name: of the recording.
        speed: 2 plays twice as fast.
        clock: seconds since any fixed moment.
        sleep: waits for the given number of seconds.

    Raises:
        KwsError: the speed is out of range.
    """

    def __init__(
        self,
        samples: NDArray[np.int16],
        sample_rate: int,
        name: str,
        speed: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not _SLOWEST <= speed <= _FASTEST:
            raise KwsError(f"speed: {speed:g} given; {_SLOWEST:g} to {_FASTEST:g} is expected, and 1 is as it was spoken")
        self.name, self._samples, self._pace_hz = name, samples, sample_rate * speed
        self._block = sample_rate * BLOCK_MS // 1000
        self._clock, self._sleep = clock, sleep
        self._taken, self._began_s = 0, clock()

    @property
    def waiting_samples(self) -> int:
        """Samples that should have been taken by now, in whole blocks."""
        passed = int((self._clock() - self._began_s) * self._pace_hz)
        arrived = min(passed - passed % self._block, len(self._samples))
        return max(arrived - self._taken, 0)

    def __enter__(self) -> object:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def __iter__(self) -> Iterator[Block]:
        self._taken, self._began_s = 0, self._clock()
        while self._taken < len(self._samples):
            block = self._samples[self._taken : self._taken + self._block]
            due_s = self._began_s + (self._taken + len(block)) / self._pace_hz
            if (early_s := due_s - self._clock()) > 0:
                self._sleep(early_s)
            self._taken += len(block)
            yield Block(to_float(block), 0)
