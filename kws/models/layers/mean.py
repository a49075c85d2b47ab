"""A mean whose gradient is never spread out in memory."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def lean_mean(values: Tensor, dim: int) -> Tensor:
    """Return the means over one dimension, which stays with a size of 1.

    autograd's mean expands the gradient over the dimension before it divides, and loses the memory layout.
    """
    mean: Tensor = _Mean.apply(values, dim)  # type: ignore[no-untyped-call]
    return mean


class _Mean(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, dim: int) -> Tensor:
        ctx.shape, ctx.dim = values.shape, dim
        return values.mean(dim=dim, keepdim=True)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        share: Tensor = gradients[0] / ctx.shape[ctx.dim]
        return share.expand(ctx.shape), None
