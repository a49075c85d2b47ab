"""Unknown clips made from a batch's own keywords: reversed, spliced from two halves, or mixed."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn

from kws.augment.loudness import speech_middle, speech_rms
from kws.errors import KwsError
from kws.labels import UNKNOWN_INDEX, LabelSet

# A soft partner is amplified at most this much, for its noise is amplified too.
_LARGEST_GAIN = 4.0


class Negatives(nn.Module):
    """Make unknown clips that resemble keywords, so that a network learns that a keyword is more than its parts.

    All randomness comes from the generator; the number of clips made depends on the batch's labels alone.

    Args:
        words: the keywords, in the order of their labels.
        reversed_percentage: keywords played backwards, in percent of a batch's keywords. (A reversed word can resemble
            another, as "no" does "on".)
        spliced_percentage: the first half of one keyword joined to the second half of another, at equal loudness, with
            a crossfade where half of the energy has passed.
        mixed_percentage: two keywords at once, equally loud.
        alike: pairs of words that are neither spliced nor mixed, for the result might be one of them, as "no" and "go"
            can give "go"; words that are not keywords are ignored.
        fade_ms: length of a splice's crossfade, ms.
        sample_rate: in Hz.

    Raises:
        KwsError: a percentage or fade out of range, or a malformed pair.
    """

    forbidden: Tensor

    def __init__(
        self,
        words: Sequence[str],
        reversed_percentage: float = 0.0,
        spliced_percentage: float = 0.0,
        mixed_percentage: float = 0.0,
        alike: Sequence[Sequence[str]] = (),
        fade_ms: float = 20.0,
        sample_rate: int = 16000,
    ) -> None:
        super().__init__()
        shares = {"reversed": reversed_percentage, "spliced": spliced_percentage, "mixed": mixed_percentage}
        for name, share in shares.items():
            if not 0 <= share <= 100:
                raise KwsError(
                    f"augment.negatives.{name}_percentage: {share:g} given; 0 to 100 expected, in percent of the keywords"
                )
        if not 0 < fade_ms < 1000:
            raise KwsError(f"augment.negatives.fade_ms: {fade_ms:g} makes no sense; give more than 0 and less than 1000")
        self.reversed, self.spliced, self.mixed = shares.values()
        self.fade, self.sample_rate = max(1.0, fade_ms * sample_rate / 1000), sample_rate
        self.register_buffer("forbidden", _forbidden(LabelSet(words), alike), persistent=False)

    @torch.no_grad()
    def forward(self, clips: Tensor, labels: Tensor, generator: Generator) -> Tensor:
        """Make negatives, int16 (made, samples), from clips int16 (batch, samples) and labels (batch,)."""
        self.forbidden = self.forbidden.to(labels.device)
        keywords = (labels > UNKNOWN_INDEX).nonzero()[:, 0]
        backwards = clips[self._some(keywords, self.reversed, generator)].flip(1)
        halves = self._pairs(labels, keywords, self.spliced, generator)
        voices = self._pairs(labels, keywords, self.mixed, generator)
        return torch.cat([backwards, self._splice(clips, *halves), self._mix(clips, *voices)])

    def _some(self, keywords: Tensor, percentage: float, generator: Generator) -> Tensor:
        """Choose a percentage of the keywords' indices, each at most once."""
        order = torch.randperm(len(keywords), generator=generator, device=generator.device).to(keywords.device)
        return keywords[order[: int(len(keywords) * percentage / 100 + 0.5)]]

    def _pairs(self, labels: Tensor, keywords: Tensor, percentage: float, generator: Generator) -> tuple[Tensor, Tensor]:
        """Choose indices of keywords, and for each a partner with another label; those without one are left out."""
        first = self._some(keywords, percentage, generator)
        if not len(first):
            return first, first
        draw = torch.rand(len(first), len(keywords), generator=generator, device=generator.device).to(labels.device)
        draw = draw.masked_fill(self.forbidden[labels[first]][:, labels[keywords]], -1.0)
        best, partner = draw.max(dim=1)
        return first[best >= 0], keywords[partner[best >= 0]]

    def _splice(self, clips: Tensor, first: Tensor, second: Tensor) -> Tensor:
        head, tail, cut = self._aligned(clips, first, second)
        time = torch.arange(clips.shape[1], device=clips.device)
        weight = ((time - cut[:, None]) / self.fade + 0.5).clamp_(0, 1)
        return _to_int16(torch.lerp(head, tail, weight))

    def _mix(self, clips: Tensor, first: Tensor, second: Tensor) -> Tensor:
        one, other, _ = self._aligned(clips, first, second)
        return _to_int16((one + other) * 0.5**0.5)

    def _aligned(self, clips: Tensor, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return clips, their partners, as loud and shifted so that the middles of the speech match, and these middles.

        Clips are floats in int16 units (pairs, samples), middles are in samples (pairs,).
        """
        one, other = clips[first].float(), clips[second].float()
        if not len(first):
            return one, other, first
        middle = speech_middle(one, self.sample_rate)
        place = torch.arange(clips.shape[1], device=clips.device) + (speech_middle(other, self.sample_rate) - middle)[:, None]
        inside = (place >= 0) & (place < clips.shape[1])
        gain = (speech_rms(one, self.sample_rate) / speech_rms(other, self.sample_rate).clamp(min=1)).clamp(max=_LARGEST_GAIN)
        moved = other.gather(1, place.clamp(0, clips.shape[1] - 1)) * inside
        return one, moved * gain[:, None], middle


def _forbidden(labels: LabelSet, alike: Sequence[Sequence[str]]) -> Tensor:
    """Build the mask of labels that are never paired, bool (labels, labels)."""
    forbidden = torch.eye(len(labels), dtype=torch.bool)
    for pair in alike:
        if isinstance(pair, str) or len(pair) != 2 or not all(isinstance(word, str) for word in pair):
            raise KwsError(f'augment.negatives.alike: {pair} given; pairs of words expected, such as [["no", go]]')
        one, other = (labels.index(word) for word in pair)
        if UNKNOWN_INDEX not in (one, other):
            forbidden[one, other] = forbidden[other, one] = True
    return forbidden


def _to_int16(waveform: Tensor) -> Tensor:
    return waveform.round_().clamp_(-32768, 32767).to(torch.int16)
