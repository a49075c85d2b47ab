"""Base class of front ends, and their registry."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from kws.audio.framing import FeatureSpec
from kws.frontend.registry import Registry


class FrontEnd(nn.Module):
    """Base class: `forward` maps a waveform to features; `frames` and `bins` are the output's sizes."""

    spec: FeatureSpec
    frames: int
    bins: int
    # TorchScript can't parse these annotations, and `forward` does not need the attributes.
    __jit_ignored_attributes__ = ("spec", "frames", "bins")

    def forward(self, waveform: Tensor) -> Tensor:
        """Compute features (batch, frames, bins) of a waveform (batch, samples) in [-1, 1]."""
        raise NotImplementedError


FRONT_ENDS: Registry[FrontEnd] = Registry("features", FrontEnd, "kws.frontend.FrontEnd", {"rate_hz": "sample_rate"})
register_front_end = FRONT_ENDS.register


def list_front_ends() -> list[str]:
    """List the names of the front ends."""
    return FRONT_ENDS.names()


def create_front_end(name: str, **settings: Any) -> FrontEnd:
    """Build a front end by name; `settings` are its constructor's arguments.

    Raises:
        KwsError: unknown name, or invalid settings.
    """
    return FRONT_ENDS.create({"name": name, **settings})
