"""Dropout that is fast on a CPU, and dropout fused with the ReLU before it."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kws.errors import KwsError


class Dropout(nn.Module):
    """Dropout like `torch.nn.Dropout`, but fast on a CPU.

    PyTorch draws a float from one thread for every value; here a 64-bit draw of the default generator decides eight
    values (four, of sixteen bits each, where a byte can't hold the probability exactly). See docs/speed.md for times.

    Args:
        probability: that a value becomes 0; the others are scaled up by 1 / (1 - probability).

    Raises:
        KwsError: a probability below 0, or of 1 or more.
    """

    def __init__(self, probability: float = 0.5) -> None:
        super().__init__()
        if not 0 <= probability < 1:
            raise KwsError(f"model.dropout: {probability} is no share of values to drop; give at least 0 and less than 1")
        self.probability = float(probability)  # a whole number can't be scripted

    def forward(self, values: Tensor) -> Tensor:
        """Drop values of any shape; in evaluation return them unchanged."""
        if not self.training or self.probability == 0.0:
            return values
        if torch.jit.is_scripting() or values.device.type != "cpu":
            return F.dropout(values, self.probability)
        return values * (keep_mask(values, self.probability).to(values.dtype) / (1 - self.probability))


class ReluDropout(Dropout):
    """ReLU, then dropout; on a CPU in one pass without a mask, as the output's zeros hold the information.

    Args:
        probability: that a value becomes 0.
    """

    def forward(self, values: Tensor) -> Tensor:
        """Apply ReLU and dropout to values of any shape; in evaluation the ReLU alone."""
        if torch.jit.is_scripting():
            return F.dropout(F.relu(values), self.probability, self.training)
        if not self.training or self.probability == 0.0 or values.device.type != "cpu":
            return F.dropout(F.relu(values), self.probability, self.training)
        out: Tensor = _ReluDropout.apply(values, self.probability)  # type: ignore[no-untyped-call]
        return out


class _ReluDropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, probability: float) -> Tensor:
        scale = 1 / (1 - probability)
        out = values.clamp(min=0).mul_(keep_mask(values, probability)).mul_(scale)
        ctx.save_for_backward(out)
        ctx.scale = scale
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (out,) = ctx.saved_tensors
        return torch.ops.aten.threshold_backward(gradients[0], out, 0).mul_(ctx.scale), None


def keep_mask(like: Tensor, probability: float) -> Tensor:
    """Draw ones and zeros (int8) in the shape and layout of `like`, each value 0 with the given probability.

    PyTorch multiplies by int8 vector by vector, but fills under a bool mask value by value.
    """
    exact = (probability * 256).is_integer()
    width = 8 if exact else 16
    draws = torch.empty(-(-like.numel() * width // 64), dtype=torch.int64).random_(-(2**63), None)
    drawn = draws.view(torch.uint8 if exact else torch.int16)[: like.numel()]
    limit = min(round(probability * 2**width), 2**width - 1)
    mask: Tensor = (drawn >= (limit if exact else limit - 2**15)).view(torch.int8)
    # The draws are independent, so they are laid out in the memory order of `like`.
    if like.dim() == 4 and like.is_contiguous(memory_format=torch.channels_last):
        batch, channels, height, width = like.shape
        return mask.view(batch, height, width, channels).permute(0, 3, 1, 2)
    return mask.view(like.shape)
