"""low_latency_svdf: a layer of rank-constrained filters (Nakkiran et al. 2015; TensorFlow's tutorial)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kws.frontend.fast_linear import fast_linear
from kws.models.layers.dropout import Dropout, ReluDropout
from kws.models.layers.same_padding import Dense
from kws.models.registry import register_model
from kws.models.streaming import StreamingNetwork


class Svdf(nn.Module):
    """Units that are sums of `rank` filters, each a vector over frequency times a vector over time.

    Before the activation the layer is linear in its input, so a whole clip needs one product with the filters folded
    into a (units, frames · bins) matrix: half the multiplies of filtering in two steps, and no (batch, frames, filters)
    tensor. `frequency` and `time` stay the parameters, so streaming can filter frame by frame; so do exported models,
    for which the folded matrix would be seven times the weights to store and to read for every clip.

    Args:
        frames, bins: sizes of the input.
        units: outputs.
        rank: filters a unit.
    """

    def __init__(self, frames: int, bins: int, units: int = 1280, rank: int = 2) -> None:
        super().__init__()
        self.units, self.rank = units, rank
        self.frequency = nn.Parameter(torch.empty(units * rank, bins))
        self.time = nn.Parameter(torch.empty(units * rank, frames))
        self.bias = nn.Parameter(torch.zeros(units))
        for weight in (self.frequency, self.time):
            nn.init.trunc_normal_(weight, std=0.01, a=-0.02, b=0.02)

    def forward(self, features: Tensor) -> Tensor:
        """Return units (batch, units), before the activation, of features (batch, frames, bins)."""
        if torch.jit.is_scripting():
            return self.filter(features)
        if torch.compiler.is_compiling():
            return self.filter(features)
        time = self.time.view(self.units, self.rank, -1)
        frequency = self.frequency.view(self.units, self.rank, -1)
        folded = torch.bmm(time.transpose(1, 2), frequency)
        return fast_linear(features.flatten(1), folded.flatten(1), self.bias)

    def filter(self, features: Tensor) -> Tensor:
        """Compute `forward` in two steps: over frequency, then over time."""
        # Time comes last, so that a unit's filters lie side by side in memory and sum in one sweep.
        filtered = torch.matmul(self.frequency, features.transpose(1, 2)) * self.time
        return filtered.view(features.shape[0], self.units, -1).sum(dim=2) + self.bias

    def multiplies(self) -> int:
        """Return the multiplies for a clip, filtered in two steps as the tutorial counts them."""
        filters, bins = self.frequency.shape
        frames = self.time.shape[1]
        return frames * bins * filters + frames * filters


@register_model("low_latency_svdf")
class LowLatencySvdf(nn.Module):
    """An SVDF layer, then three linear layers (751,372 parameters at 98 × 40 and 12 labels).

    Args:
        frames, bins, labels: sizes of the input and the output.
        units: of the SVDF layer.
        rank: filters a unit.
        hidden: outputs of the two layers between.
        dropout: probability, after each layer but the last.
    """

    def __init__(
        self, frames: int, bins: int, labels: int, units: int = 1280, rank: int = 2, hidden: int = 256, dropout: float = 0.5
    ) -> None:
        super().__init__()
        self.first = Svdf(frames, bins, units, rank)
        self.activation = ReluDropout(dropout)
        self.dropout = Dropout(dropout)
        self.second = Dense(units, hidden)
        self.third = Dense(hidden, hidden)
        self.output = Dense(hidden, labels)

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (batch, labels) of features (batch, frames, bins)."""
        return self.classify(self.first(features))

    def classify(self, units: Tensor) -> Tensor:
        """Return logits (batch, labels) of the SVDF layer's units (batch, units), before their activation."""
        out = self.dropout(self.second(self.activation(units)))
        out = self.dropout(self.third(out))
        logits: Tensor = self.output(out)
        return logits

    def to_streaming(self, step: int) -> StreamingNetwork:
        """Return the streaming form, which filters each frame over frequency once."""
        return _StreamedSvdf(self, step)


class _StreamedSvdf(StreamingNetwork):
    """Caches filtered frames (filters, frames); a new frame costs bins · filters multiplies."""

    def __init__(self, network: LowLatencySvdf, step: int) -> None:
        filters, frames = network.first.time.shape
        super().__init__(step, (filters, frames - step))
        self.network = network

    def forward(self, features: Tensor, cache: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (windows, labels) and the next cache, of new features (windows · step, bins) and the cache."""
        first = self.network.first
        rows = torch.cat([cache, torch.matmul(first.frequency, features.t())], dim=1)
        # The time filters slide over the stream: a convolution of each filter with itself alone.
        filters = first.time.shape[0]
        images, kernels = rows[None, :, :, None], first.time[:, None, :, None]
        filtered = F.conv2d(images, kernels, stride=[self.step, 1], groups=filters)[0, :, :, 0].t()
        units = filtered.reshape(-1, first.units, first.rank).sum(dim=2) + first.bias
        return self.network.classify(units), rows[:, rows.shape[1] - self.cache_shape[1] :]
