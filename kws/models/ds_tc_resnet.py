"""ds_tc_resnet: causal depthwise-separable convolutions over time, with streaming state (Rybakov et al. 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kws.errors import KwsError
from kws.models.layers.channel_major import Pointwise, SubSpectralNorm, TimeDepthwise
from kws.models.layers.channels_last import mean_over_time
from kws.models.registry import register_model


@register_model("ds_tc_resnet")
class DsTcResNet(nn.Module):
    """Six causal blocks and a mean over the clip (71,556 parameters, 6.7 million multiplies at 98 × 40, 12 labels).

    Each frame is computed from those before it alone, so that a stream needs no frame twice. Before a clip's first
    frame there are zeros; in a stream there are the earlier frames, and only the stream's first window equals the
    same clip by itself.

    Args:
        frames, bins, labels: sizes of the input and the output.
        channels, kernels, dilations: of each block; a kernel of 1 is a pointwise convolution alone.
        residual: for each block, whether its input is added to its output, through a pointwise convolution.
        dropout: probability that a channel is dropped before the output, for the whole clip.

    Raises:
        KwsError: lists of different lengths.
    """

    def __init__(
        self,
        frames: int,
        bins: int,
        labels: int,
        channels: Sequence[int] = (128, 64, 64, 64, 128, 128),
        kernels: Sequence[int] = (11, 13, 15, 17, 29, 1),
        dilations: Sequence[int] = (1, 1, 1, 1, 2, 1),
        residual: Sequence[bool] = (False, True, True, True, False, False),
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if not len(channels) == len(kernels) == len(dilations) == len(residual) >= 1:
            counts = f"{len(channels)}, {len(kernels)}, {len(dilations)} and {len(residual)}"
            raise KwsError(f"model.channels, kernels, dilations, residual: {counts} entries; each block needs one of all four")
        self.norm = SubSpectralNorm(bins, affine=False)
        inputs = [bins, *channels]
        blocks = [
            CausalBlock(before, after, kernel, dilation, "convolved" if past else None)
            for before, after, kernel, dilation, past in zip(inputs[:-1], channels, kernels, dilations, residual, strict=True)
        ]
        self.blocks = nn.ModuleList(blocks)
        # Channels, frames and bins that each block keeps of its input, in a stream.
        self.histories = [(inputs[index], block.history, 1) for index, block in enumerate(blocks)]
        self.dropout = nn.Dropout(float(dropout))  # a whole number can't be scripted
        self.output = nn.Linear(channels[-1], labels)

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (batch, labels) of features (batch, frames, bins)."""
        maps = self.norm(features.transpose(1, 2)[:, :, :, None])
        for block in self.blocks:
            maps = block(maps)
        logits: Tensor = self.output(self.dropout(mean_over_time(maps)))
        return logits

    def advance(self, features: Tensor, inside: Tensor, histories: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Return the maps of a stream's new features, and the next histories; see `StatefulNetwork`."""
        maps = self.norm(features.t()[None, :, :, None])
        after: list[Tensor] = []
        for index, block in enumerate(self.blocks):
            maps, history = block.advance(maps * inside, histories[index])  # type: ignore[operator]
            after.append(history)
        return maps, after


def _pointwise(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(Pointwise(inputs, outputs), SubSpectralNorm(outputs))


class CausalBlock(nn.Module):
    """A depthwise convolution over time, a pointwise one, normalisation, the shortcut, ReLU.

    Args:
        inputs, outputs: channels.
        kernel, dilation: of the depthwise convolution; a kernel of 1 leaves it out.
        past: the shortcut: the input unchanged ("plain"), or through its own pointwise convolution and normalisation
            ("convolved"); None: no shortcut.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, dilation: int, past: Literal["plain", "convolved"] | None = None
    ) -> None:
        super().__init__()
        self.history = dilation * (kernel - 1)
        self.depthwise = TimeDepthwise(inputs, kernel, dilation, causal=True) if kernel > 1 else None
        self.pointwise = _pointwise(inputs, outputs)
        self.past: nn.Module | None = None
        if past is not None:
            self.past = _pointwise(inputs, outputs) if past == "convolved" else nn.Identity()

    def forward(self, maps: Tensor) -> Tensor:
        """Map (batch, inputs, time, 1) to (batch, outputs, time, 1)."""
        return self._end(maps, maps if self.depthwise is None else self.depthwise(maps))

    def advance(self, maps: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """Compute `forward` for a stream's new frames; return it and the next `before`.

        `before` holds the last `history` input frames (1, inputs, history, 1).
        """
        joined = torch.cat([before, maps], dim=2)
        filtered = maps if self.depthwise is None else self.depthwise.slide(joined)
        return self._end(maps, filtered), joined[:, :, maps.shape[2] :]

    def _end(self, maps: Tensor, filtered: Tensor) -> Tensor:
        out: Tensor = self.pointwise(filtered)
        if self.past is not None:
            out = out + self.past(maps)
        return F.relu(out)
