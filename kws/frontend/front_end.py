"""Base class of the front ends, and front ends by name."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from kws.audio.framing import FeatureSpec
from kws.frontend.registry import Registry


class FrontEnd(nn.Module):
    """Base class of the front ends: `spec`, `frames` and `bins` (the output's sizes); waveform in, features out."""

    spec: FeatureSpec
    frames: int
    bins: int
    # TorchScript can't read these annotations; the forward pass needs none of the three.
    __jit_ignored_attributes__ = ("spec", "frames", "bins")

    def forward(self, waveform: Tensor) -> Tensor:
        """Features (batch, frames, bins) of a waveform (batch, samples) in [-1, 1]."""
        raise NotImplementedError


FRONT_ENDS: Registry[FrontEnd] = Registry("features", FrontEnd, "kws.frontend.FrontEnd", {"rate_hz": "sample_rate"})
register_front_end = FRONT_ENDS.register


def list_front_ends() -> list[str]:
    """List the names of the front ends."""
    return FRONT_ENDS.names()


def create_front_end(name: str, **settings: Any) -> FrontEnd:
    """Build a front end by its name; `settings` are its constructor's.

    Raises:
        KwsError: no such name, or settings that it refuses.
    """
    return FRONT_ENDS.create({"name": name, **settings})
