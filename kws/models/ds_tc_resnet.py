"""ds_tc_resnet: causal depthwise-separable convolutions over time (Rybakov et al. 2020); it streams with its state carried."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kws.errors import KwsError
from kws.models.planes import Pointwise, SubBandNorm, TimeDepthwise
from kws.models.streamed import StreamedNetwork


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
        # Channels and frames that each block keeps of its input, in a stream.
        self.histories = [(inputs[index], block.history) for index, block in enumerate(blocks)]
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


class _CarriedDsTcResNet(StreamedNetwork):
    """The cache: frames heard, as far as that matters; each block's last inputs; the last outputs, whose mean is scored.

    Frames before the stream are made zeros at each block, as a clip's padding is.
    """

    def __init__(self, network: DsTcResNet, step: int, lead: int) -> None:
        self.shapes = network.histories
        self.kept = network.frames - step
        caches = sum(inputs * history for inputs, history in self.shapes)
        super().__init__(step, (1 + caches + network.output.in_features * self.kept,))
        self.network, self.frames, self.lead = network, network.frames, lead

    def forward(self, features: Tensor, cache: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (windows, labels) and the next cache, of new features (windows · step, bins) and the cache."""
        heard = cache[:1]
        place = 1
        count = features.shape[0]
        numbers = heard + torch.arange(count, device=features.device)
        inside = (numbers >= self.lead).to(features.dtype)[None, None, :, None]
        # Counted no further than it matters, so that the number stays exact.
        after = [torch.clamp(heard + count, max=float(self.lead))]
        maps = self.network.norm(features.t()[None, :, :, None])
        for index, block in enumerate(self.network.blocks):
            maps = maps * inside
            inputs, history = self.shapes[index]
            before = cache[place : place + inputs * history].reshape(1, inputs, history, 1)
            place += inputs * history
            joined = torch.cat([before, maps], dim=2)
            after.append(joined[:, :, count:].flatten())
            maps = block(maps, before)
        rows = torch.cat([cache[place:].reshape(maps.shape[1], -1), maps[0, :, :, 0]], dim=1)
        after.append(rows[:, rows.shape[1] - self.kept :].flatten())
        means = F.avg_pool1d(rows[None], self.frames, self.step)[0].t()
        return self.network.output(means), torch.cat(after)
