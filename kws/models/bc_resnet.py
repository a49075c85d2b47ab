"""bc_resnet: broadcasted residual learning (Kim et al. 2021), the smallest networks for their accuracy."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kws.errors import KwsError
from kws.models.layers.channel_major import (
    FrequencyDepthwise,
    Pointwise,
    SubSpectralNorm,
    TimeDepthwise,
    add_relu,
    from_channel_major,
    mean_over_frequency,
    to_channel_major,
)
from kws.models.registry import register_model

# For each stage: channels (in units of 8 τ), blocks, stride over frequency; the dilations are 1, 2, 4, 8.
_STAGES = ((1.0, 2, 1), (1.5, 2, 2), (2.0, 4, 2), (2.5, 4, 1))
_STEM, _HEAD = 2.0, 4.0
# The bins must be a multiple of this: the stem and two stages halve them, and the head needs five.
_BINS = 40


@register_model("bc_resnet")
class BcResNet(nn.Module):
    """BC-ResNet-τ: 9,232 parameters and 2.4 million multiplies at width 1, 321 k and 83 M at 8 (98 × 40, 12 labels).

    Args:
        frames, bins, labels: sizes of the input and the output.
        width: τ of the paper: 1, 1.5, 2, 3, 6 or 8.
        dropout: probability that a channel of a block's temporal half is dropped, for all its frames.
        bands: sub-bands of the normalisation over frequency.

    Raises:
        KwsError: bins that are no multiple of 40, or a width of less than one channel.
    """

    def __init__(self, frames: int, bins: int, labels: int, width: float = 1.0, dropout: float = 0.1, bands: int = 5) -> None:
        super().__init__()
        if bins % _BINS:
            raise KwsError(
                f"features.bins: {bins} given, but bc_resnet halves them three times and then needs five in a row; give 40"
            )
        if not 8 * width >= 1:
            raise KwsError(f"model.width: {width:g} leaves no channel; give 1, 1.5, 2, 3, 6 or 8")
        unit = int(8 * width)
        channels = int(_STEM * unit)
        self.norm = SubSpectralNorm(bins, affine=False)
        self.stem = Stem(channels)
        blocks: list[Block] = []
        for stage, (factor, count, stride) in enumerate(_STAGES):
            for block in range(count):
                outputs = int(factor * unit)
                blocks.append(Block(channels, outputs, stride if block == 0 else 1, 2**stage, dropout, bands))
                channels = outputs
        self.blocks = nn.Sequential(*blocks)
        self.head = Head(channels, int(_HEAD * unit))
        self.output = nn.Linear(int(_HEAD * unit), labels)

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (batch, labels) of features (batch, frames, bins)."""
        # Bins become the channel axis for the normalisation, so each has its own statistics; then they move back.
        image = self.norm(features.transpose(1, 2)[:, :, :, None]).permute(0, 3, 2, 1)
        maps = self.head(self.blocks(self.stem(image)))
        logits: Tensor = self.output(maps.mean(dim=(2, 3)))
        return logits


