"""Digital silence around a word, as noise gates, muted channels and zero padding leave it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from kws.errors import KwsError

_FRAME_MS = 10


class NoiseGate(nn.Module):
    """Replace the quiet parts before and after a clip's word by exact zeros, and all of a silence clip.

    The gate opens at the first 10 ms frame whose peak is within a threshold of the clip's peak, and closes after the
    last; between them nothing changes. Without it a network is never trained on digital silence next to speech, whose
    log-mel values lie far below those of any noise, and misclassifies words between zeros.

    Args:
        probability: share of clips that are gated; 0: off, and nothing is drawn.
        threshold_db: range from which a clip's threshold is drawn uniformly, in dB relative to its peak, lower end
            first.
        hold_ms: longest time that the gate stays open before and after the word; drawn uniformly from 0 to this.
        sample_rate: in Hz.

    Raises:
        KwsError: a setting out of range.
    """

    def __init__(
        self,
        probability: float = 0.0,
        threshold_db: Sequence[float] = (-45.0, -20.0),
        hold_ms: float = 150.0,
        sample_rate: int = 16000,
    ) -> None:
        super().__init__()
        if not 0 <= probability <= 1:
            raise KwsError(f"augment.gate.probability: {probability:g} is no probability; give 0 to 1")
        if len(threshold_db) != 2 or not -math.inf < threshold_db[0] <= threshold_db[1] <= 0:
            raise KwsError(
                f"augment.gate.threshold_db: {list(threshold_db)} given; two levels of at most 0 dB expected, the lower first,"
                " such as [-45, -20]"
            )
        if not 0 <= hold_ms < math.inf:
            raise KwsError(f"augment.gate.hold_ms: {hold_ms:g} makes no sense; give a number of at least 0")
        self.probability, self.sample_rate = probability, sample_rate
        self.lowest_db, self.highest_db = float(threshold_db[0]), float(threshold_db[1])
        self.hold = hold_ms * sample_rate / 1000

    def forward(self, waveform: Tensor, silent: Tensor, generator: Generator) -> Tensor:
        """Return the gated clips (batch, samples).

        Args:
            waveform: float (batch, samples).
            silent: bool (batch,), marks the silence clips, which become all zeros where gated.
            generator: source of randomness.
        """
        if self.probability == 0:
            return waveform
        batch, samples = waveform.shape
        draw = torch.rand(3, batch, generator=generator, device=generator.device).to(waveform.device)
        gated = draw[0] < self.probability
        threshold_db = self.lowest_db + draw[1] * (self.highest_db - self.lowest_db)
        first, last = _loud_part(waveform, threshold_db, max(1, self.sample_rate * _FRAME_MS // 1000))
        hold = draw[2] * self.hold
        time = torch.arange(samples, device=waveform.device)
        closed = (time < (first - hold)[:, None]) | (time >= (last + hold)[:, None]) | silent[:, None]
        return waveform.masked_fill(closed & gated[:, None], 0.0)


def _loud_part(waveform: Tensor, threshold_db: Tensor, frame: int) -> tuple[Tensor, Tensor]:
    """Find first and last sample (batch,) of the part that holds all loud frames.

    A frame is loud if its peak is within the threshold (batch,), in dB, of the clip's peak.
    """
    peaks = F.max_pool1d(waveform.abs()[:, None], frame, ceil_mode=True)[:, 0]
    loud = peaks >= peaks.amax(dim=1, keepdim=True) * (10 ** (threshold_db / 20))[:, None]
    number = torch.arange(1, loud.shape[1] + 1, device=loud.device)
    # The largest number, counted from either end; the loudest frame always counts, so neither is 0.
    last = (loud * number).amax(dim=1)
    first = loud.shape[1] - (loud * number.flip(0)).amax(dim=1)
    return first * frame, last * frame
