"""Masks over features: how wide, where, and what stands under them."""

from __future__ import annotations

import pytest
import torch
from torch import Generator, Tensor

from kws.augment.spec_augment import SpecAugment


def features_of(batch: int, frames: int, bins: int) -> Tensor:
    return torch.rand(batch, frames, bins, generator=Generator().manual_seed(1), dtype=torch.float64) + 1


def masked(batch: int, frames: int, bins: int, setting: dict[str, int]) -> Tensor:
    """Where a mask lies (batch, frames, bins); what is under one is the clip's mean, and all else is as it was."""
    features = features_of(batch, frames, bins)
    before = features.clone()
    out = SpecAugment(**setting)(features, Generator().manual_seed(2))
    assert torch.equal(features, before)
    mask = out != features
    mean = features.mean(dim=(1, 2), keepdim=True).expand_as(features)
    torch.testing.assert_close(out[mask], mean[mask])
    return mask


@pytest.mark.parametrize("over", ["time", "bins"])
def test_one_mask_of_any_width_anywhere(over: str) -> None:
    setting = {"time_masks": 1, "time_frames": 4} if over == "time" else {"bin_masks": 1, "bins": 4}
    mask = masked(5000, 9, 9, setting)
    mask = mask if over == "time" else mask.transpose(1, 2)
    line = mask[:, :, 0]
    # A mask goes through the other axis from end to end, and is one band.
    assert torch.equal(mask, line[:, :, None].expand_as(mask))
    rises = (line[:, 1:] & ~line[:, :-1]).sum(dim=1) + line[:, 0]
    assert rises.max() == 1
    width = line.sum(dim=1)
    counts = width.bincount()
    assert len(counts) == 5
    assert (counts - 1000).abs().max() < 5 * (5000 / 5 * 4 / 5) ** 0.5
    # All six places of a mask of four are alike.
    starts = line[width == 4].float().argmax(dim=1).bincount()
    assert len(starts) == 6
    assert (starts / starts.sum() - 1 / 6).abs().max() < 0.06


def test_several_masks() -> None:
    mask = masked(500, 30, 8, {"time_masks": 3, "time_frames": 2, "bin_masks": 2, "bins": 1})
    frames, bins = mask.all(dim=2), mask.all(dim=1)
    assert torch.equal(mask, frames[:, :, None] | bins[:, None, :])
    assert frames.sum(dim=1).max() == 6
    assert bins.sum(dim=1).max() == 2


def test_a_mask_no_wider_than_the_features() -> None:
    mask = masked(500, 5, 3, {"time_masks": 1, "time_frames": 100})
    assert set(mask[:, :, 0].sum(dim=1).tolist()) == {0, 1, 2, 3, 4, 5}


def test_the_tutorials_widest_masks() -> None:
    mask = masked(2000, 98, 40, {"time_masks": 1, "bin_masks": 1})
    assert mask.all(dim=2).sum(dim=1).max() == 20
    assert mask.all(dim=1).sum(dim=1).max() == 5


@pytest.mark.parametrize("setting", [{}, {"time_masks": 1, "time_frames": 0}, {"bin_masks": 2, "bins": 0}])
def test_no_mask(setting: dict[str, int]) -> None:
    assert not masked(50, 9, 9, setting).any()
