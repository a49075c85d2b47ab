"""Lightning callbacks: what a run says and keeps while it trains."""

from __future__ import annotations

import logging
from pathlib import Path

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback, ModelCheckpoint, TQDMProgressBar
from pytorch_lightning.loggers import TensorBoardLogger

from kws.module import KeywordModule
from kws.plots import confusion_figure

log = logging.getLogger(__name__)


class ConfusionReport(Callback):
    """Logs each validation's confusion matrix: as text, and as a picture in TensorBoard."""

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Log the counts of the pass that ended."""
        if not isinstance(pl_module, KeywordModule) or pl_module.confusion is None or not trainer.is_global_zero:
            return
        confusion, step = pl_module.confusion, trainer.global_step
        log.info(
            "step %d: validation accuracy %.2f %% of %d clips, loss %.4f\n%s",
            step, 100 * confusion.accuracy, confusion.total, pl_module.loss, confusion.to_text(),
        )  # fmt: skip
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                logger.experiment.add_figure("val/confusion", confusion_figure(confusion), global_step=step)


def make_callbacks(folder: Path, checkpoint_steps: int, progress: bool = True) -> list[Callback]:
    """The callbacks of a run: confusion matrix, checkpoints `best` and `last`, a progress bar.

    Args:
        folder: of the run; checkpoints go to `checkpoints/` in it.
        checkpoint_steps: steps between two `last` checkpoints.
        progress: show the bar.
    """
    checkpoints = folder / "checkpoints"
    callbacks: list[Callback] = [
        ConfusionReport(),
        ModelCheckpoint(
            checkpoints, "best", monitor="val/accuracy", mode="max", save_top_k=1, enable_version_counter=False
        ),
        ModelCheckpoint(
            checkpoints, "last", every_n_train_steps=checkpoint_steps, save_top_k=1, enable_version_counter=False
        ),
    ]  # fmt: skip
    # A bar redrawn every step would cost a small network a tenth of its speed.
    return [*callbacks, TQDMProgressBar(refresh_rate=20)] if progress else callbacks
