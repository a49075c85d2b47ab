"""Background noise for a batch of clips: by volume, as in TensorFlow's tutorial, or by signal-to-noise ratio."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from kws.augment.loudness import speech_rms
from kws.errors import KwsError

# Softer noise is treated as if it had this RMS: -80 dB of full scale.
_QUIETEST = 1e-4


@dataclass(frozen=True)
class NoiseBank:
    """Background recordings on a device, concatenated.

    Attributes:
        samples: int16 (total,).
        starts, lengths: int64 (recordings,), in samples.
    """

    samples: Tensor
    starts: Tensor
    lengths: Tensor

    def to(self, device: torch.device) -> NoiseBank:
        """Return the same recordings on another device."""
        return NoiseBank(self.samples.to(device), self.starts.to(device), self.lengths.to(device))


class BackgroundNoise(nn.Module):
    """Add a random piece of background noise to each clip as TensorFlow's tutorial does; clip the sum to [-1, 1].

    Args:
        probability: share of clips that get noise; silence clips always do.
        volume: noise is scaled by a factor drawn uniformly from 0 to this; for silence clips from 0 to 1.
    """

    def __init__(self, probability: float = 0.8, volume: float = 0.1) -> None:
        super().__init__()
        if not 0 <= volume < math.inf:
            raise KwsError(f"augment.noise.volume: {volume:g} makes no sense; give a number of at least 0")
        _check_probability(probability)
        self.probability, self.volume = probability, volume

    def forward(self, waveform: Tensor, silent: Tensor, bank: NoiseBank, generator: Generator) -> Tensor:
        """Return the mixed clips (batch, samples).

        Args:
            waveform: float (batch, samples) in [-1, 1].
            silent: bool (batch,), marks the silence clips.
            bank: recordings, each at least as long as a clip.
            generator: source of randomness.
        """
        draw, noise = _pieces(waveform, bank, generator)
        volume = torch.where(draw[0] < self.probability, draw[1] * self.volume, 0.0)
        volume = torch.where(silent, draw[1], volume)
        return torch.addcmul(waveform, noise, volume[:, None] / 32768).clamp_(-1, 1)


class SnrNoise(nn.Module):
    """Add a random piece of background noise to each clip at a random signal-to-noise ratio; clip the sum to [-1, 1].

    The level of the speech is that of its loudest 0.3 s: measured over the whole clip, a short or zero-padded word
    would seem soft and get less noise than a long one. The level of the noise is that of the whole piece.

    Args:
        probability: share of clips that get noise; silence clips always do.
        snr_db: range from which the ratio is drawn uniformly, in dB, lower end first.
        sample_rate: in Hz.
    """

    def __init__(self, probability: float = 0.8, snr_db: Sequence[float] = (0.0, 30.0), sample_rate: int = 16000) -> None:
        super().__init__()
        _check_probability(probability)
        if len(snr_db) != 2 or not -math.inf < snr_db[0] <= snr_db[1] < math.inf:
            raise KwsError(f"augment.noise.snr_db: {list(snr_db)} given; two numbers expected, the lower first, such as [0, 30]")
        self.probability, self.sample_rate = probability, sample_rate
        self.lowest_db, self.highest_db = float(snr_db[0]), float(snr_db[1])

    def forward(self, waveform: Tensor, silent: Tensor, bank: NoiseBank, generator: Generator) -> Tensor:
        """Return the mixed clips (batch, samples); arguments and silence clips are treated as in `BackgroundNoise`."""
        draw, noise = _pieces(waveform, bank, generator)
        noise = noise / 32768
        snr_db = self.lowest_db + draw[1] * (self.highest_db - self.lowest_db)
        level = noise.square().mean(dim=1).sqrt().clamp(min=_QUIETEST)
        volume = speech_rms(waveform, self.sample_rate) / level * 10 ** (-snr_db / 20)
        volume = torch.where(draw[0] < self.probability, volume, 0.0)
        volume = torch.where(silent, draw[1], volume)
        return torch.addcmul(waveform, noise, volume[:, None]).clamp_(-1, 1)


def _pieces(waveform: Tensor, bank: NoiseBank, generator: Generator) -> tuple[Tensor, Tensor]:
    """Draw a piece of a recording for each clip, and two more random numbers.

    Returns:
        The random numbers in [0, 1), (2, batch), and the pieces, floats in int16 units (batch, samples).
    """
    batch, samples = waveform.shape
    draw = torch.rand(4, batch, generator=generator, device=generator.device).to(waveform.device)
    recording = (draw[0] * len(bank.lengths)).long().clamp(max=len(bank.lengths) - 1)
    room = bank.lengths[recording] - samples
    start = bank.starts[recording] + torch.minimum((draw[1].double() * (room + 1)).long(), room)
    return draw[2:], bank.samples.unfold(0, samples, 1)[start].to(waveform.dtype)


def _check_probability(probability: float) -> None:
    if not 0 <= probability <= 1:
        raise KwsError(f"augment.noise.probability: {probability:g} is no probability; give 0 to 1")