class Stem(nn.Module):
    """A 5×5 convolution that halves the bins.

    Args:
        channels: of its output.
        causal: it sees past frames only, four of them.
    """

    def __init__(self, channels: int, causal: bool = False) -> None:
        super().__init__()
        self.convolution = ImageConv(channels, causal)
        self.norm = SubSpectralNorm(channels)

    def forward(self, image: Tensor) -> Tensor:
        """Map (batch, 1, time, frequency) to (batch, channels, time, frequency / 2)."""
        return F.relu(self.norm(self.convolution(image)))

    def advance(self, image: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """Compute `forward` of a causal stem for a stream's new frames; return it and the next `before`.

        `before` has the shape (1, 1, 4, frequency).
        """
        joined = torch.cat([before, image], dim=2)
        return F.relu(self.norm(self.convolution.slide(joined))), joined[:, :, image.shape[2] :]


class ImageConv(nn.Conv2d):
    """A 5×5 convolution of one channel with a stride of 2 over frequency, without bias.

    Args:
        channels: of its output.
        causal: its last row of taps is on the frame itself.
    """

    def __init__(self, channels: int, causal: bool = False) -> None:
        super().__init__(1, channels, 5, (1, 2), (0 if causal else 2, 2), bias=False)
        self.before, self.after = (4, 0) if causal else (2, 2)

    def forward(self, image: Tensor) -> Tensor:
        """Map (batch, 1, time, frequency) to (batch, channels, time, ceil(frequency / 2))."""
        if torch.jit.is_scripting():
            return self.plain(image)
        if torch.compiler.is_compiling() or image.device.type != "cpu":
            return self.plain(image)
        if torch.is_autocast_enabled("cpu"):
            # Cast before the 25 shifted copies are made, not after.
            image = image.to(torch.get_autocast_dtype("cpu"))
        planes = to_channel_major(image)[0]
        bins, frames = planes.shape[0], planes.shape[2]
        padded = F.pad(planes, (self.before, self.after, 0, 0, 2, 2))
        taps = [padded[tap % 5 : tap % 5 + bins : 2, :, tap // 5 : tap // 5 + frames] for tap in range(25)]
        columns = torch.stack(taps)
        out = torch.mm(self.weight.flatten(1), columns.view(25, -1))
        return from_channel_major(out.view(-1, *columns.shape[1:]))

    def plain(self, image: Tensor) -> Tensor:
        """Compute `forward` for any memory layout."""
        # Padding on both sides is the convolution's own.
        return self.slide(F.pad(image, [0, 0, self.before, 0]) if self.after == 0 else image)

    def slide(self, image: Tensor) -> Tensor:
        """Compute `forward`; a causal image already holds the frames before."""
        return F.conv2d(image, self.weight, None, self.stride, self.padding)


class Block(nn.Module):
    """A residual over frequency, and one over time alone that is broadcast back over frequency.

    Args:
        inputs, outputs: channels; where they differ, or with a stride, the block begins with a pointwise convolution
            and has no shortcut.
        stride: over frequency.
        dilation: frames from tap to tap.
        dropout: probability, of a whole channel.
        bands: sub-bands of the normalisation over frequency.
        causal: it sees past frames only.
    """

    def __init__(
        self, inputs: int, outputs: int, stride: int, dilation: int, dropout: float, bands: int, causal: bool = False
    ) -> None:
        super().__init__()
        self.past, self.history = inputs == outputs and stride == 1, 2 * dilation
        self.change: nn.Module = nn.Identity()
        if not self.past:
            self.change = nn.Sequential(Pointwise(inputs, outputs), SubSpectralNorm(outputs), nn.ReLU())
        self.over_frequency = nn.Sequential(FrequencyDepthwise(outputs, stride), SubSpectralNorm(outputs, bands))
        self.over_time = nn.Sequential(
            TimeDepthwise(outputs, 3, dilation, causal),
            SubSpectralNorm(outputs),
            nn.SiLU(),
            Pointwise(outputs, outputs),
            nn.Dropout2d(float(dropout)),  # a whole number can't be scripted
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Map (batch, inputs, time, frequency) to (batch, outputs, time, frequency / stride)."""
        over_frequency = self.over_frequency(self.change(maps))
        row = self.over_time(mean_over_frequency(over_frequency))
        return add_relu(over_frequency, row, maps if self.past else None)

    def advance(self, maps: Tensor, inside: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """Compute `forward` of a causal block for a stream's new frames; return it and the next `before`.

        `before` holds the last `history` rows over time.

        Args:
            maps: (1, inputs, time, frequency).
            inside: (1, 1, time, 1), 0 in frames that are to be as the zeros before a clip.
            before: (1, outputs, history, 1).
        """
        over_frequency = self.over_frequency(self.change(maps))
        rows = torch.cat([before, mean_over_frequency(over_frequency) * inside], dim=2)
        row: Tensor = self.over_time[0].slide(rows)  # type: ignore[operator]
        for index, layer in enumerate(self.over_time):
            if index > 0:
                row = layer(row)
        after = rows[:, :, maps.shape[2] :]
        return add_relu(over_frequency, row, maps if self.past else None), after


class Head(nn.Module):
    """A depthwise 5×5 convolution that leaves no frequency but one row in five, and a pointwise one.

    Args:
        inputs, outputs: channels.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.depthwise = CollapsingDepthwise(inputs)
        self.pointwise = Pointwise(inputs, outputs)
        self.norm = SubSpectralNorm(outputs)

    def forward(self, maps: Tensor) -> Tensor:
        """Map (batch, inputs, time, frequency) to (batch, outputs, time, frequency - 4)."""
        return F.relu(self.norm(self.pointwise(self.depthwise(maps))))


class CollapsingDepthwise(nn.Conv2d):
    """A depthwise 5×5 convolution without bias, padded in time alone.

    Args:
        channels: in and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, 5, padding=(2, 0), groups=channels, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Map (batch, channels, time, frequency) to (batch, channels, time, frequency - 4)."""
        if torch.jit.is_scripting():
            return self.plain(maps)
        if torch.compiler.is_compiling() or maps.device.type != "cpu" or maps.shape[3] != 5:
            return self.plain(maps)
        planes = to_channel_major(F.pad(maps, (0, 0, 2, 2)))
        channels, bins, batch, padded = planes.shape
        # Five bins give one row of output: each tap in time is one product over frequency.
        rows = torch.bmm(self.weight.flatten(0, 1), planes.reshape(channels, bins, -1)).view(channels, 5, batch, padded)
        frames = padded - 4
        out = torch.stack([rows[:, tap, :, tap : tap + frames] for tap in range(5)]).sum(dim=0)
        return from_channel_major(out[:, None])

    def plain(self, maps: Tensor) -> Tensor:
        """Compute `forward` for any memory layout."""
        return F.conv2d(maps, self.weight, None, self.stride, self.padding, (1, 1), self.groups)
