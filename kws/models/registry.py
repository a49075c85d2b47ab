"""Networks by name."""

from __future__ import annotations

from typing import Any

from torch import nn

from kws.frontend.registry import Registry

MODELS: Registry[nn.Module] = Registry("model", nn.Module, "torch.nn.Module")
register_model = MODELS.register


def list_models() -> list[str]:
    """List the names of the networks."""
    return MODELS.names()


def create_model(name: str, *, frames: int = 98, bins: int = 40, labels: int = 12, **settings: Any) -> nn.Module:
    """Build a network with new weights: features (batch, frames, bins) to logits (batch, labels).

    Args:
        name: one of `list_models()`.
        frames, bins: size of the features.
        labels: number of labels, silence and unknown among them.
        settings: those of the network's constructor.

    Raises:
        KwsError: no such name, or settings that the network refuses.
    """
    return MODELS.create({"name": name, **settings}, frames=frames, bins=bins, labels=labels)
