"""The testing set at the end of a run: the chosen weights, their calibration, the report, the line of result."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint

from kws.artefacts.rewrite import write_temperature
from kws.calibration import Fit, assess, choose_temperature, log_scores
from kws.checkpoint import load_checkpoint
from kws.data.datamodule import KeywordData
from kws.data.fixed_set import FixedSet
from kws.errors import KwsError
from kws.evaluation import answers
from kws.module import KeywordModule
from kws.plots import reliability_figure, save_figure
from kws.report import summary, write_report
from kws.unseen import report_unseen

log = logging.getLogger(__name__)


def check_test_weights(weights: str, trainer: pl.Trainer) -> None:
    """Make sure, before a run, that the weights to be tested after it will be there.

    Raises:
        KwsError: they are neither `best` nor `last`, or `best` without a validation.
    """
    if weights not in ("best", "last"):
        raise KwsError(f"test_weights: {weights} given; best or last expected")
    every, batches = trainer.val_check_interval, trainer.max_steps * trainer.accumulate_grad_batches
    if weights == "best" and isinstance(every, int) and 0 <= batches < every:
        raise KwsError(
            f"test_weights: best needs a validation, and a run of {batches} steps has none at trainer.val_check_interval={every};"
            " make that smaller, or set test_weights=last"
        )


def run_test(
    trainer: pl.Trainer,
    module: KeywordModule,
    data: KeywordData,
    folder: Path,
    weights: str,
    minutes: float,
    calibrate: bool = True,
) -> float:
    """Test the chosen weights of a finished run; write the report and say the result.

    Args:
        trainer, module, data: of the run.
        folder: of the run, with `checkpoints/` in it.
        weights: `best` or `last`.
        minutes: that the run took.
        calibrate: fit a temperature on the validation set, and write it into the checkpoint.

    Returns:
        The best validation accuracy; nan without a validation.

    Raises:
        KwsError: there is no such checkpoint, or the folder can't be written.
    """
    validation, steps = best_validation(trainer), trainer.global_step
    path = folder / "checkpoints" / f"{weights}.ckpt"
    if not path.exists():
        raise KwsError(f"test_weights: {weights} has no checkpoint at {path}; give best (needs a validation) or last")
    trainer.test(module, data, ckpt_path=path, verbose=False)
    if trainer.is_global_zero and module.confusion is not None:
        facts = {"loss": module.loss, "validation_accuracy": validation, "steps": steps, "minutes": minutes, "weights": str(path)}
        unseen = None if data.unseen is None else report_unseen(load_checkpoint(path).score, data.unseen)
        if calibrate:
            facts |= _calibrate(path, data, folder, trainer.strategy.root_device)
        write_report(folder, module.confusion, facts | ({} if unseen is None else unseen.to_dict()))
        if unseen is not None:
            log.info(unseen.to_text())
        log.info(summary(module.confusion, facts))
    return validation


def _calibrate(path: Path, data: KeywordData, folder: Path, device: torch.device) -> dict[str, Any]:
    fit = fit_checkpoint(path, data.val_dataloader().clips, data.test_dataloader().clips, device)
    save_figure(reliability_figure({"before": fit.before, "after": fit.after}), folder / "reliability.png")
    return fit.to_dict()


def fit_checkpoint(path: Path, validation: FixedSet, testing: FixedSet, device: torch.device) -> Fit:
    """Fit a checkpoint's temperature, write it in if it helps, and judge it by clips that it was not fitted to.

    Args:
        path: the checkpoint.
        validation: clips to fit to.
        testing: clips to judge by.
        device: that scores them.

    Raises:
        KwsError: scores that are not finite, or a checkpoint that can't be written.
    """
    model = load_checkpoint(path).to(device)
    found, model.temperature = model.temperature, 1.0
    heard = [answers(model.score, clips, model.labels.names) for clips in (validation, testing)]
    (logits, truths), (test_logits, test_truths) = ((log_scores(found.scores), found.truths) for found in heard)
    choice = choose_temperature(logits, truths, model.labels.names, found)
    if choice.fitted:
        write_temperature(path, choice.temperature)
    return assess(test_logits, test_truths, choice.temperature, choice.outcome)


def best_validation(trainer: pl.Trainer) -> float:
    """The best validation accuracy that the `best` checkpoint was kept for; nan before the first validation."""
    for callback in trainer.checkpoint_callbacks:
        if isinstance(callback, ModelCheckpoint) and callback.monitor and callback.best_model_score is not None:
            return float(callback.best_model_score)
    return float("nan")
