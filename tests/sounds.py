"""Sound that the tests make themselves."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from kws.augment.augment import NoiseBank

Array = NDArray[np.float64]


def speech(seconds: float = 1.0, sample_rate: int = 16000, seed: int = 0) -> Array:
    """Sound like speech: a gliding voice with harmonics in syllables, over breath and a little room noise."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    pitch_hz = 120 + 30 * np.sin(2 * np.pi * 1.5 * time) + 10 * rng.random()
    phase = 2 * np.pi * np.cumsum(pitch_hz) / sample_rate
    voice = sum(np.sin(k * phase + rng.random()) / k for k in range(1, 30) if k * 170 < sample_rate / 2)
    syllables = np.clip(np.sin(2 * np.pi * 2.5 * time), 0, None)
    return 0.1 * syllables * (voice + 0.2 * rng.standard_normal(time.size)) + 1e-3 * rng.standard_normal(time.size)


def white(seconds: float = 1.0, sample_rate: int = 16000, seed: int = 0) -> Array:
    return np.random.default_rng(seed).uniform(-1, 1, round(seconds * sample_rate))


def as_batch(*clips: Array) -> torch.Tensor:
    return torch.from_numpy(np.stack(clips).astype(np.float32))


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def bank_of(*recordings: Tensor) -> NoiseBank:
    """A noise bank of these recordings (samples,), in whole numbers."""
    lengths = torch.tensor([len(recording) for recording in recordings])
    return NoiseBank(torch.cat(recordings).to(torch.int16), lengths.cumsum(0) - lengths, lengths)


def none(count: int) -> Tensor:
    """So many clips, none of them silence."""
    return torch.zeros(count, dtype=torch.bool)
