"""Distillation: a smaller network follows trained models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kws.errors import KwsError
from kws.inference.checkpoint import load_checkpoint
from kws.models.config import ModelConfig


class TrainedModel(Protocol):
    """A trained model, as `kws.inference.checkpoint.load_checkpoint` returns it."""

    recipe: ModelConfig
    network: nn.Module


class Teacher:
    """The mean prediction of one or more trained models.

    Args:
        models: for the same words and features.

    Raises:
        KwsError: no model.
    """

    def __init__(self, models: Sequence[TrainedModel]) -> None:
        if not models:
            raise KwsError("objective.teacher.path: no checkpoint; give one or more, or objective=cross_entropy")
        self.models = tuple(models)
        for model in self.models:
            model.network.eval().requires_grad_(False)

    def check(self, recipe: ModelConfig) -> None:
        """Make sure that a student of this recipe can follow it.

        Raises:
            KwsError: a model has other words or other features.
        """
        for model in self.models:
            for room in ("words", "features"):
                theirs, ours = (
                    # How recordings are fitted to clips is the data's: both hear the same clips.
                    {name: value for name, value in one.to_dict()[room].items() if name != "fit"}
                    if room == "features"
                    else one.to_dict()[room]
                    for one in (model.recipe, recipe)
                )
                if theirs != ours:
                    raise KwsError(
                        f"objective.teacher: it has {room}={theirs}, this run has {ours}; a teacher hears what its student hears:"
                        f" give one with the same {room}"
                    )

    @torch.no_grad()
    def probabilities(self, features: Tensor, temperature: float) -> Tensor:
        """Return the mean probabilities (batch, labels) at a temperature, for features (batch, frames, bins)."""
        logits = [model.network.to(features.device)(features).float() for model in self.models]
        return torch.stack([F.softmax(one / temperature, dim=1) for one in logits]).mean(dim=0)


def load_teacher(path: str | Path | Sequence[str | Path]) -> Teacher:
    """Load a teacher from one or more checkpoints of train.py.

    Raises:
        KwsError: a file is missing, broken, or not a checkpoint of kws; or there is none.
    """
    paths = [path] if isinstance(path, str | Path) else path
    return Teacher([load_checkpoint(one) for one in paths])
