"""Whole runs of the real configuration on the small corpus, in this process."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from runs import CONF, SMALL
from torch import Tensor

from kws.training.datamodule import FeatureBatch
from kws.training.module import KeywordModule
from kws.training.run import train

# 12 steps.
TINY = [*SMALL, "schedule.steps=[8,4]", "logger=none", "calibrate=false", "optim=nesterov", "optim.lr=0.02"]


def configured(*overrides: str) -> DictConfig:
    """The configuration as a run gets it, resolved while there is a Hydra to ask for the run's name."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose("train", list(overrides), return_hydra_config=True)
    HydraConfig.instance().set_config(cfg)
    try:
        settings = OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "hydra"])
        return OmegaConf.create(OmegaConf.to_container(settings, resolve=True))  # type: ignore[return-value]
    finally:
        HydraConfig.instance().cfg = None


def run_tiny(corpus: Path, folder: Path, *overrides: str) -> float:
    """A run of 12 steps, or as the overrides say."""
    folder.mkdir(parents=True, exist_ok=True)
    return train(configured(*TINY, f"data.source.root={corpus}", *overrides), folder)


def content(folder: Path, name: str = "last") -> dict[str, Any]:
    """What a checkpoint of a run holds."""
    found: dict[str, Any] = torch.load(folder / "checkpoints" / f"{name}.ckpt", weights_only=True)
    return found


def same_weights(one: dict[str, Any], other: dict[str, Any], entry: str = "state_dict") -> bool:
    """Whether two checkpoints hold the same weights, bit by bit."""
    return one[entry].keys() == other[entry].keys() and all(
        torch.equal(value, other[entry][name]) for name, value in one[entry].items()
    )


def same_optimizer(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two checkpoints hold the same state of the optimiser."""
    states = [checkpoint["optimizer_states"][0] for checkpoint in (one, other)]
    tensors = [[value for entry in state["state"].values() for value in entry.values()] for state in states]
    return states[0]["param_groups"] == states[1]["param_groups"] and all(
        torch.equal(a, b) if isinstance(a, Tensor) else a == b for a, b in zip(*tensors, strict=True)
    )


@contextmanager
def signal_in(hook: str, number: int, signum: int = signal.SIGINT) -> Iterator[None]:
    """A signal that comes while a hook of the module is called for the so many-th time."""
    patch, calls = pytest.MonkeyPatch(), 0
    original = getattr(KeywordModule, hook)

    def called(self: KeywordModule, *args: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number:
            signal.raise_signal(signum)
        return original(self, *args)

    patch.setattr(KeywordModule, hook, called)
    try:
        yield
    finally:
        patch.undo()


@contextmanager
def loss_at(step: int, loss: float) -> Iterator[None]:
    """The loss of every step from this one on, the first being 1, is this number."""
    patch = pytest.MonkeyPatch()
    original = KeywordModule.training_step

    def training_step(self: KeywordModule, batch: FeatureBatch, batch_idx: int) -> Tensor:
        if self.global_step + 1 >= step:
            batch = batch._replace(features=batch.features * loss)
        return original(self, batch, batch_idx)

    patch.setattr(KeywordModule, "training_step", training_step)
    try:
        yield
    finally:
        patch.undo()


def said(caplog: pytest.LogCaptureFixture, level: int = logging.WARNING) -> list[str]:
    """What the package's own log said."""
    return [record.getMessage() for record in caplog.records if record.name.startswith("kws") and record.levelno >= level]
