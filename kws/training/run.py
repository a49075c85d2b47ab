"""One run: train, test and report a network, as the configuration says."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from kws.checkpoint import check_resumable
from kws.export.formats import find_formats
from kws.export.run import export_run
from kws.models.summary import describe
from kws.process import prepare_process
from kws.recipe import Recipe
from kws.testing import check_test_weights, run_test
from kws.training.build import build_module, build_trainer
from kws.training.folder import link_latest, next_steps
from kws.training.settings import build, check_settings

log = logging.getLogger(__name__)


def train(cfg: DictConfig, folder: Path, guide: bool = True) -> float:
    """Train, test and report one run.

    Args:
        cfg: the configuration, as conf/train.yaml lays it out.
        folder: where the run leaves its files.
        guide: say at the end what can be done with them.

    Returns:
        The best validation accuracy, which sweeps maximise; nan without a validation.
    """
    check_settings(cfg)
    prepare_process(cfg.seed, cfg.threads)
    recipe = Recipe.from_dict({room: OmegaConf.to_object(cfg[room]) for room in ("words", "features", "model")})
    schedule = build(cfg, "schedule")
    module = build_module(cfg, recipe, schedule)
    if cfg.show:
        print(describe(module.network, recipe.build_front_end()))  # noqa: T201
        return float("nan")
    data = build(cfg, "data")
    trainer = build_trainer(cfg, folder, schedule)
    check_test_weights(cfg.test_weights, trainer)
    formats = find_formats(cfg.export)
    if cfg.ckpt is not None:
        check_resumable(cfg.ckpt, module)
    if trainer.is_global_zero:
        folder.mkdir(parents=True, exist_ok=True)
        recipe.labels.write(folder / "labels.txt")
        link_latest(folder)
    start = time.perf_counter()
    trainer.fit(module, data, ckpt_path=cfg.ckpt)
    minutes = (time.perf_counter() - start) / 60
    trainer.save_checkpoint(folder / "checkpoints" / "last.ckpt")
    validation = run_test(trainer, module, data, folder, cfg.test_weights, minutes, cfg.calibrate)
    export_run(trainer, data, folder, cfg.test_weights, formats)
    if guide and trainer.is_global_zero:
        log.info(next_steps(folder, cfg.test_weights, data.source.prepare()))
    return validation
