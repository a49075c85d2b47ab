"""What a trained network needs to be built again: its labels, its front end and its shape, as plain settings."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from kws.errors import KwsError
from kws.features import FrontEnd
from kws.labels import LabelSet

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Recipe:
    """Labels, features and model, as the configuration names them; it travels in every checkpoint and artefact.

    Args:
        words: wanted words.
        features: the front end's class as `_target_`, and its constructor's arguments.
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
        """A front end with these settings."""
        front_end = _build("features", self.features)
        if not isinstance(front_end, FrontEnd):
            raise KwsError(f"features._target_: {self.features['_target_']} is no front end; it must be a kws.features.FrontEnd")
        return front_end

    def build_network(self, front_end: FrontEnd) -> nn.Module:
        """A network of this shape, with new weights, that fits the front end and the labels."""
        sizes = {"frames": front_end.frames, "bins": front_end.bins, "labels": len(self.labels)}
        return _build("model", {**self.model, **sizes})

    def to_dict(self) -> dict[str, Any]:
        """As plain lists and dictionaries, for a checkpoint or JSON."""
        return {"words": list(self.words), "features": dict(self.features), "model": dict(self.model)}

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Recipe:
        """From what `to_dict` gave."""
        return cls(tuple(settings["words"]), settings["features"], settings["model"])


def _build(room: str, settings: Settings) -> nn.Module:
    arguments = {name: value for name, value in settings.items() if not name.startswith("_")}
    target = str(settings.get("_target_", ""))
    module, _, name = target.rpartition(".")
    try:
        made = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise KwsError(f"{room}._target_: {target!r} can't be imported ({error}); give package.module.Class") from error
    # A checkpoint names its classes: only a network may be built from it, never an arbitrary function called.
    if not (isinstance(made, type) and issubclass(made, nn.Module)):
        raise KwsError(f"{room}._target_: {target} is not a torch.nn.Module")
    try:
        return made(**arguments)
    except TypeError as error:
        raise KwsError(f"{room}: {error}; {target} does not fit the settings {sorted(arguments)}") from error
