"""Train a keyword spotter: python train.py [setting=value …]; `python train.py --help` lists the settings."""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path

import hydra
import pytorch_lightning as pl
import torch
from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from kws.allocator import keep_freed_memory
from kws.callbacks import best_validation, make_callbacks
from kws.data.datamodule import KeywordData
from kws.errors import KwsError
from kws.models.summary import describe
from kws.module import KeywordModule
from kws.recipe import Recipe
from kws.report import write_report

log = logging.getLogger("train")


def train(cfg: DictConfig, folder: Path) -> float:
    """Train, test and report one run; returns the validation accuracy that sweeps maximise."""
    keep_freed_memory()
    if cfg.threads is not None:
        torch.set_num_threads(cfg.threads)
    pl.seed_everything(cfg.seed, verbose=False)
    recipe = Recipe.from_dict({room: OmegaConf.to_object(cfg[room]) for room in ("words", "features", "model")})
    schedule = instantiate(cfg.schedule)
    module = KeywordModule(recipe, instantiate(cfg.optim), schedule, cfg.check_nans)
    if cfg.show:
        print(describe(module.network, recipe.build_front_end()))
        return float("nan")
    data = instantiate(cfg.data)
    trainer = instantiate(
        cfg.trainer,
        max_steps=schedule.total_steps if cfg.trainer.max_steps is None else cfg.trainer.max_steps,
        logger=instantiate(cfg.logger) or False,
        callbacks=make_callbacks(folder, cfg.checkpoint_steps, cfg.progress),
        default_root_dir=folder,
    )
    recipe.labels.write(folder / "labels.txt")
    start = time.perf_counter()
    trainer.fit(module, data, ckpt_path=cfg.ckpt)
    minutes = (time.perf_counter() - start) / 60
    trainer.save_checkpoint(folder / "checkpoints" / "last.ckpt")
    return test(cfg, trainer, module, data, folder, minutes)


def test(cfg: DictConfig, trainer: pl.Trainer, module: KeywordModule, data: KeywordData, folder: Path, minutes: float) -> float:
    """Test the chosen weights; write test.json and the picture; say the one line of result."""
    validation = best_validation(trainer)
    weights = folder / "checkpoints" / f"{cfg.test_weights}.ckpt"
    if not weights.exists():
        raise KwsError(f"test_weights: {cfg.test_weights} has no checkpoint at {weights}; give best (needs a validation) or last")
    trainer.test(module, data, ckpt_path=weights, verbose=False)
    confusion = module.confusion
    if trainer.is_global_zero and confusion is not None:
        facts = {"loss": module.loss, "validation_accuracy": validation, "steps": trainer.global_step, "minutes": minutes}
        write_report(folder, confusion, {**facts, "weights": str(weights)})
        log.info("testing set, weights %s\n%s", cfg.test_weights, confusion.to_text())
        log.info(
            "test accuracy %.2f %% of %d clips · validation %.2f %% · %d steps in %.1f min · %s",
            100 * confusion.accuracy, confusion.total, 100 * validation, trainer.global_step, minutes, weights,
        )  # fmt: skip
    return validation


@hydra.main(version_base="1.3", config_path="conf", config_name="train")
def main(cfg: DictConfig) -> float:
    """Run Hydra's configuration; an error that the user can mend is said in a line."""
    try:
        return train(cfg, Path(HydraConfig.get().runtime.output_dir))
    except KwsError as error:
        log.error("error: %s", error)
        sys.exit(2)


if __name__ == "__main__":
    main()
