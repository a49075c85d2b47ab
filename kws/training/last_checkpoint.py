"""The checkpoint `last`: every so many steps, and at the step where a signal stops the run."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Checkpoint
from pytorch_lightning.trainer.states import TrainerFn
from pytorch_lightning.utilities.types import STEP_OUTPUT

from kws.errors import KwsError
from kws.training.interruption import Interrupted, Interruption
from kws.training.module import log_interval


class LastCheckpoint(Checkpoint):
    """Keeps the last weights, with all that the run needs to go on from them as if it had never stopped.

    Where a validation follows the step, it is written after the validation, so that what goes on from it knows its
    result.

    Args:
        path: the file.
        every: steps between two checkpoints; 0: none before the end.
        interruption: signals that stop the run, after a checkpoint; None: none do.

    Attributes:
        step: of the last checkpoint that was written; None: none was.

    Raises:
        KwsError: steps below 0.
    """

    def __init__(self, path: Path, every: int, interruption: Interruption | None = None) -> None:
        if isinstance(every, bool) or not isinstance(every, int) or every < 0:
            raise KwsError(f"checkpoint_steps: {every} given; a number of steps expected, or 0: at the end alone")
        self.path, self.every = path, every
        self.step: int | None = None
        self._interruption = Interruption() if interruption is None else interruption
        self._stopping, self._due, self._whole, self._seen = False, False, False, 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """From here on a signal waits for the end of its step."""
        self._seen = trainer.global_step
        self._interruption.check()
        self._interruption.deferred = True
        self._take_signals()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: STEP_OUTPUT, batch: Any, batch_idx: int
    ) -> None:
        """Write, if it is time, or stop; only after a step of the optimiser, for gathered gradients are not kept."""
        step = trainer.global_step
        self._whole, self._seen = step != self._seen, step
        if not self._whole:
            return
        self._stopping = self._shall_stop(trainer)
        if not self._stopping and not (self.every and step % self.every == 0):
            return
        self._due = _validation_follows(trainer)
        if not self._due:
            self._write(trainer)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write what had to wait for the validation, or stop where a signal came in the middle of it."""
        if trainer.state.fn != TrainerFn.FITTING or trainer.sanity_checking:
            return
        if trainer.world_size == 1 and self._whole:
            self._stopping = self._interruption.signum is not None
        if self._due or self._stopping:
            self._due = False
            self._write(trainer)

    def on_load_checkpoint(self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Where a checkpoint is tested, its weights are all that counts: what the run's callbacks know stays."""
        if trainer.state.fn != TrainerFn.FITTING:
            checkpoint["callbacks"] = {}

    def on_test_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Nothing has to be waited for in a test."""
        self._interruption.deferred = False
        self._take_signals()

    def _take_signals(self) -> None:
        # Lightning takes SIGTERM as a run of its own starts, and would leave without a checkpoint.
        if self._interruption.is_open:
            self._interruption.install()

    def _shall_stop(self, trainer: pl.Trainer) -> bool:
        came = self._interruption.signum is not None
        if trainer.world_size == 1:
            return came
        # Processes that train together stop at one step, or wait for each other for ever.
        every = log_interval(trainer) or 1
        return trainer.global_step % every == 0 and trainer.strategy.reduce_boolean_decision(came, all=False)

    def _write(self, trainer: pl.Trainer) -> None:
        if not is_trial(trainer) or self._stopping:
            trainer.save_checkpoint(self.path)
            self.step = trainer.global_step
        if self._stopping:
            raise Interrupted(self._interruption.signum or signal.SIGTERM)


def is_trial(trainer: pl.Trainer) -> bool:
    """Whether a trainer runs a few batches to see if it works, and keeps nothing. (Lightning does not declare it.)"""
    return bool(getattr(trainer, "fast_dev_run", False))


def _validation_follows(trainer: pl.Trainer) -> bool:
    """Whether Lightning validates after the step that ends: its own rule, which has no public name."""
    fetcher = trainer.fit_loop._data_fetcher
    return fetcher is not None and bool(trainer.fit_loop.epoch_loop._should_check_val_fx(fetcher))
