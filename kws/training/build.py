"""Building a run's module and trainer from the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from torch import nn

from kws.errors import KwsError
from kws.models.config import ModelConfig
from kws.training.callbacks import make_callbacks
from kws.training.interruption import Interruption
from kws.training.module import KeywordModule
from kws.training.schedule import Schedule
from kws.training.settings import argument_types, build, built, plain_settings


def build_module(cfg: DictConfig, recipe: ModelConfig, schedule: Schedule) -> KeywordModule:
    """Build the network with all that trains it.

    Raises:
        KwsError: settings that don't fit.
    """
    optimizer, objective = build(cfg, "optim"), build(cfg, "objective")
    # Lightning makes the optimiser once the data is there, which may take an hour.
    built("optim", lambda: optimizer([nn.Parameter(torch.zeros(1))]))
    built("features", recipe.build_front_end)
    module: KeywordModule = built("model", lambda: KeywordModule(recipe, optimizer, schedule, cfg.check_nans, objective))
    if empty := [name for name, weight in module.network.named_parameters() if not weight.numel()]:
        raise KwsError(f"model: {OmegaConf.to_object(cfg.model)} leaves {empty[0]} without weights; give sizes of at least 1")
    return module


def build_trainer(
    cfg: DictConfig, folder: Path, schedule: Schedule, interruption: Interruption | None = None, *others: pl.Callback
) -> pl.Trainer:
    """Build Lightning's Trainer: with the callbacks of every run, these others, and those of `trainer.callbacks`.

    `trainer.logger` takes the place of the group `logger`.

    Raises:
        KwsError: settings that don't fit.
    """
    given = plain_settings(cfg.trainer, "trainer")
    callbacks, logger = given.pop("callbacks", None), given.pop("logger", None)
    if given.get("max_steps") is None:
        given["max_steps"] = schedule.total_steps
    averaging = build(cfg, "averaging") or None
    ours = make_callbacks(folder, cfg.checkpoint_steps, cfg.progress, averaging, interruption)
    trainer: pl.Trainer = built(
        "trainer",
        lambda: instantiate(
            given,
            callbacks=[*ours, *others, *_listed(_objects(callbacks, "trainer.callbacks"))],
            logger=_build_logger(cfg, folder) if logger is None else _objects(logger, "trainer.logger"),
            default_root_dir=given.pop("default_root_dir", folder),
        ),
    )
    return trainer


def _build_logger(cfg: DictConfig, folder: Path) -> Any:
    settings = plain_settings(cfg.logger, "logger")
    if "_target_" in settings and "save_dir" in argument_types(settings["_target_"], "logger").types:
        settings.setdefault("save_dir", str(folder))
    return built("logger", lambda: instantiate(settings) or False)


def _objects(settings: Any, key: str) -> Any:
    """Build what plain settings name by their `_target_`; a text names nothing."""
    for entry in _listed(settings):
        if isinstance(entry, str) or (isinstance(entry, dict) and "_target_" not in entry):
            raise KwsError(f"{key}: {entry} given; {{_target_: package.module.Class, …}} expected")
    if isinstance(settings, list):
        return [_objects(entry, key) for entry in settings]
    if isinstance(settings, dict):
        return built(key, lambda: instantiate(settings)) if "_target_" in settings else _objects(list(settings.values()), key)
    return settings


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, dict) and "_target_" not in value:
        return list(value.values())
    return value if isinstance(value, list) else [value]
