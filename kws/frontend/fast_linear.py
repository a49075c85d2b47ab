"""Linear layer through the fastest kernel available."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

# With fewer rows the overhead of a convolution outweighs its gain.
_ROWS_WORTH_A_CONVOLUTION = 64


def fast_linear(rows: Tensor, weight: Tensor, bias: Tensor | None = None, per_clip: bool = False) -> Tensor:
    """Compute `rows @ weight.T + bias`, as `torch.nn.functional.linear`.

    On a CPU, oneDNN's 1×1 channels-last convolution, the same product, is faster than the MKL product of PyTorch's
    wheels on AMD processors (docs/speed.md). Exported and scripted models, GPUs and small products use the plain linear
    layer.

    Args:
        rows: (…, inputs).
        weight: (outputs, inputs).
        bias: (outputs,).
        per_clip: keep the first of three dimensions as a batch of images, instead of all rows as one image: faster with
            one thread (docs/speed.md), but sums are rounded in another order.

    Returns:
        (…, outputs).
    """
    if torch.jit.is_scripting():
        return F.linear(rows, weight, bias)
    if torch.compiler.is_compiling() or rows.device.type != "cpu" or rows.numel() < _ROWS_WORTH_A_CONVOLUTION * rows.shape[-1]:
        return F.linear(rows, weight, bias)
    inputs, outputs = weight.shape[1], weight.shape[0]
    images = rows.shape[0] if per_clip else 1
    pixels = rows.reshape(images, -1, 1, inputs).permute(0, 3, 1, 2)
    out = F.conv2d(pixels, weight.view(outputs, inputs, 1, 1), bias)
    return out.permute(0, 2, 3, 1).reshape(*rows.shape[:-1], outputs)
