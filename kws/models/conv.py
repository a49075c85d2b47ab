"""conv: two convolutions and a fully connected layer (Sainath and Parada 2015, cnn-trad-fpool3; the original's `conv`)."""

from __future__ import annotations

from torch import Tensor, nn

from kws.models.dropout import ReluDropout
from kws.models.layers import Dense, SameConv2d, as_image, flatten


class Conv(nn.Module):
    """20×8 convolution, max-pool 2×2, 10×4 convolution, logits (926,860 parameters at 98 × 40 and 12 labels).

    Args:
        frames, bins, labels: sizes of the input and the output.
        filters: channels of both convolutions.
        dropout: probability, after each convolution.
    """

    def __init__(self, frames: int, bins: int, labels: int, filters: int = 64, dropout: float = 0.5) -> None:
        super().__init__()
        self.first = SameConv2d(1, filters, (20, 8))
        self.second = SameConv2d(filters, filters, (10, 4))
        # An odd last row or column is pooled alone: TensorFlow's SAME.
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        self.activation = ReluDropout(dropout)
        self.output = Dense(-(-frames // 2) * -(-bins // 2) * filters, labels)

    def forward(self, features: Tensor) -> Tensor:
        """Logits (batch, labels) of features (batch, frames, bins)."""
        maps = self.activation(self.first(as_image(features)))
        maps = self.activation(self.second(self.pool(maps)))
        logits: Tensor = self.output(flatten(maps))
        return logits
