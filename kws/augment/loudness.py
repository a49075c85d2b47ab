"""Loudness and position of the speech in clips, for whole batches."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

_FRAME_MS = 10
_LOUD_FRAMES = 30


def frame_energy(waveform: Tensor, sample_rate: int) -> Tensor:
    """Compute the mean square of each whole 10 ms frame, (batch, frames), of waveforms (batch, samples)."""
    frame = max(1, sample_rate * _FRAME_MS // 1000)
    frames = max(1, waveform.shape[1] // frame)
    return waveform[:, : frames * frame].reshape(len(waveform), frames, -1).square().mean(dim=2)


def speech_rms(waveform: Tensor, sample_rate: int) -> Tensor:
    """Compute the RMS of each clip's loudest 0.3 s, (batch,); of the whole clip where it is shorter."""
    energy = frame_energy(waveform, sample_rate)
    loud = F.avg_pool1d(energy[:, None], min(_LOUD_FRAMES, energy.shape[1]), stride=1)
    return loud.amax(dim=(1, 2)).sqrt()


def speech_middle(waveform: Tensor, sample_rate: int) -> Tensor:
    """Find the sample at which half of each clip's energy has passed, int64 (batch,); steady noise is left out."""
    energy = frame_energy(waveform, sample_rate)
    speech = (energy - energy.quantile(0.1, dim=1, keepdim=True)).clamp(min=0).cumsum(dim=1)
    frame = max(1, sample_rate * _FRAME_MS // 1000)
    return (speech < speech[:, -1:] / 2).sum(dim=1) * frame + frame // 2
