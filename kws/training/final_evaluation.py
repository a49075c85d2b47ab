"""The testing set at the end of a run: the chosen weights, their calibration, the report, the line of result."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytorch_lightning as pl
import torch

from kws.data.sets.clip_set import ClipSet
from kws.errors import KwsError
from kws.evaluation.calibration import Fit, assess, choose_temperature, log_scores
from kws.evaluation.confusion import Confusion
from kws.evaluation.predictions import predict_dataset
from kws.evaluation.unseen_words import report_unseen
from kws.inference.checkpoint import load_checkpoint
from kws.inference.metadata_update import write_temperature
from kws.plots.figure import save_figure
from kws.plots.reliability import reliability_figure
from kws.reports.test_report import summary, write_report
from kws.training.best_of_run import best_callback, written_best
from kws.training.datamodule import KeywordData
from kws.training.last_checkpoint import is_trial
from kws.training.module import KeywordModule

log = logging.getLogger(__name__)

T = TypeVar("T")


def check_test_weights(weights: str, trainer: pl.Trainer) -> None:
    """Check before a run, as far as possible, that the weights to be tested will exist.

    Raises:
        KwsError: they are neither `best` nor `last`, or `best` without a validation.
    """
    if weights not in ("best", "last"):
        raise KwsError(f"test_weights: {weights} given; best or last expected")
    if weights == "last":
        return
    every, batches = trainer.val_check_interval, trainer.max_steps * trainer.accumulate_grad_batches
    if isinstance(every, int) and 0 <= batches < every and not is_trial(trainer):
        raise KwsError(
            f"test_weights: best needs a validation, and a run of {batches} steps has none at trainer.val_check_interval={every};"
            " make that smaller, or set test_weights=last"
        )
    if is_trial(trainer) or not trainer.limit_val_batches:
        reason = "fast_dev_run keeps none" if is_trial(trainer) else "limit_val_batches=0 leaves no validation to choose by"
        log.warning("test_weights: there will be no best weights (trainer.%s); the last ones will be tested", reason)


def tested_checkpoint(weights: str, trainer: pl.Trainer, last: Path) -> Path:
    """Return the checkpoint to be tested: written by this run, or taken along from the one it resumed.

    Args:
        weights: `best` or `last`.
        trainer: of the finished run.
        last: the checkpoint of its last weights.
    """
    if weights == "last":
        return last
    best = written_best(trainer)
    if best is None:
        log.warning("test_weights: the run had no validation to choose the best weights by; the last ones are tested")
    return best or last


def run_test(
    trainer: pl.Trainer,
    module: KeywordModule,
    data: KeywordData,
    folder: Path,
    path: Path,
    minutes: float,
    calibrate: bool = True,
) -> float:
    """Test a checkpoint of a finished run; write the report and log the result.

    An error after the test itself (unseen words, calibration, a plot) is raised once the rest of the report is written
    and the result is logged.

    Args:
        trainer, module, data: of the run.
        folder: of the run.
        path: the checkpoint, see `tested_checkpoint`.
        minutes: that the run took.
        calibrate: fit a temperature on the validation set, and write it into the checkpoint.

    Returns:
        The best validation accuracy; nan without a validation.

    Raises:
        KwsError: there is no such checkpoint, or the folder can't be written.
    """
    validation, steps = best_validation(trainer), trainer.global_step
    trainer.test(module, data, ckpt_path=path, verbose=False)
    if trainer.is_global_zero and module.confusion is not None:
        facts = {"loss": module.loss, "validation_accuracy": validation, "steps": steps, "minutes": minutes, "weights": str(path)}
        _report(module.confusion, facts, data, folder, path, trainer.strategy.root_device if calibrate else None)
    return validation


def _report(
    confusion: Confusion, facts: dict[str, Any], data: KeywordData, folder: Path, path: Path, device: torch.device | None
) -> None:
    """Write the report of a test, and log its results; `device` computes the calibration."""
    failed: list[Exception] = []
    # At once: what follows may take its time, or fail.
    _attempt(failed, lambda: write_report(folder, confusion, facts, picture=False))
    unseen = None
    if (unseen_set := data.unseen) is not None:
        unseen = _attempt(failed, lambda: report_unseen(load_checkpoint(path).score, unseen_set))
    if device is not None:
        facts = {**facts, **(_attempt(failed, lambda: _calibrate(path, data, folder, device)) or {})}
    _attempt(failed, lambda: write_report(folder, confusion, {**facts, **({} if unseen is None else unseen.to_dict())}))
    if unseen is not None:
        log.info(unseen.to_text())
    log.info(summary(confusion, facts))
    if failed:
        raise failed[0]


def _attempt(failed: list[Exception], do: Callable[[], T]) -> T | None:
    """Run a part of a report; defer its error to the end of the report."""
    try:
        return do()
    except Exception as error:
        failed.append(error)
        return None


def _calibrate(path: Path, data: KeywordData, folder: Path, device: torch.device) -> dict[str, Any]:
    fit = fit_checkpoint(path, data.val_dataloader().clips, data.test_dataloader().clips, device)
    save_figure(reliability_figure({"before": fit.before, "after": fit.after}), folder / "reliability.png")
    return fit.to_dict()


def fit_checkpoint(path: Path, validation: ClipSet, testing: ClipSet, device: torch.device) -> Fit:
    """Fit a checkpoint's temperature, write it into the file if it helps, and measure it on other clips.

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
    heard = [predict_dataset(model.score, clips, model.labels.names) for clips in (validation, testing)]
    (logits, truths), (test_logits, test_truths) = ((log_scores(found.scores), found.truths) for found in heard)
    choice = choose_temperature(logits, truths, model.labels.names, found)
    if choice.fitted:
        write_temperature(path, choice.temperature)
    return assess(test_logits, test_truths, choice.temperature, choice.outcome)


def best_validation(trainer: pl.Trainer) -> float:
    """Return the best validation accuracy, that of `best`; nan before the first validation."""
    callback = best_callback(trainer)
    score = None if callback is None else callback.best_model_score
    return float("nan") if score is None else float(score)
