"""Tiny training runs, and a callback that writes down what happened in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from corpora import WANTED
from torch import nn

from kws.augment.augment import Augment, BackgroundNoise, SpecAugment, TimeShift
from kws.data.sources.folder import Folder
from kws.models.config import ModelConfig
from kws.training.callbacks import make_callbacks
from kws.training.datamodule import KeywordData
from kws.training.module import KeywordModule
from kws.training.schedule import Schedule, WarmupCosine

Optimizer = Callable[[Iterator[nn.Parameter]], torch.optim.Optimizer]

RECIPE = ModelConfig(
    WANTED,
    {"name": "mfcc", "hop_ms": 40, "bins": 10},
    {"name": "tiny_conv", "filters": 3, "dropout": 0.5},
)
NESTEROV: Optimizer = partial(torch.optim.SGD, lr=0.01, momentum=0.9, nesterov=True, fused=True)
ADAMW: Optimizer = partial(torch.optim.AdamW, lr=0.003, weight_decay=0.01, fused=True)
SCHEDULE = WarmupCosine(steps=40, warmup_steps=4, final_factor=0.1)
# Of the small corpus: 24 wanted, 3 unknown and 3 silence clips make six steps an epoch.
BATCH_SIZE, STEPS_PER_EPOCH = 5, 6


@dataclass
class Diary(pl.Callback):
    """What happened at each step.

    Attributes:
        rates: learning rate of each step.
        losses: of each step.
        validations: steps done before each validation, with its counts and loss.
    """

    rates: dict[int, float] = field(default_factory=dict)
    losses: dict[int, float] = field(default_factory=dict)
    validations: list[tuple[int, list[list[int]], float]] = field(default_factory=list)

    def on_train_batch_start(self, trainer: pl.Trainer, *_: Any) -> None:
        self.rates[trainer.global_step] = trainer.optimizers[0].param_groups[0]["lr"]

    def on_train_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, outputs: Any, *_: Any) -> None:
        self.losses[trainer.global_step - 1] = float(outputs["loss"])

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        assert isinstance(module, KeywordModule)
        assert module.confusion is not None
        self.validations.append((trainer.global_step, module.confusion.counts.tolist(), module.loss))


@dataclass
class Run:
    """A finished run."""

    module: KeywordModule
    trainer: pl.Trainer
    diary: Diary
    data: KeywordData

    @property
    def weights(self) -> dict[str, torch.Tensor]:
        return {name: value.clone() for name, value in self.module.state_dict().items()}

    @property
    def optimizer_state(self) -> list[torch.Tensor]:
        state = self.trainer.optimizers[0].state_dict()["state"]
        return [value for parameter in state.values() for value in parameter.values() if isinstance(value, torch.Tensor)]


def make_data(corpus: Path, batch_size: int = BATCH_SIZE, augment: bool = True) -> KeywordData:
    augmentation = Augment(TimeShift(), BackgroundNoise(), spec_augment=SpecAugment(1, 4, 1, 2)) if augment else None
    front_end = RECIPE.build_front_end()
    return KeywordData(Folder(corpus), WANTED, front_end, augmentation, batch_size=batch_size, seed=3, progress=False)


def train_run(
    corpus: Path, folder: Path, steps: int, *, ckpt: Path | None = None, optimizer: Optimizer = NESTEROV,
    schedule: Schedule | None = SCHEDULE, last_every: int = 100, val_every: int = 4, seed: int = 1,
    recipe: ModelConfig = RECIPE, check_nans: bool = False, **settings: Any,
) -> Run:  # fmt: skip
    """Train to a step on one thread, from the start or from a checkpoint; `seed`: of whatever a checkpoint does not hold."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    module, data, diary = KeywordModule(recipe, optimizer, schedule, check_nans), make_data(corpus), Diary()
    given = {
        "max_steps": steps, "accelerator": "cpu", "devices": 1, "val_check_interval": val_every, "check_val_every_n_epoch": None,
        "num_sanity_val_steps": 0, "enable_progress_bar": False, "enable_model_summary": False, "logger": False,
        "default_root_dir": folder, "callbacks": [*make_callbacks(folder, last_every, progress=False), diary],
    }  # fmt: skip
    trainer = pl.Trainer(**{**given, **settings})
    trainer.fit(module, data, ckpt_path=ckpt)
    return Run(module, trainer, diary, data)
