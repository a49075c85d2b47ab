"""Pointwise and depthwise convolutions and batch normalisation as large matrix products, for networks of few channels.

Maps (batch, channels, time, frequency) lie in memory in channel-major layout, as "planes" (channels, frequency, batch,
time). A pointwise convolution is then one matrix product for the whole batch, a depthwise one a product with a banded
matrix for each channel, and the statistics of a channel or sub-band are those of one contiguous row. Activations, sums
and means keep the layout. The results equal those of `torch.nn.Conv2d` and `torch.nn.BatchNorm2d`; docs/speed.md says
why this is faster on a CPU.

Exported and scripted models and GPUs use the plain convolutions, with the same parameters.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kws.errors import KwsError
from kws.models.layers import channels_last as lines
from kws.models.layers.channels_last import is_channels_last
from kws.models.layers.mean import lean_mean

# Banded matrices grow with the square of the length; beyond this many frames (a clip has 98) they are slower.
_LONGEST = 200


class Pointwise(nn.Conv2d):
    """A 1×1 convolution without bias.

    Args:
        inputs, outputs: channels.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 1, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Map (batch, inputs, time, frequency) to (batch, outputs, time, frequency)."""
        if torch.jit.is_scripting():
            return F.conv2d(maps, self.weight)
        if torch.compiler.is_compiling() or maps.device.type != "cpu":
            return F.conv2d(maps, self.weight)
        if is_channels_last(maps):
            return lines.pointwise(maps, self.weight.flatten(1))
        planes = to_channel_major(maps)
        out = torch.mm(self.weight.flatten(1), planes.reshape(planes.shape[0], -1))
        return from_channel_major(out.view(-1, *planes.shape[1:]))


class TimeDepthwise(nn.Conv2d):
    """A depthwise convolution over time, without bias; as many frames come out as go in.

    Args:
        channels: in and out.
        kernel: number of taps.
        dilation: frames from tap to tap.
        causal: the last tap is on the frame itself; otherwise the middle one.

    Raises:
        KwsError: an even kernel that is not causal.
    """

    def __init__(self, channels: int, kernel: int, dilation: int = 1, causal: bool = False) -> None:
        if not causal and kernel % 2 == 0:
            raise KwsError(f"model: a kernel of {kernel} frames has no middle; give an odd one, or make it causal")
        super().__init__(channels, channels, (kernel, 1), dilation=(dilation, 1), groups=channels, bias=False)
        reach = dilation * (kernel - 1)
        self.before = reach if causal else reach // 2
        self.after = reach - self.before

    def forward(self, maps: Tensor) -> Tensor:
        """Convolve maps (batch, channels, time, frequency); the shape stays."""
        if torch.jit.is_scripting():
            return self.slide(F.pad(maps, [0, 0, self.before, self.after]))
        if torch.compiler.is_compiling() or maps.device.type != "cpu" or maps.shape[2] > _LONGEST:
            return self.slide(F.pad(maps, [0, 0, self.before, self.after]))
        if is_channels_last(maps):
            return lines.over_time(maps, self.weight, self.before, self.after, self.dilation[0])
        planes = to_channel_major(maps)
        channels, _, _, frames = planes.shape
        bands = banded(self.weight.flatten(1), frames, self.before, 1, self.dilation[0])
        out = torch.bmm(planes.reshape(channels, -1, frames), bands.transpose(1, 2))
        return from_channel_major(out.view(planes.shape))

    def slide(self, maps: Tensor) -> Tensor:
        """Compute `forward` for maps that already hold the frames before and after."""
        return F.conv2d(maps, self.weight, dilation=self.dilation, groups=self.groups)


class FrequencyDepthwise(nn.Conv2d):
    """A depthwise convolution of 3 bins over frequency, without bias, zeros beyond both ends.

    Args:
        channels: in and out.
        stride: 1, or 2 for half the bins.
    """

    def __init__(self, channels: int, stride: int = 1) -> None:
        super().__init__(channels, channels, (1, 3), (1, stride), (0, 1), groups=channels, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Map (batch, channels, time, frequency) to (batch, channels, time, ceil(frequency / stride))."""
        if torch.jit.is_scripting():
            return F.conv2d(maps, self.weight, None, self.stride, self.padding, (1, 1), self.groups)
        if torch.compiler.is_compiling() or maps.device.type != "cpu":
            return F.conv2d(maps, self.weight, None, self.stride, self.padding, (1, 1), self.groups)
        planes = to_channel_major(maps)
        channels, bins, batch, frames = planes.shape
        bands = banded(self.weight.flatten(1), bins, 1, self.stride[1], 1)
        out = torch.bmm(bands, planes.reshape(channels, bins, -1))
        return from_channel_major(out.view(channels, -1, batch, frames))


