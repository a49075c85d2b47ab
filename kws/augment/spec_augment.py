"""SpecAugment: masks over bands of a clip's features."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from kws.errors import KwsError


class SpecAugment(nn.Module):
    """Replace random ranges of frames and of bins by the clip's mean feature (Park et al. 2019, without warping).

    Args:
        time_masks, bin_masks: number of masks of each kind; 0: off.
        time_frames, bins: largest width of a mask, in frames and in bins.
    """

    def __init__(self, time_masks: int = 0, time_frames: int = 20, bin_masks: int = 0, bins: int = 5) -> None:
        super().__init__()
        for name, value in (("time_masks", time_masks), ("time_frames", time_frames), ("bin_masks", bin_masks), ("bins", bins)):
            if not value >= 0:
                raise KwsError(f"augment.spec_augment.{name}: {value:g} makes no sense; give a number of at least 0")
        self.time_masks, self.time_frames, self.bin_masks, self.bins = time_masks, time_frames, bin_masks, bins

    def forward(self, features: Tensor, generator: Generator) -> Tensor:
        """Return the masked features (batch, frames, bins)."""
        if not self.time_masks and not self.bin_masks:
            return features
        batch, frames, bins = features.shape
        mask = _bands(batch, frames, self.time_masks, self.time_frames, features, generator)[:, :, None]
        mask = mask | _bands(batch, bins, self.bin_masks, self.bins, features, generator)[:, None, :]
        return torch.where(mask, features.mean(dim=(1, 2), keepdim=True), features)


def _bands(batch: int, size: int, masks: int, widest: int, like: Tensor, generator: Generator) -> Tensor:
    draw = torch.rand(2, masks, batch, generator=generator, device=generator.device).to(like.device)
    width = (draw[0] * (min(widest, size) + 1)).floor()
    start = (draw[1] * (size - width + 1)).floor()
    place = torch.arange(size, device=like.device)
    inside = (place >= start[..., None]) & (place < (start + width)[..., None])
    return inside.any(dim=0)
