"""One run: train, test and report a network, as the configuration says."""

from __future__ import annotations

import time
from pathlib import Path

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from kws.callbacks import make_callbacks
from kws.checkpoint import check_resumable
from kws.export.formats import find_formats
from kws.export.run import export_run
from kws.models.summary import describe
from kws.module import KeywordModule
from kws.process import prepare_process
from kws.recipe import Recipe
from kws.testing import check_test_weights, run_test


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
    data = instantiate(cfg.data)
    trainer = instantiate(
        cfg.trainer,
        max_steps=schedule.total_steps if cfg.trainer.max_steps is None else cfg.trainer.max_steps,
        logger=instantiate(cfg.logger) or False,
        callbacks=make_callbacks(folder, cfg.checkpoint_steps, cfg.progress, instantiate(cfg.averaging) or None),
        default_root_dir=folder,
    )
    check_test_weights(cfg.test_weights, trainer)
    formats = find_formats(cfg.export)
    if cfg.ckpt is not None:
        check_resumable(cfg.ckpt, module)
    if trainer.is_global_zero:
        recipe.labels.write(folder / "labels.txt")
    start = time.perf_counter()
    trainer.fit(module, data, ckpt_path=cfg.ckpt)
    minutes = (time.perf_counter() - start) / 60
    trainer.save_checkpoint(folder / "checkpoints" / "last.ckpt")
    validation = run_test(trainer, module, data, folder, cfg.test_weights, minutes, cfg.calibrate)
    export_run(trainer, data, folder, cfg.test_weights, formats)
    return validation
