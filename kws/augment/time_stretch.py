"""Change speed, tempo or pitch of whole batches, each clip by its own factor."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def resample_about_middle(waveform: Tensor, speed: Tensor) -> Tensor:
    """Resample clips (batch, samples) by speeds (batch,) about their middle; linear interpolation, zeros beyond."""
    samples = waveform.shape[1]
    middle = (samples - 1) / 2
    position = (torch.arange(samples, device=waveform.device) - middle) * speed[:, None] + middle
    # Two zeros at each end, so that positions beyond an end fall between zeros. In place: memory traffic is the cost.
    padded = F.pad(waveform, (2, 2))
    position.add_(2).clamp_(0, samples + 2)
    left = position.long()
    weight = position.sub_(left).to(waveform.dtype)
    return torch.lerp(padded.gather(1, left), padded[:, 1:].gather(1, left), weight)


def overlap_add_stretch(waveform: Tensor, tempo: Tensor, frame: int = 512, search: int = 128) -> Tensor:
    """Change clips' tempo (batch,) about their middle, keeping the pitch (WSOLA, Verhelst and Roelands 1993).

    Frames overlap by half; each is taken from the position, within ±search samples, where it continues the previous
    frame best.
    """
    batch, samples = waveform.shape
    hop = frame // 2
    steps = math.ceil(samples / hop) + 1
    window = torch.hann_window(frame, device=waveform.device, dtype=waveform.dtype)
    # The window at every candidate position in the search region: (candidates, region).
    windows = F.pad(window, (2 * search, 2 * search)).unfold(0, frame + 2 * search, 1).flip(0)
    middle = samples / 2
    # The outermost frames are centred half a hop beyond the clip's ends, scaled by the tempo.
    wide = math.ceil((middle + hop / 2) * max(float(tempo.max()), 1.0)) + frame + search + 1
    padded = F.pad(waveform, (wide, wide))
    rows = torch.arange(batch, device=waveform.device)
    out = waveform.new_zeros(batch, (steps + 1) * hop)
    previous: Tensor | None = None
    for step in range(steps):
        centre = ((step * hop - hop / 2 - middle) * tempo + middle).round().long() + wide
        start = centre - hop // 2
        if previous is not None:
            natural = padded.unfold(1, frame, 1)[rows, previous + hop]
            region = padded.unfold(1, frame + 2 * search, 1)[rows, start - search]
            match = F.conv1d(region[None], (natural * window)[:, None], groups=batch)[0]
            # Normalised by the candidate's energy: else a loud one wins over a similar one, and even tempo 1 changes
            # the clip.
            match = match / (region.square() @ windows.T).clamp(min=1e-12).sqrt()
            best = torch.where(match.amax(dim=1) > match[:, search], match.argmax(dim=1), search)
            start = start - search + best
        out[:, step * hop : step * hop + frame] += padded.unfold(1, frame, 1)[rows, start] * window
        previous = start
    return out[:, hop : hop + samples]


def shift_pitch(waveform: Tensor, factor: Tensor) -> Tensor:
    """Multiply the frequencies of clips (batch, samples) by factors (batch,); tempo and length stay."""
    samples = waveform.shape[1]
    # Raising the pitch first lengthens the clip: the margin keeps its ends.
    margin = math.ceil(samples * max(float(factor.max()) - 1, 0.0) / 2)
    stretched = overlap_add_stretch(F.pad(waveform, (margin, margin)), 1 / factor)
    return resample_about_middle(stretched, factor)[:, margin : margin + samples]
