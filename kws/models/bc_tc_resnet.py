"""bc_tc_resnet: broadcasted residual blocks, then causal convolutions over time; few multiplies."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from kws.errors import KwsError
from kws.models.bc_resnet import Block, Stem
from kws.models.ds_tc_resnet import CausalBlock
from kws.models.layers.channel_major import Pointwise, SubSpectralNorm
from kws.models.layers.channels_last import mean_over_time, to_channels_last
from kws.models.registry import register_model


@register_model("bc_tc_resnet")
class BcTcResNet(nn.Module):
    """Our own network: 2-D convolutions share patterns across frequency; causal 1-D blocks model their order.

    The front is the beginning of `bc_resnet` (a convolution in time and frequency, blocks of broadcasted residuals),
    which finds the same pattern at any pitch. Its maps are small after two strides over frequency; a pointwise
    convolution mixes all their bins, and blocks like those of `ds_tc_resnet` look back over the length of a word. It
    costs two thirds of `bc_resnet` of width 3, and a frame of a stream a hundredth of that, for each frame is computed
    from those before it alone.

    Before a clip's first frame there are zeros; in a stream there are the earlier frames, and only the stream's first
    window equals the same clip by itself.

    Args:
        frames, bins, labels: sizes of the input and the output.
        stem: channels of the first convolution, which halves the bins.
        front, strides: channels of each block of the front, and its stride over frequency, 1 or 2.
        bands: sub-bands of the front's normalisation over frequency.
        channels, kernels, dilations: of each block over time; a kernel of 1 is a pointwise convolution alone. A block
            that keeps the number of channels has its input added to its output.
        dropout: probability that a channel is dropped before the output, for the whole clip.

    Raises:
        KwsError: lists of different lengths, or bins that the front can't divide into the sub-bands.
    """

    def __init__(
        self,
        frames: int,
        bins: int,
        labels: int,
        stem: int = 16,
        front: Sequence[int] = (16, 24),
        strides: Sequence[int] = (1, 2),
        bands: int = 5,
        channels: Sequence[int] = (96, 96, 96, 96, 128),
        kernels: Sequence[int] = (9, 11, 13, 15, 1),
        dilations: Sequence[int] = (1, 1, 2, 4, 1),
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        _check_lengths(front, strides, channels, kernels, dilations)
        self.norm = SubSpectralNorm(bins, affine=False)
        self.stem = Stem(stem, causal=True)
        # Channels, frames and bins of each part's streaming state.
        self.histories = [(1, self.stem.convolution.before, bins)]
        height, inputs, blocks = -(-bins // 2), stem, []
        for outputs, stride in zip(front, strides, strict=True):
            height = -(-height // stride)
            _check_bands(bins, height, bands)
            blocks.append(Block(inputs, outputs, stride, 1, 0.0, bands, causal=True))
            self.histories.append((outputs, blocks[-1].history, 1))
            inputs = outputs
        self.front = nn.ModuleList(blocks)
        self.mix = nn.Sequential(Pointwise(inputs * height, channels[0]), SubSpectralNorm(channels[0]), nn.ReLU())
        self.over_time, inputs = nn.ModuleList(), channels[0]
        for outputs, kernel, dilation in zip(channels, kernels, dilations, strict=True):
            block = CausalBlock(inputs, outputs, kernel, dilation, "plain" if inputs == outputs else None)
            self.over_time.append(block)
            self.histories.append((inputs, block.history, 1))
            inputs = outputs
        self.dropout = nn.Dropout(float(dropout))  # a whole number can't be scripted
        self.output = nn.Linear(inputs, labels)

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (batch, labels) of features (batch, frames, bins)."""
        maps = self.stem(self._image(features))
        for block in self.front:
            maps = block(maps)
        maps = to_channels_last(self.mixed(maps))
        for block in self.over_time:
            maps = block(maps)
        logits: Tensor = self.output(self.dropout(mean_over_time(maps)))
        return logits

    def _image(self, features: Tensor) -> Tensor:
        """Return normalised features (batch, 1, time, frequency): each bin has statistics of its own."""
        image: Tensor = self.norm(features.transpose(1, 2)[:, :, :, None])
        return image.permute(0, 3, 2, 1)

    def mixed(self, maps: Tensor) -> Tensor:
        """Mix the front's maps (batch, channels, time, frequency) into maps of one frequency."""
        mixed: Tensor = self.mix(maps.permute(0, 1, 3, 2).flatten(1, 2)[:, :, :, None])
        return mixed

    def advance(self, features: Tensor, inside: Tensor, histories: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Return the maps of a stream's new features, and the next histories; see `StatefulNetwork`."""
        maps, history = self.stem.advance(self._image(features[None]) * inside, histories[0])
        after = [history]
        for block in self.front:
            maps, history = block.advance(maps, inside, histories[len(after)])  # type: ignore[operator]
            after.append(history)
        maps = self.mixed(maps)
        for block in self.over_time:
            maps, history = block.advance(maps * inside, histories[len(after)])  # type: ignore[operator]
            after.append(history)
        return maps, after


def _check_lengths(
    front: Sequence[int], strides: Sequence[int], channels: Sequence[int], kernels: Sequence[int], dilations: Sequence[int]
) -> None:
    if len(front) != len(strides):
        raise KwsError(f"model.front, strides: {len(front)} and {len(strides)} entries; each block of the front needs both")
    if not len(channels) == len(kernels) == len(dilations) >= 1:
        counts = f"{len(channels)}, {len(kernels)} and {len(dilations)}"
        raise KwsError(f"model.channels, kernels, dilations: {counts} entries; each block over time needs one of all three")


def _check_bands(bins: int, height: int, bands: int) -> None:
    if height % bands:
        raise KwsError(
            f"features.bins: {bins} given; a block of the front has {height} of them left, which are no {bands} equal"
            " sub-bands (model.bands); give 40"
        )
