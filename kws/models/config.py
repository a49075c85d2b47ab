"""The settings that rebuild a trained network: labels, front end and network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from kws.frontend.front_end import FRONT_ENDS, FrontEnd
from kws.labels import LabelSet
from kws.models.registry import MODELS

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class ModelConfig:
    """Labels, features and model, as the configuration names them; it travels in every checkpoint and exported model.

    Args:
        words: keywords.
        features: the front end's `name`, and its constructor's arguments.
        model: the network's, less the sizes that follow from the front end and the labels.
    """

    words: tuple[str, ...]
    features: Settings
    model: Settings

    @property
    def labels(self) -> LabelSet:
        """The label set."""
        return LabelSet(self.words)

    def build_front_end(self) -> FrontEnd:
        """Build a front end with these settings."""
        return FRONT_ENDS.create(self.features)

    def build_network(self, front_end: FrontEnd) -> nn.Module:
        """Build a network with new weights that fits the front end and the labels."""
        sizes = {"frames": front_end.frames, "bins": front_end.bins, "labels": len(self.labels)}
        return MODELS.create(self.model, **sizes)

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists and dictionaries, for a checkpoint or JSON."""
        return {"words": list(self.words), "features": dict(self.features), "model": dict(self.model)}

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> ModelConfig:
        """Rebuild from `to_dict`, of this version or an earlier one (which named classes by their Python paths)."""
        return cls(tuple(settings["words"]), FRONT_ENDS.by_name(settings["features"]), MODELS.by_name(settings["model"]))
