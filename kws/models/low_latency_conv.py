"""low_latency_conv: one convolution over the whole clip (Sainath and Parada 2015, cnn-one-fstride4)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kws.errors import KwsError
from kws.models.layers.dropout import Dropout, ReluDropout
from kws.models.layers.same_padding import Dense, as_image, flatten, initialise
from kws.models.registry import register_model
from kws.models.streaming import StreamingNetwork


@register_model("low_latency_conv")
class LowLatencyConv(nn.Module):
    """A convolution as long as the clip, then three linear layers (949,862 parameters at 98 × 40 and 12 labels).

    Args:
        frames, bins, labels: sizes of the input and the output.
        filters: channels of the convolution.
        filter_bins: width of its kernel in frequency.
        units: outputs of the two layers between.
        dropout: probability, after each layer but the last.
    """

    def __init__(
        self,
        frames: int,
        bins: int,
        labels: int,
        filters: int = 186,
        filter_bins: int = 8,
        units: int = 128,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        if filter_bins > bins:
            raise KwsError(f"model.filter_bins: {filter_bins} is wider than the {bins} feature bins; give at most {bins}")
        self.bins = bins
        self.first = nn.Conv2d(1, filters, (frames, filter_bins))
        initialise(self.first, 0.01)
        self.activation = ReluDropout(dropout)
        self.dropout = Dropout(dropout)
        self.second = Dense((bins - filter_bins + 1) * filters, units)
        self.third = Dense(units, units)
        self.output = Dense(units, labels)

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (batch, labels) of features (batch, frames, bins)."""
        return self.classify(flatten(self.first(as_image(features))))

    def classify(self, maps: Tensor) -> Tensor:
        """Return logits (batch, labels) of the convolution's output before its activation.

        That output is (batch, positions in frequency · filters).
        """
        # The layers between are linear: TensorFlow's tutorial has no activation there.
        hidden = self.dropout(self.second(self.activation(maps)))
        hidden = self.dropout(self.third(hidden))
        logits: Tensor = self.output(hidden)
        return logits

    def to_streaming(self, step: int) -> StreamingNetwork:
        """Return the streaming form, whose convolution slides over the stream."""
        return _StreamedConv(self, step)


class _StreamedConv(StreamingNetwork):
    """Caches features (frames, bins); the kernel is one window long, so the convolution itself slides."""

    def __init__(self, network: LowLatencyConv, step: int) -> None:
        super().__init__(step, (network.first.kernel_size[0] - step, network.bins))
        self.network = network

    def forward(self, features: Tensor, cache: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (windows, labels) and the next cache, of new features (windows · step, bins) and the cache."""
        first = self.network.first
        rows = torch.cat([cache, features])
        maps = F.conv2d(rows[None, None], first.weight, first.bias, [self.step, 1])
        logits: Tensor = self.network.classify(maps[0].permute(1, 2, 0).flatten(1))
        return logits, rows[rows.shape[0] - self.cache_shape[0] :]
