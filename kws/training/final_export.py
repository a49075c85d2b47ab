"""Export at the end of a training run, with the run's own data."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import pytorch_lightning as pl

from kws.errors import KwsError
from kws.export.exporter import ExportData, calibration_clips, export
from kws.export.formats import Format
from kws.inference.checkpoint import load_checkpoint
from kws.training.datamodule import KeywordData

log = logging.getLogger(__name__)


def export_run(trainer: pl.Trainer, data: KeywordData, folder: Path, weights: str, formats: Sequence[Format]) -> None:
    """Write the tested weights of a finished run to `export/` in its folder, in each format.

    Args:
        trainer: of the run; where several processes train together, the first one writes.
        data: of the run; its testing set judges, its training set calibrates.
        folder: of the run.
        weights: `best` or `last`.
        formats: to be written; none: nothing is done.

    Raises:
        KwsError: an exported model was not equal to the checkpoint; the others are written all the same.
    """
    if not formats or not trainer.is_global_zero:
        return
    model = load_checkpoint(folder / "checkpoints" / f"{weights}.ckpt")
    clips = ExportData(data.test_dataloader().clips, calibration_clips(data.fixed_training_set()))
    failed = []
    for form in formats:
        report = export(model, form, folder / "export", weights, clips)
        log.info(report.to_text())
        if not report.passed:
            failed.append(report.file)
    if failed:
        raise KwsError(f"{', '.join(failed)}: not equal to the checkpoint, and not kept; the report above says where it differs")
