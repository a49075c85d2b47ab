"""One run: train, test and report a network, as the configuration says."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import pytorch_lightning as pl
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from kws.callbacks import make_callbacks
from kws.data.datamodule import KeywordData
from kws.export.formats import find_formats
from kws.export.run import export_run
from kws.models.summary import describe
from kws.module import KeywordModule
from kws.process import prepare_process
from kws.recipe import Recipe
from kws.testing import check_test_weights, run_test, tested_checkpoint
from kws.training.best import TakeBestAlong, find_best
from kws.training.checkpoint_io import remove_unfinished, use_whole_checkpoints
from kws.training.ending import say_how_it_ended
from kws.training.interruption import Interruption
from kws.training.record import RunRecord, recorded_settings
from kws.training.resuming import check_resumable


def train(cfg: DictConfig, folder: Path) -> float:
    """Train, test and report one run.

    Args:
        cfg: the configuration, as conf/train.yaml lays it out.
        folder: where the run leaves its files.

    Returns:
        The best validation accuracy, which sweeps maximise; nan without a validation.
    """
    prepare_process(cfg.seed, cfg.threads)
    recipe = Recipe.from_dict({room: OmegaConf.to_object(cfg[room]) for room in ("words", "features", "model")})
    schedule = instantiate(cfg.schedule)
    module = KeywordModule(recipe, instantiate(cfg.optim), schedule, cfg.check_nans, instantiate(cfg.objective))
    if cfg.show:
        print(describe(module.network, recipe.build_front_end()))  # noqa: T201
        return float("nan")
    data, interruption, settings = instantiate(cfg.data), Interruption(), recorded_settings(cfg)
    averaging = instantiate(cfg.averaging) or None
    trainer = instantiate(
        cfg.trainer,
        max_steps=schedule.total_steps if cfg.trainer.max_steps is None else cfg.trainer.max_steps,
        logger=instantiate(cfg.logger) or False,
        callbacks=[
            *make_callbacks(folder, cfg.checkpoint_steps, cfg.progress, averaging, interruption),
            RunRecord(settings),
        ],
        default_root_dir=folder,
    )
    use_whole_checkpoints(trainer)
    if not trainer.is_global_zero:  # where several processes train together, the first one speaks
        logging.getLogger("kws").setLevel(logging.ERROR)
    check_test_weights(cfg.test_weights, trainer)
    formats = find_formats(cfg.export)
    if cfg.ckpt is not None:
        checkpoint = check_resumable(cfg.ckpt, module, settings, trainer.max_steps)
        trainer.callbacks.append(TakeBestAlong(find_best(Path(cfg.ckpt), checkpoint)))
    if trainer.is_global_zero:
        recipe.labels.write(folder / "labels.txt")
        remove_unfinished(folder / "checkpoints")
    last = folder / "checkpoints" / "last.ckpt"
    with say_how_it_ended(folder, last, trainer), interruption:
        minutes = _fit(trainer, module, data, last, cfg.ckpt, interruption)
        tested = tested_checkpoint(cfg.test_weights, trainer, last)
        validation = run_test(trainer, module, data, folder, tested, minutes, cfg.calibrate)
        export_run(trainer, data, folder, tested.stem, formats)
    return validation


def _fit(
    trainer: pl.Trainer, module: KeywordModule, data: KeywordData, last: Path, ckpt: str | None, interruption: Interruption
) -> float:
    """Train and keep the last weights; returns the minutes that it took."""
    start = time.perf_counter()
    trainer.fit(module, data, ckpt_path=ckpt)
    minutes = (time.perf_counter() - start) / 60
    trainer.save_checkpoint(last)
    interruption.deferred = False
    interruption.check()
    return minutes
