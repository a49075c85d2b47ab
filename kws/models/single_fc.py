"""single_fc: one fully connected layer, the baseline (47,052 parameters at 98 × 40 features and 12 labels)."""

from __future__ import annotations

from torch import Tensor, nn

from kws.models.layers.same_padding import Dense
from kws.models.registry import register_model


@register_model("single_fc")
class SingleFc(nn.Module):
    """Features straight to logits; source: `single_fc` of TensorFlow's tutorial.

    Args:
        frames, bins, labels: sizes of the input and the output.
    """

    def __init__(self, frames: int, bins: int, labels: int) -> None:
        super().__init__()
        self.output = Dense(frames * bins, labels, deviation=0.001)

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (batch, labels) of features (batch, frames, bins)."""
        logits: Tensor = self.output(features.flatten(1))
        return logits
