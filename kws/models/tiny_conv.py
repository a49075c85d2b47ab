"""tiny_conv and tiny_embedding_conv: for microcontrollers (TensorFlow's tutorial; 94,740 and 7,804 parameters)."""

from __future__ import annotations

from math import ceil

from torch import Tensor, nn

from kws.models.layers.dropout import ReluDropout
from kws.models.layers.same_padding import Dense, SameConv2d, as_image, flatten
from kws.models.registry import register_model


@register_model("tiny_conv")
class TinyConv(nn.Module):
    """A 10×8 convolution with stride 2, then logits.

    Args:
        frames, bins, labels: sizes of the input and the output.
        filters: channels of the convolution.
        dropout: probability, after the convolution.
    """

    def __init__(self, frames: int, bins: int, labels: int, filters: int = 8, dropout: float = 0.5) -> None:
        super().__init__()
        self.first = SameConv2d(1, filters, (10, 8), (2, 2))
        self.activation = ReluDropout(dropout)
        self.output = Dense(-(-frames // 2) * -(-bins // 2) * filters, labels)

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (batch, labels) of features (batch, frames, bins)."""
        maps = self.activation(self.first(as_image(features)))
        logits: Tensor = self.output(flatten(maps))
        return logits


@register_model("tiny_embedding_conv")
class TinyEmbeddingConv(nn.Module):
    """A 10×8 convolution with stride 2, another with stride 8, then logits.

    Args:
        frames, bins, labels: sizes of the input and the output.
        filters: channels of both convolutions.
        dropout: probability, after each convolution.
    """

    def __init__(self, frames: int, bins: int, labels: int, filters: int = 8, dropout: float = 0.5) -> None:
        super().__init__()
        self.first = SameConv2d(1, filters, (10, 8), (2, 2))
        self.second = SameConv2d(filters, filters, (10, 8), (8, 8))
        self.activation = ReluDropout(dropout)
        self.output = Dense(ceil(frames / 16) * ceil(bins / 16) * filters, labels)

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (batch, labels) of features (batch, frames, bins)."""
        maps = self.activation(self.first(as_image(features)))
        maps = self.activation(self.second(maps))
        logits: Tensor = self.output(flatten(maps))
        return logits
