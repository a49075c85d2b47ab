"""Layers that the tutorial networks share, with TensorFlow's padding and initial weights."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kws.frontend.fast_linear import fast_linear


class Dense(nn.Linear):
    """A fully connected layer with TensorFlow's initial weights: truncated normal, bias 0.

    Args:
        inputs, outputs: sizes.
        deviation: of the initial weights, cut off at two deviations.
    """

    def __init__(self, inputs: int, outputs: int, deviation: float = 0.01) -> None:
        super().__init__(inputs, outputs)
        initialise(self, deviation)

    def forward(self, rows: Tensor) -> Tensor:
        """Map (…, inputs) to (…, outputs)."""
        return fast_linear(rows, self.weight, self.bias)


class SameConv2d(nn.Conv2d):
    """A convolution with TensorFlow's SAME padding: output ceil(input / stride), the smaller half of the padding first.

    Args:
        inputs, outputs: channels.
        kernel, stride: (time, frequency).
        deviation: of the initial weights, cut off at two deviations.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: tuple[int, int], stride: tuple[int, int] = (1, 1), deviation: float = 0.01
    ) -> None:
        super().__init__(inputs, outputs, kernel, stride)
        initialise(self, deviation)

    def forward(self, maps: Tensor) -> Tensor:
        """Map (batch, inputs, time, frequency) to (batch, outputs, ceil(time / stride), ceil(frequency / stride))."""
        time = same_padding(maps.shape[2], self.kernel_size[0], self.stride[0])
        frequency = same_padding(maps.shape[3], self.kernel_size[1], self.stride[1])
        # oneDNN pads both ends equally at no cost; only the uneven rest needs a copy.
        even = (min(time), min(frequency))
        rest = (0, frequency[1] - even[1], 0, time[1] - even[0])
        if rest != (0, 0, 0, 0):
            maps = F.pad(maps, rest)
        out = F.conv2d(maps, self.weight, self.bias, self.stride, even)
        return out[:, :, : -(-(maps.shape[2] - rest[3]) // self.stride[0]), : -(-(maps.shape[3] - rest[1]) // self.stride[1])]


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return the padding before and after for an output of size ceil(size / stride) (TensorFlow's SAME)."""
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def initialise(layer: nn.Linear | nn.Conv2d, deviation: float) -> None:
    """Set truncated normal weights (cut at two deviations) and zero biases, as TensorFlow's tutorial does."""
    nn.init.trunc_normal_(layer.weight, std=deviation, a=-2 * deviation, b=2 * deviation)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def flatten(maps: Tensor) -> Tensor:
    """Map (batch, channels, time, frequency) to (batch, time · frequency · channels), TensorFlow's order."""
    return maps.permute(0, 2, 3, 1).flatten(1)


def as_image(features: Tensor) -> Tensor:
    """View features (batch, frames, bins) as a one-channel image (batch, 1, frames, bins), channels last in memory."""
    return features[:, None].to(memory_format=torch.channels_last)
