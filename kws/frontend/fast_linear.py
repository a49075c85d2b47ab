"""The matrix product, through the fastest kernel at hand."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

# Below this many rows the cost of going through a convolution outweighs its gain.
_ROWS_WORTH_A_CONVOLUTION = 64


def fast_linear(rows: Tensor, weight: Tensor, bias: Tensor | None = None, per_clip: bool = False) -> Tensor:
    """Compute `rows @ weight.T + bias`, as `torch.nn.functional.linear`.

    On a CPU, PyTorch's wheels multiply float32 matrices with MKL, which leaves an AMD processor at 160 GFLOP/s where
    oneDNN's 1×1 channels-last convolution, the same product, reaches 410 on the same two cores
    (`benchmarks/product.py`). Exported and scripted models, GPUs and small products take the plain product.

    Args:
        rows: (…, inputs).
        weight: (outputs, inputs).
        bias: (outputs,).
        per_clip: the first of three dimensions stays a dimension, instead of all rows becoming one image. With one
            thread PyTorch gives a convolution of fewer than 16 images to a kernel no faster than MKL; apart, a batch of
            clips is twice as fast, and its sums are rounded in another order.

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
