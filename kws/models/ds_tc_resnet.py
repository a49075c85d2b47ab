"""ds_tc_resnet: causal depthwise-separable convolutions over time (Rybakov et al. 2020); it streams with its state carried."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kws.errors import KwsError
from kws.models.planes import Pointwise, SubBandNorm, TimeDepthwise
from kws.models.streamed import CarriedNetwork, StreamedNetwork


class DsTcResNet(nn.Module):
    """Six causal blocks and a mean over the clip (71,556 parameters, 6.7 million multiplies at 98 × 40, 12 labels).

    Each frame is computed from those before it alone, so that a stream needs no frame twice. Before a clip's first frame there
    are zeros; in a stream there is what was heard before, and only the stream's first window equals the same clip by itself.

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
        self.frames = frames
        self.norm = SubBandNorm(bins, affine=False)
        inputs = [bins, *channels]
        blocks = [
            CausalBlock(inputs[index], channels[index], kernels[index], dilations[index], residual[index])
            for index in range(len(channels))
        ]
        self.blocks = nn.ModuleList(blocks)
        # Channels, frames and bins that each block keeps of its input, in a stream.
        self.histories = [(inputs[index], block.history, 1) for index, block in enumerate(blocks)]
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(channels[-1], labels)

    def forward(self, features: Tensor) -> Tensor:
        """Logits (batch, labels) of features (batch, frames, bins)."""
        maps = self.norm(features.transpose(1, 2)[:, :, :, None])
        for block in self.blocks:
            maps = block(maps)
        logits: Tensor = self.output(self.dropout(maps.mean(dim=(2, 3))))
        return logits

    def carried(self, step: int, lead: int) -> StreamedNetwork:
        """This network over a stream, its state carried from frame to frame; the first `lead` frames are before the stream."""
        return CarriedNetwork(self, self.histories, self.frames, self.output.in_features, step, lead)

    def advance(self, features: Tensor, inside: Tensor, histories: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Maps of new features of a stream, and the histories after them: see `CarriedNetwork`."""
        maps = self.norm(features.t()[None, :, :, None])
        after: list[Tensor] = []
        for index, block in enumerate(self.blocks):
            maps = maps * inside
            after.append(torch.cat([histories[index], maps], dim=2)[:, :, maps.shape[2] :])
            maps = block(maps, histories[index])
        return maps, after


class CausalBlock(nn.Module):
    """A depthwise convolution over time, a pointwise one, normalisation, what goes past them, ReLU.

    Args:
        inputs, outputs: channels.
        kernel, dilation: of the depthwise convolution.
        residual: the input goes past, through a pointwise convolution and normalisation of its own.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, dilation: int, residual: bool) -> None:
        super().__init__()
        self.history = dilation * (kernel - 1)
        self.depthwise = TimeDepthwise(inputs, kernel, dilation, causal=True) if kernel > 1 else None
        self.pointwise = nn.Sequential(Pointwise(inputs, outputs), SubBandNorm(outputs))
        self.past = nn.Sequential(Pointwise(inputs, outputs), SubBandNorm(outputs)) if residual else None

    def forward(self, maps: Tensor, before: Tensor | None = None) -> Tensor:
        """(batch, inputs, time, 1) to (batch, outputs, time, 1).

        Args:
            maps: the input.
            before: its `history` frames before these, (batch, inputs, history, 1); None: zeros.
        """
        filtered = maps
        if self.depthwise is not None:
            filtered = self.depthwise(maps) if before is None else self.depthwise.slide(torch.cat([before, maps], dim=2))
        out: Tensor = self.pointwise(filtered)
        if self.past is not None:
            out = out + self.past(maps)
        return F.relu(out)
