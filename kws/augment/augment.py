"""Augmentation of whole batches on their device: each clip has its own draw, all from the generator passed in."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from kws.augment.negatives import Negatives
from kws.augment.noise import BackgroundNoise as BackgroundNoise
from kws.augment.noise import NoiseBank as NoiseBank
from kws.augment.noise import SnrNoise as SnrNoise
from kws.augment.noise_gate import NoiseGate as NoiseGate
from kws.augment.spec_augment import SpecAugment as SpecAugment
from kws.augment.time_stretch import overlap_add_stretch, resample_about_middle, shift_pitch
from kws.errors import KwsError
from kws.labels import UNKNOWN_INDEX


class TimeShift(nn.Module):
    """Shift each clip by a time drawn uniformly from ±shift_ms, zero-padded, as TensorFlow's tutorial does.

    Args:
        shift_ms: largest shift either way; 0: off.
        sample_rate: in Hz.
    """

    def __init__(self, shift_ms: float = 100.0, sample_rate: int = 16000) -> None:
        super().__init__()
        _at_least_zero("time_shift.shift_ms", shift_ms)
        self.shift = int(shift_ms * sample_rate / 1000)

    def forward(self, waveform: Tensor, generator: Generator) -> Tensor:
        """Return the shifted clips (batch, samples), of any dtype."""
        if self.shift == 0:
            return waveform
        batch, samples = waveform.shape
        padded = F.pad(waveform, (self.shift, self.shift))
        start = torch.randint(0, 2 * self.shift + 1, (batch,), generator=generator, device=generator.device)
        # A strided view of all starts, so that each clip is one row of it.
        return padded.unfold(1, samples, 1)[torch.arange(batch, device=waveform.device), start.to(waveform.device)]


class Gain(nn.Module):
    """Scale each clip by a gain drawn uniformly, in dB, from ±gain_db; the result is clipped to [-1, 1].

    Args:
        gain_db: largest gain either way; 0: off.
    """

    def __init__(self, gain_db: float = 0.0) -> None:
        super().__init__()
        _at_least_zero("gain.gain_db", gain_db)
        self.gain_db = gain_db

    def forward(self, waveform: Tensor, generator: Generator) -> Tensor:
        """Return the scaled clips (batch, samples)."""
        if self.gain_db == 0:
            return waveform
        factor = 10 ** (_spread(len(waveform), self.gain_db, waveform, generator) / 20)
        return (waveform * factor[:, None]).clamp_(-1, 1)


class Speed(nn.Module):
    """Resample each clip to another speed, tempo and pitch together, about its middle.

    Args:
        percent: largest change either way; 0: off.
    """

    def __init__(self, percent: float = 0.0) -> None:
        super().__init__()
        _at_least_zero("speed.percent", percent, below=100)
        self.percent = percent

    def forward(self, waveform: Tensor, generator: Generator) -> Tensor:
        """Return the resampled clips (batch, samples)."""
        if self.percent == 0:
            return waveform
        return resample_about_middle(waveform, 1 + _spread(len(waveform), self.percent / 100, waveform, generator))


class TimeStretch(nn.Module):
    """Change each clip's tempo about its middle; the pitch stays.

    Args:
        percent: largest change of tempo either way; 0: off.
    """

    def __init__(self, percent: float = 0.0) -> None:
        super().__init__()
        _at_least_zero("stretch.percent", percent, below=100)
        self.percent = percent

    def forward(self, waveform: Tensor, generator: Generator) -> Tensor:
        """Return the stretched clips (batch, samples)."""
        if self.percent == 0:
            return waveform
        return overlap_add_stretch(waveform, 1 + _spread(len(waveform), self.percent / 100, waveform, generator))


class PitchShift(nn.Module):
    """Change each clip's pitch; the tempo stays.

    Args:
        semitones: largest shift either way; 0: off.
    """

    def __init__(self, semitones: float = 0.0) -> None:
        super().__init__()
        _at_least_zero("pitch.semitones", semitones)
        self.semitones = semitones

    def forward(self, waveform: Tensor, generator: Generator) -> Tensor:
        """Return the shifted clips (batch, samples)."""
        if self.semitones == 0:
            return waveform
        factor = 2 ** (_spread(len(waveform), self.semitones, waveform, generator) / 12)
        return shift_pitch(waveform, factor)


class Augment(nn.Module):
    """All augmentation in order: speed, stretch, pitch, gain, shift, noise, gate; then SpecAugment on features.

    Args:
        time_shift: as in TensorFlow's tutorial; None: off.
        noise: by volume, as in the tutorial, or by signal-to-noise ratio; None: off (silence clips stay digital
            silence).
        negatives: unknown clips made from a batch's own keywords, before everything else; None: off.
        gain, speed, stretch, pitch, spec_augment, gate: not in the tutorial; each is off at its default settings.
    """

    def __init__(
        self,
        time_shift: TimeShift | None = None,
        noise: BackgroundNoise | SnrNoise | None = None,
        gain: Gain | None = None,
        speed: Speed | None = None,
        stretch: TimeStretch | None = None,
        pitch: PitchShift | None = None,
        spec_augment: SpecAugment | None = None,
        negatives: Negatives | None = None,
        gate: NoiseGate | None = None,
    ) -> None:
        super().__init__()
        self.negatives, self.gate = negatives, gate
        self.noise, self.spec_augment, self.time_shift = noise, spec_augment, time_shift
        self.voice = nn.ModuleList(module for module in (speed, stretch, pitch, gain) if module is not None)

    def forward(self, clips: Tensor, silent: Tensor, bank: NoiseBank | None, generator: Generator) -> Tensor:
        """Augment int16 clips (batch, samples) to float waveforms; `silent`, bool (batch,), marks the silence clips."""
        # Shifting int16 moves half the bytes of float32; it commutes with all that follows except at the edges of a
        # stretch.
        shifted = clips if self.time_shift is None else self.time_shift(clips, generator)
        waveform = to_float(shifted)
        for module in self.voice:
            waveform = module(waveform, generator)
        if self.noise is not None and bank is not None:
            waveform = self.noise(waveform, silent, bank, generator)
        return waveform if self.gate is None else self.gate(waveform, silent, generator)

    def extend(self, clips: Tensor, labels: Tensor, silent: Tensor, generator: Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Append the negatives to a batch's clips, labels and silence marks."""
        if self.negatives is None:
            return clips, labels, silent
        made = self.negatives(clips, labels, generator)
        unknown = labels.new_full((len(made),), UNKNOWN_INDEX)
        return torch.cat([clips, made]), torch.cat([labels, unknown]), F.pad(silent, (0, len(made)))

    def mask(self, features: Tensor, generator: Generator) -> Tensor:
        """Apply SpecAugment, if it is set, to features (batch, frames, bins)."""
        if self.spec_augment is None:
            return features
        masked: Tensor = self.spec_augment(features, generator)
        return masked


def to_float(clips: Tensor) -> Tensor:
    """Convert int16 clips to float32 in [-1, 1)."""
    return clips.to(torch.float32).mul_(1 / 32768)


def _spread(count: int, largest: float, like: Tensor, generator: Generator) -> Tensor:
    draw = torch.rand(count, generator=generator, device=generator.device, dtype=like.dtype)
    return ((2 * draw - 1) * largest).to(like.device)


def _at_least_zero(name: str, value: float, below: float = math.inf) -> None:
    if not 0 <= value < below:
        limit = "" if below == math.inf else f" and below {below:g}"
        raise KwsError(f"augment.{name}: {value:g} makes no sense; give a number of at least 0{limit}")
