"""Lightning callbacks: what a run says and keeps while it trains."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, NoReturn

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import TensorBoardLogger
from pytorch_lightning.utilities.types import STEP_OUTPUT
from tqdm import tqdm

from kws.plots.confusion import confusion_figure
from kws.training.best_checkpoint import BestCheckpoint
from kws.training.interruption import Interruption
from kws.training.last_checkpoint import LastCheckpoint
from kws.training.module import KeywordModule, log_interval

log = logging.getLogger(__name__)


class ConfusionReport(Callback):
    """Logs each validation's confusion matrix: as text, and as a picture in TensorBoard."""

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Log the counts of the pass that ended."""
        if not isinstance(pl_module, KeywordModule) or pl_module.confusion is None or not trainer.is_global_zero:
            return
        confusion, step = pl_module.confusion, trainer.global_step
        log.info(
            "\nstep %d: validation accuracy %.2f %% of %d clips, loss %.4f\n%s",
            step, 100 * confusion.accuracy, confusion.total, pl_module.loss, confusion.to_text(),
        )  # fmt: skip
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                logger.experiment.add_figure("val/confusion", confusion_figure(confusion), global_step=step)


class RunProgress(Callback):
    """One bar over all steps of the run, with the last loss and validation accuracy.

    Lightning's own bars run over epochs, which say little here, and are redrawn often enough to cost a small network a
    tenth of its speed.
    """

    def __init__(self) -> None:
        self._bar: tqdm[NoReturn] | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show the bar, at the step where the run goes on."""
        if trainer.is_global_zero:
            total = trainer.max_steps if trainer.max_steps > 0 else None
            self._bar = tqdm(
                total=total, initial=trainer.global_step, desc="training", unit="step", mininterval=0.5, smoothing=0.05
            )

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: STEP_OUTPUT, batch: Any, batch_idx: int
    ) -> None:
        """Move the bar."""
        if self._bar is None or trainer.global_step == self._bar.n:
            return
        every = log_interval(trainer)
        if every and trainer.global_step % every == 0:
            shown = {"train/loss": "loss", "val/accuracy": "validation"}
            metrics = {
                name: f"{float(trainer.callback_metrics[key]):.3f}"
                for key, name in shown.items()
                if key in trainer.callback_metrics
            }
            self._bar.set_postfix(metrics, refresh=False)
        self._bar.update(trainer.global_step - self._bar.n)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Leave the full bar."""
        self._close()

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Leave the bar as far as it came."""
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def make_callbacks(
    folder: Path,
    checkpoint_steps: int,
    progress: bool = True,
    averaging: Callback | None = None,
    interruption: Interruption | None = None,
) -> list[Callback]:
    """Build the callbacks of a run: confusion matrix, checkpoints `best` and `last`, a progress bar.

    Args:
        folder: of the run; checkpoints go to `checkpoints/` in it.
        checkpoint_steps: steps between two `last` checkpoints; 0: none before the end.
        progress: show the bar.
        averaging: of the weights; what it averages is validated, tested and kept.
        interruption: signals that stop the run, after a checkpoint; None: none do.
    """
    checkpoints = folder / "checkpoints"
    callbacks: list[Callback] = [
        ConfusionReport(),
        BestCheckpoint(
            checkpoints, "best", monitor="val/accuracy", mode="max", save_top_k=1, enable_version_counter=False
        ),
        LastCheckpoint(checkpoints / "last.ckpt", checkpoint_steps, interruption),
    ]  # fmt: skip
    extra = [averaging, RunProgress() if progress else None]
    return [*callbacks, *(callback for callback in extra if callback is not None)]
