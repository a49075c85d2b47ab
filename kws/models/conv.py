"""conv: two convolutions and a dense layer (Sainath and Parada 2015, cnn-trad-fpool3; TensorFlow's tutorial)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kws.models.layers.dropout import ReluDropout
from kws.models.layers.same_padding import Dense, SameConv2d, as_image, flatten, same_padding
from kws.models.registry import register_model
from kws.models.streaming import CachedFeatures, StreamingNetwork


@register_model("conv")
class Conv(nn.Module):
    """20×8 convolution, max-pool 2×2, 10×4 convolution, logits (926,860 parameters at 98 × 40 and 12 labels).

    Args:
        frames, bins, labels: sizes of the input and the output.
        filters: channels of both convolutions.
        dropout: probability, after each convolution.
    """

    def __init__(self, frames: int, bins: int, labels: int, filters: int = 64, dropout: float = 0.5) -> None:
        super().__init__()
        self.frames, self.bins = frames, bins
        self.first = SameConv2d(1, filters, (20, 8))
        self.second = SameConv2d(filters, filters, (10, 4))
        # An odd last row or column is pooled alone: TensorFlow's SAME.
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        self.activation = ReluDropout(dropout)
        self.output = Dense(-(-frames // 2) * -(-bins // 2) * filters, labels)

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (batch, labels) of features (batch, frames, bins)."""
        maps = self.activation(self.first(as_image(features)))
        maps = self.activation(self.second(self.pool(maps)))
        logits: Tensor = self.output(flatten(maps))
        return logits

    def to_streaming(self, step: int) -> StreamingNetwork:
        """Return the streaming form, which computes once what overlapping windows share."""
        if _StreamedConv.middle_of(self.frames) < 1:
            return CachedFeatures(self, self.frames, self.bins, step)
        return _StreamedConv(self, step)


class _StreamedConv(StreamingNetwork):
    """Caches features (frames, bins); windows share all maps but those that the padding at their ends reaches.

    At 98 frames that is 19 of the 49 rows that the second convolution gives. The 30 between are cut from maps over all
    the rows at hand. An odd `step` needs two such maps, as pooling pairs rows from the window's start.
    """

    def __init__(self, network: Conv, step: int) -> None:
        super().__init__(step, (network.frames - step, network.bins))
        self.network = network
        self.frames = network.frames
        self.phases = 1 + step % 2
        # Rows of maps between; and the rows of features that those before (9 rows, of 14 pooled: 28 that look 10 ahead)
        # and those after are computed from.
        self.middle = self.middle_of(network.frames)
        self.head, self.tail = 38, network.frames - 2 * (9 + self.middle - 4) + 9

    @staticmethod
    def middle_of(frames: int) -> int:
        """Rows of the second convolution's maps that no padding in time reaches."""
        # The first pads by 9 and 10 rows, so 5 pooled ones; the second, of 10, looks back on 4 and ahead to 5.
        return (frames - 10) // 2 - 5 - 9

    def forward(self, features: Tensor, cache: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (windows, labels) and the next cache, of new features (windows · step, bins) and the cache."""
        rows = torch.cat([cache, features])
        starts = self.step * torch.arange(features.shape[0] // self.step, device=rows.device)[:, None]
        before = self._first(rows[starts + torch.arange(self.head, device=rows.device)], 9, 0)
        inside = torch.arange(self.frames - self.tail, self.frames, device=rows.device)
        after = self._first(rows[starts + inside], 0, 10)
        shared = self._first(rows[None], 0, 0)[:, :, 1:]
        between = [self._second(shared[:, :, phase:], 0, 0)[0] for phase in range(self.phases)]
        places = starts % self.phases * between[0].shape[0] + starts // 2 + torch.arange(self.middle, device=rows.device)
        maps = torch.cat([self._second(before, 4, 0), torch.cat(between)[places], self._second(after, 0, 5)], dim=1)
        logits: Tensor = self.network.output(maps.flatten(1))
        return logits, rows[rows.shape[0] - self.cache_shape[0] :]

    def _first(self, features: Tensor, before: int, after: int) -> Tensor:
        """Return the first convolution's maps (batch, filters, rows, bins) for this padding in time."""
        first = self.network.first
        low, high = same_padding(features.shape[2], first.weight.shape[3], 1)
        padded = F.pad(features[:, None], [low, high, before, after])
        maps: Tensor = self.network.activation(F.conv2d(padded, first.weight, first.bias))
        return maps

    def _second(self, first: Tensor, before: int, after: int) -> Tensor:
        """Return the second convolution's maps (batch, rows, bins · filters) for this padding in time."""
        second, pooled = self.network.second, self.network.pool(first)
        low, high = same_padding(pooled.shape[3], second.weight.shape[3], 1)
        padded = F.pad(pooled, [low, high, before, after])
        maps = self.network.activation(F.conv2d(padded, second.weight, second.bias))
        rows: Tensor = maps.permute(0, 2, 3, 1).flatten(2)
        return rows
