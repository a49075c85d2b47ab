"""ds_cnn: depthwise-separable convolutions for microcontrollers (Zhang et al. 2017, "Hello Edge")."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from kws.models.layers.same_padding import as_image, same_padding
from kws.models.registry import register_model


@register_model("ds_cnn")
class DsCnn(nn.Module):
    """A 10×4 convolution, 3×3 separable ones, and a mean.

    Size S: 23,180 parameters, 2.7 million multiplies at 49 × 10 features and 12 labels.

    Args:
        frames, bins, labels: sizes of the input and the output.
        channels: of every layer: S 64, M 172, L 276.
        strides: of the first convolution and of each separable one, over time and frequency alike where one number is
            given.
        dropout: probability that a channel is dropped before the output.
    """

    def __init__(
        self,
        frames: int,
        bins: int,
        labels: int,
        channels: int = 64,
        strides: Sequence[Sequence[int]] = ((2, 2), (1, 1), (1, 1), (1, 1), (1, 1)),
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(bins, affine=False)
        first, *others = [(int(time), int(frequency)) for time, frequency in strides]
        self.first = ConvNorm(1, channels, (10, 4), first)
        self.blocks = nn.Sequential(*(_separable(channels, stride) for stride in others))
        self.dropout = nn.Dropout(float(dropout))  # a whole number can't be scripted
        self.output = nn.Linear(channels, labels)

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (batch, labels) of features (batch, frames, bins)."""
        image = as_image(self.norm(features.transpose(1, 2)).transpose(1, 2))
        maps = self.blocks(self.first(image))
        logits: Tensor = self.output(self.dropout(maps.mean(dim=(2, 3))))
        return logits


class ConvNorm(nn.Conv2d):
    """A convolution with TensorFlow's SAME padding and without bias, batch normalisation, ReLU.

    Args:
        inputs, outputs: channels.
        kernel, stride: (time, frequency).
        groups: see `torch.nn.Conv2d`.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: tuple[int, int], stride: tuple[int, int] = (1, 1), groups: int = 1
    ) -> None:
        super().__init__(inputs, outputs, kernel, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, maps: Tensor) -> Tensor:
        """Map (batch, inputs, time, frequency) to (batch, outputs, ceil(time / stride), ceil(frequency / stride))."""
        time = same_padding(maps.shape[2], self.kernel_size[0], self.stride[0])
        frequency = same_padding(maps.shape[3], self.kernel_size[1], self.stride[1])
        padded = F.pad(maps, [frequency[0], frequency[1], time[0], time[1]])
        normed: Tensor = self.norm(F.conv2d(padded, self.weight, None, self.stride, groups=self.groups))
        return F.relu(normed)


def _separable(channels: int, stride: tuple[int, int]) -> nn.Sequential:
    return nn.Sequential(ConvNorm(channels, channels, (3, 3), stride, groups=channels), ConvNorm(channels, channels, (1, 1)))
