"""Raw batches laid end to end, and compared."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from kws.training.loader import RawBatch


def stacked(batches: Iterable[RawBatch]) -> RawBatch:
    """The clips, labels and silence marks of batches as one batch, whose seed means nothing."""
    columns = zip(*(batch[:3] for batch in batches), strict=True)
    return RawBatch(*(torch.cat(parts) for parts in columns), seed=0)


def same(one: RawBatch, other: RawBatch) -> bool:
    """Whether batches are equal to the bit, and are augmented alike."""
    return all(torch.equal(mine, theirs) for mine, theirs in zip(one[:3], other[:3], strict=True)) and one.seed == other.seed
