"""Convolutions over maps of one frequency that lie in memory as lines: (batch, time, channels), a frame's channels together.

The planes of `channel_major.py` are the other way round. Where a processor has AVX2 and no AVX-512, lines are faster in
float32: MKL's products run at up to twice the speed, oneDNN's depthwise convolutions at up to three times that of
products with banded matrices (`benchmarks/small_networks.py`, `docs/speed.md`). What is between keeps the order by itself.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from kws.frontend import processor
from kws.models.layers.mean import lean_mean


def to_channels_last(maps: Tensor) -> Tensor:
    """Maps (batch, channels, time, 1) as lines, where that is faster; as they came elsewhere."""
    if torch.jit.is_scripting():
        return maps
    if torch.compiler.is_compiling() or not _faster(maps):
        return maps
    return maps.contiguous(memory_format=torch.channels_last)


def is_channels_last(maps: Tensor) -> bool:
    """Whether maps (batch, channels, time, frequency) are lines, and this processor is faster with them."""
    return maps.shape[3] == 1 and maps.permute(0, 2, 3, 1).is_contiguous() and _faster(maps)


def pointwise(maps: Tensor, weight: Tensor) -> Tensor:
    """A 1×1 convolution without bias of lines (batch, inputs, time, 1) by a weight (outputs, inputs)."""
    return F.linear(maps.permute(0, 2, 3, 1), weight).permute(0, 3, 1, 2)


def over_time(maps: Tensor, weight: Tensor, before: int, after: int, dilation: int) -> Tensor:
    """A depthwise convolution of lines (batch, channels, time, 1) by a weight (channels, 1, taps, 1), with zeros around.

    Args:
        maps: lines.
        weight: of the convolution.
        before, after: zeros before the first frame, and after the last.
        dilation: frames from tap to tap.
    """
    batch, channels, frames, _ = maps.shape
    # Every dilation-th frame is a column of its own: a plain convolution, for oneDNN has no fast gradient of a dilated one.
    rest = -(before + frames + after) % dilation
    padded = F.pad(maps, (0, 0, before, after + rest)).contiguous(memory_format=torch.channels_last)
    out = F.conv2d(padded.view(batch, channels, -1, dilation), weight, groups=channels)
    return out.reshape(batch, channels, -1, 1)[:, :, :frames]


def mean_over_time(maps: Tensor) -> Tensor:
    """Means (batch, channels) of maps (batch, channels, time, frequency) over time and frequency."""
    if torch.jit.is_scripting():
        return maps.mean(dim=(2, 3))
    if torch.compiler.is_compiling() or not is_channels_last(maps):
        return maps.mean(dim=(2, 3))
    return lean_mean(maps, 2).flatten(1)


def _faster(maps: Tensor) -> bool:
    float32 = maps.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
    # Measured there alone; other processors keep planes.
    return float32 and maps.device.type == "cpu" and processor.lacks_avx512()