class SubSpectralNorm(nn.BatchNorm2d):
    """Sub-spectral normalisation: batch statistics for each sub-band of a channel (Chang et al. 2021).

    Args:
        channels: of the maps.
        bands: sub-bands, each a run of neighbouring bins; 1: plain batch normalisation.
        affine: with a learned scale and offset.
    """

    def __init__(self, channels: int, bands: int = 1, affine: bool = True) -> None:
        super().__init__(channels * bands, affine=affine)
        self.bands = bands

    def forward(self, maps: Tensor) -> Tensor:
        """Return normalised maps (batch, channels, time, frequency); frequency is a multiple of `bands`."""
        if torch.jit.is_scripting():
            return self.plain(maps)
        if torch.compiler.is_compiling() or maps.device.type != "cpu":
            return self.plain(maps)
        if is_channels_last(maps):
            return super().forward(maps)
        planes = to_channel_major(maps)
        rows = planes.reshape(1, self.num_features, -1)
        if self.training and rows.dtype == self.get_buffer("running_mean").dtype:
            return from_channel_major(self._by_row(rows.contiguous()).view(planes.shape))
        # `[..., None]` is a view; the gradient of an index would be written into zeros.
        return from_channel_major(super().forward(rows[..., None]).view(planes.shape))

    def _by_row(self, rows: Tensor) -> Tensor:
        """Normalise rows (1, features, values) in training, by torch's group normalisation, which is faster."""
        mean, variance = (self.get_buffer(name) for name in ("running_mean", "running_var"))
        momentum = self._count_batch()
        features, values = rows.shape[1:]
        out, row_mean, inverse = torch.native_group_norm(rows, self.weight, self.bias, 1, features, values, features, self.eps)
        with torch.no_grad():
            mean.lerp_(row_mean[0], momentum)
            row_variance = (inverse[0].square().reciprocal_() - self.eps).clamp_(min=0)
            variance.lerp_(row_variance * (values / max(1, values - 1)), momentum)
        return out

    def plain(self, maps: Tensor) -> Tensor:
        """Compute `forward` for any memory layout."""
        momentum = self._count_batch() if self.training else 0.0
        if self.bands == 1:
            return F.batch_norm(
                maps, self.running_mean, self.running_var, self.weight, self.bias, self.training, momentum, self.eps
            )
        batch, channels, frames, bins = maps.shape
        rows = maps.transpose(2, 3).reshape(batch, self.num_features, bins // self.bands, frames)
        rows = F.batch_norm(rows, self.running_mean, self.running_var, self.weight, self.bias, self.training, momentum, self.eps)
        return rows.reshape(batch, channels, bins, frames).transpose(2, 3)

    def _count_batch(self) -> float:
        """Count a training batch; return the weight of its statistics, as in `nn.BatchNorm2d`."""
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        if self.momentum is None:
            return 1.0 / float(self.num_batches_tracked)
        return self.momentum


def mean_over_frequency(maps: Tensor) -> Tensor:
    """Return the means (batch, channels, time, 1) of maps (batch, channels, time, frequency)."""
    if torch.jit.is_scripting():
        return maps.mean(dim=3, keepdim=True)
    if torch.compiler.is_compiling() or maps.device.type != "cpu":
        return maps.mean(dim=3, keepdim=True)
    return from_channel_major(lean_mean(to_channel_major(maps), 1))


def add_relu(maps: Tensor, row: Tensor, past: Tensor | None) -> Tensor:
    """Return relu(maps + row + past); maps and past (batch, channels, time, frequency), row of one frequency."""
    if torch.jit.is_scripting():
        return F.relu(maps + row if past is None else maps + row + past)
    if torch.compiler.is_compiling() or maps.device.type != "cpu":
        return F.relu(maps + row if past is None else maps + row + past)
    out: Tensor = _AddRelu.apply(to_channel_major(maps), to_channel_major(row), None if past is None else to_channel_major(past))  # type: ignore[no-untyped-call]
    return from_channel_major(out)


class _AddRelu(torch.autograd.Function):
    """One pass forward and one backward; autograd's sum over frequency would lose the channel-major layout."""

    @staticmethod
    def forward(ctx: Any, planes: Tensor, row: Tensor, past: Tensor | None) -> Tensor:
        out = planes + row
        if past is not None:
            out.add_(past)
        out.relu_()
        ctx.save_for_backward(out)
        ctx.past = past is not None
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        (out,) = ctx.saved_tensors
        gradient = torch.ops.aten.threshold_backward(gradients[0], out, 0)
        return gradient, gradient.sum(dim=1, keepdim=True), gradient if ctx.past else None


def to_channel_major(maps: Tensor) -> Tensor:
    """View maps (batch, channels, time, frequency) as planes (channels, frequency, batch, time)."""
    return maps.permute(1, 3, 0, 2)


def from_channel_major(planes: Tensor) -> Tensor:
    """View planes (channels, frequency, batch, time) as maps (batch, channels, time, frequency)."""
    return planes.permute(2, 0, 3, 1)


def banded(weight: Tensor, size: int, before: int, stride: int, dilation: int) -> Tensor:
    """Return matrices (channels, outputs, size) that convolve like kernels (channels, taps).

    `before` zeros stand before the first input.
    """
    taps = weight.shape[1]
    places = _places(taps, size, before, stride, dilation)
    # A product with ones and zeros, rather than an index: its gradient is a product too.
    return torch.mm(weight, places.to(weight.dtype)).view(weight.shape[0], -1, size)


@lru_cache(maxsize=64)
def _places(taps: int, size: int, before: int, stride: int, dilation: int) -> Tensor:
    """Return ones and zeros (taps, outputs · size): which tap meets which input for each output."""
    outputs = torch.arange(0, size, stride)
    met = outputs[None, :] - before + dilation * torch.arange(taps)[:, None]
    return (met[:, :, None] == torch.arange(size)).float().flatten(1)
