"""A moving average of the weights, which is validated, tested and kept in their place (Polyak and Juditsky 1992)."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import WeightAveraging
from pytorch_lightning.trainer.states import TrainerFn
from torch import Tensor

from kws.errors import KwsError


class MovingAverage(WeightAveraging):
    """An exponential moving average that starts short, so that the first weights are soon forgotten.

    Args:
        decay: share of the average that an update keeps; after n updates at most (1 + n) / (10 + n).
        every: steps between two updates.

    Raises:
        KwsError: a decay that is no share, or less than a step.
    """

    def __init__(self, decay: float = 0.995, every: int = 5) -> None:
        if not 0 <= decay < 1:
            raise KwsError(f"averaging.decay: {decay:g} is no share; give at least 0 and less than 1, such as 0.995")
        if every < 1:
            raise KwsError(f"averaging.every: {every} steps make no sense; give at least 1")
        self.decay, self.every = decay, every
        self._trained: dict[str, Tensor] | None = None
        super().__init__(multi_avg_fn=self._average)

    def should_update(self, step_idx: int | None = None, epoch_idx: int | None = None) -> bool:
        """Whether to update after this step: the first one and every so many after it; never at an epoch's end."""
        return step_idx is not None and step_idx % self.every == 0

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Put the average into the module; the weights that the optimiser left are kept for the checkpoint."""
        self._trained = {name: value.detach().clone() for name, value in pl_module.state_dict().items()}
        super().on_train_end(trainer, pl_module)

    def on_save_checkpoint(self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Keep the average as the weights, and beside it the current weights, which a resumed run needs."""
        super().on_save_checkpoint(trainer, pl_module, checkpoint)
        if self._trained is not None and "current_model_state" in checkpoint:
            checkpoint["current_model_state"] = self._trained

    def on_load_checkpoint(self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Go on from a checkpoint; where one is tested, the average that it holds is what is tested.

        Lightning would put the optimiser's own weights back in either case.
        """
        if trainer.state.fn == TrainerFn.FITTING:
            super().on_load_checkpoint(trainer, pl_module, checkpoint)

    def _average(self, averages: list[Tensor], currents: list[Tensor], updates: Tensor | int) -> None:
        """Average all tensors of a type in one call, which a GPU does without waiting; copy counts."""
        if not averages[0].is_floating_point():
            torch._foreach_copy_(averages, currents)
            return
        keep = min(self.decay, (1 + float(updates)) / (10 + float(updates)))
        torch._foreach_lerp_(averages, currents, 1 - keep)
