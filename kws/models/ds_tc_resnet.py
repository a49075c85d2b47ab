"""ds_tc_resnet: causal depthwise-separable convolutions over time (Rybakov et al. 2020), made to stream with its state carried."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kws.errors import KwsError
from kws.models.planes import Pointwise, SubBandNorm, TimeDepthwise
from kws.models.streamed import StreamedNetwork


class DsTcResNet(nn.Module):
    """Six causal blocks and a mean over the clip (73,100 parameters, 6.9 million multiplies at 98 × 40, 12 labels; 70,300 a frame).

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
        self.blocks = nn.ModuleList(
            CausalBlock(inputs[index], channels[index], kernels[index], dilations[index], residual[index])
            for index in range(len(channels))
        )
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
        return _CarriedDsTcResNet(self, step, lead)


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

    def forward(self, maps: Tensor) -> Tensor:
        """(batch, inputs, time, 1) to (batch, outputs, time, 1), zeros before the first frame."""
        return self.combine(maps if self.depthwise is None else self.depthwise(maps), maps)

    def carry(self, maps: Tensor, before: Tensor) -> Tensor:
        """As `forward`, with the last `history` frames of the input before these, (batch, inputs, history, 1)."""
        if self.depthwise is None:
            return self.combine(maps, maps)
        return self.combine(self.depthwise.slide(torch.cat([before, maps], dim=2)), maps)

    def combine(self, filtered: Tensor, maps: Tensor) -> Tensor:
        """The block's output, of the filtered input and the input itself."""
        out: Tensor = self.pointwise(filtered)
        if self.past is not None:
            out = out + self.past(maps)
        return F.relu(out)


class _CarriedDsTcResNet(StreamedNetwork):
    """The cache: frames heard, as far as that matters; each block's last inputs; the last outputs, whose mean is scored.

    Frames before the stream are made zeros at each block, as a clip's padding is.
    """

    def __init__(self, network: DsTcResNet, step: int, lead: int) -> None:
        self.pieces = [block.pointwise[0].in_channels * block.history for block in network.blocks]
        self.kept = network.frames - step
        outputs = network.output.in_features
        super().__init__(step, (1 + sum(self.pieces) + outputs * self.kept,))
        self.network, self.frames, self.lead = network, network.frames, lead

    def forward(self, features: Tensor, cache: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (windows, labels) and the next cache, of new features (windows · step, bins) and the cache."""
        heard, place = cache[:1], 1
        count = features.shape[0]
        index = heard + torch.arange(count, device=features.device)
        inside = (index >= self.lead).to(features.dtype)[None, None, :, None]
        # Counted no further than it matters, so that the number stays exact.
        after = [torch.clamp(heard + count, max=float(self.lead))]
        maps = self.network.norm(features.t()[None, :, :, None])
        for block, size in zip(self.network.blocks, self.pieces, strict=True):
            maps = maps * inside
            before = cache[place : place + size].reshape(1, maps.shape[1], -1, 1)
            place += size
            joined = torch.cat([before, maps], dim=2)
            after.append(joined[:, :, joined.shape[2] - before.shape[2] :].flatten())
            maps = block.carry(maps, before)
        rows = torch.cat([cache[place:].reshape(maps.shape[1], -1), maps[0, :, :, 0]], dim=1)
        after.append(rows[:, rows.shape[1] - self.kept :].flatten())
        means = F.avg_pool1d(rows[None], self.frames, self.step)[0].t()
        return self.network.output(means), torch.cat(after)
