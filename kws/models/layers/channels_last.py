"""Convolutions over maps of one frequency in channels-last layout ("lines"): (batch, time, channels).

`channel_major.py` has the opposite layout. On processors with AVX2 but not AVX-512, lines are faster in float32
(docs/speed.md). The layers between keep the layout.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from kws.frontend import cpu
from kws.models.layers.mean import lean_mean


def to_channels_last(maps: Tensor) -> Tensor:
    """Lay maps (batch, channels, time, 1) out channels last where that is faster; else return them unchanged."""
    if torch.jit.is_scripting():
        return maps
    if torch.compiler.is_compiling() or not _faster(maps):
        return maps
    return maps.contiguous(memory_format=torch.channels_last)


def is_channels_last(maps: Tensor) -> bool:
    """Return whether maps (batch, channels, time, frequency) are lines, and this processor is faster with them."""
    return maps.shape[3] == 1 and maps.permute(0, 2, 3, 1).is_contiguous() and _faster(maps)


def pointwise(maps: Tensor, weight: Tensor) -> Tensor:
    """Apply a 1×1 convolution without bias to lines (batch, inputs, time, 1) by a weight (outputs, inputs)."""
    return F.linear(maps.permute(0, 2, 3, 1), weight).permute(0, 3, 1, 2)


def over_time(maps: Tensor, weight: Tensor, before: int, after: int, dilation: int) -> Tensor:
    """Apply a depthwise convolution over time to lines (batch, channels, time, 1), zero-padded.

    Args:
        maps: lines.
        weight: (channels, 1, taps, 1).
        before, after: zeros before the first frame, and after the last.
        dilation: frames from tap to tap.
    """
    batch, channels, frames, _ = maps.shape
    # Every dilation-th frame becomes a column: a plain convolution, as oneDNN's dilated one has a slow gradient.
    rest = -(before + frames + after) % dilation
    padded = F.pad(maps, (0, 0, before, after + rest)).contiguous(memory_format=torch.channels_last)
    out = F.conv2d(padded.view(batch, channels, -1, dilation), weight, groups=channels)
    return out.reshape(batch, channels, -1, 1)[:, :, :frames]


def mean_over_time(maps: Tensor) -> Tensor:
    """Return the means (batch, channels) of maps (batch, channels, time, frequency) over time and frequency."""
    if torch.jit.is_scripting():
        return maps.mean(dim=(2, 3))
    if torch.compiler.is_compiling() or not is_channels_last(maps):
        return maps.mean(dim=(2, 3))
    return lean_mean(maps, 2).flatten(1)


def _faster(maps: Tensor) -> bool:
    float32 = maps.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
    # Measured on these processors alone; others keep planes.
    return float32 and maps.device.type == "cpu" and cpu.lacks_avx512()
