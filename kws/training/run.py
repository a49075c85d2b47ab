"""One run: train, test and report a network, as the configuration says."""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path

import pytorch_lightning as pl
from omegaconf import DictConfig, OmegaConf

from kws.export.formats import find_formats
from kws.models.config import ModelConfig
from kws.models.summary import describe
from kws.training.best_of_run import TakeBestAlong, find_best
from kws.training.build import build_module, build_trainer
from kws.training.checkpoint_writing import remove_unfinished, use_whole_checkpoints
from kws.training.datamodule import KeywordData
from kws.training.ending import say_how_it_ended
from kws.training.final_evaluation import check_test_weights, run_test, tested_checkpoint
from kws.training.final_export import export_run
from kws.training.folder import link_latest, next_steps
from kws.training.interruption import Interruption
from kws.training.module import KeywordModule
from kws.training.process import prepare_process
from kws.training.record import RunRecord, recorded_settings
from kws.training.resuming import check_resumable
from kws.training.settings import build, check_settings

log = logging.getLogger(__name__)


def train(cfg: DictConfig, folder: Path, guide: bool = True) -> float:
    """Train, test and report one run.

    Args:
        cfg: the configuration, as conf/train.yaml lays it out.
        folder: where the run leaves its files.
        guide: print the commands that follow, at the end.

    Returns:
        The best validation accuracy, which sweeps maximise; nan without a validation.
    """
    check_settings(cfg)
    prepare_process(cfg.seed, cfg.threads)
    recipe = ModelConfig.from_dict({room: OmegaConf.to_object(cfg[room]) for room in ("words", "features", "model")})
    schedule = build(cfg, "schedule")
    module = build_module(cfg, recipe, schedule)
    if cfg.show:
        sys.stdout.write(describe(module.network, recipe.build_front_end()) + "\n")
        return float("nan")
    data, interruption, settings = build(cfg, "data"), Interruption(), recorded_settings(cfg)
    best = TakeBestAlong()
    trainer = build_trainer(cfg, folder, schedule, interruption, RunRecord(settings), best)
    use_whole_checkpoints(trainer)
    if not trainer.is_global_zero:  # where several processes train together, the first one speaks
        logging.getLogger("kws").setLevel(logging.ERROR)
    check_test_weights(cfg.test_weights, trainer)
    formats = find_formats(cfg.export)
    if cfg.ckpt is not None:
        checkpoint = check_resumable(cfg.ckpt, module, settings, trainer.max_steps)
        best.best = find_best(Path(cfg.ckpt), checkpoint)
    _prepare_folder(folder, recipe, trainer)
    last = folder / "checkpoints" / "last.ckpt"
    with say_how_it_ended(folder, last, trainer), interruption:
        minutes = _fit(trainer, module, data, last, cfg.ckpt, interruption)
        tested = tested_checkpoint(cfg.test_weights, trainer, last)
        validation = run_test(trainer, module, data, folder, tested, minutes, cfg.calibrate)
        export_run(trainer, data, folder, tested.stem, formats)
    if guide and trainer.is_global_zero:
        log.info(next_steps(folder, tested.stem, data.source.prepare()))
    return validation


def _prepare_folder(folder: Path, recipe: ModelConfig, trainer: pl.Trainer) -> None:
    if not trainer.is_global_zero:
        return
    folder.mkdir(parents=True, exist_ok=True)
    recipe.labels.write(folder / "labels.txt")
    remove_unfinished(folder / "checkpoints")
    link_latest(folder)


def _fit(
    trainer: pl.Trainer, module: KeywordModule, data: KeywordData, last: Path, ckpt: str | None, interruption: Interruption
) -> float:
    """Train and keep the last weights; return the minutes it took."""
    start = time.perf_counter()
    trainer.fit(module, data, ckpt_path=ckpt)
    minutes = (time.perf_counter() - start) / 60
    trainer.save_checkpoint(last)
    interruption.deferred = False
    interruption.check()
    return minutes
