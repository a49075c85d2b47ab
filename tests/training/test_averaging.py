"""The moving average of the weights: what is validated, kept and gone on with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from training_steps import RECIPE, Run, train_run

from kws.errors import KwsError
from kws.inference.checkpoint import load_checkpoint
from kws.models.config import ModelConfig
from kws.training.averaging import MovingAverage
from kws.training.callbacks import make_callbacks


class Watch(pl.Callback):
    """The first weight after each step, and in each validation."""

    def __init__(self) -> None:
        self.after_step: list[torch.Tensor] = []
        self.validated: list[torch.Tensor] = []

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: object) -> None:
        self.after_step.append(next(pl_module.parameters()).detach().clone())

    def on_validation_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: object) -> None:
        self.validated.append(next(pl_module.parameters()).detach().clone())


def averaged(corpus: Path, folder: Path, steps: int, watch: Watch, every: int = 2, **settings: Any) -> Run:
    callbacks = [*make_callbacks(folder, 4, progress=False, averaging=MovingAverage(0.5, every)), watch]
    return train_run(corpus, folder, steps, callbacks=callbacks, **settings)


def expected_average(weights: list[torch.Tensor], every: int) -> torch.Tensor:
    updates = weights[::every]
    average = updates[0]
    for count, weight in enumerate(updates[1:], start=1):
        keep = min(0.5, (1 + count) / (10 + count))
        average = average * keep + weight * (1 - keep)
    return average


def test_the_average_is_validated_and_kept(small_corpus: Path, tmp_path: Path) -> None:
    watch = Watch()
    run = averaged(small_corpus, tmp_path, 8, watch)
    average = expected_average(watch.after_step, 2)
    torch.testing.assert_close(watch.validated[-1], average)
    assert not torch.allclose(watch.after_step[-1], average)
    # The module holds it at the end, and so do both checkpoints of the last step.
    torch.testing.assert_close(next(run.module.parameters()).detach(), average)
    kept = load_checkpoint(tmp_path / "checkpoints" / "last.ckpt")
    torch.testing.assert_close(next(kept.network.parameters()).detach(), average)


def test_the_average_is_tested(small_corpus: Path, tmp_path: Path) -> None:
    watch = Watch()
    run = averaged(small_corpus, tmp_path, 8, watch)
    path = tmp_path / "checkpoints" / "last.ckpt"
    run.trainer.test(run.module, run.data, ckpt_path=path, verbose=False)
    kept = load_checkpoint(path)
    for name, weight in kept.network.named_parameters():
        torch.testing.assert_close(dict(run.module.network.named_parameters())[name].detach(), weight.detach(), msg=name)


def test_a_resumed_run_ends_with_the_same_weights(small_corpus: Path, tmp_path: Path) -> None:
    whole = averaged(small_corpus, tmp_path / "whole", 8, Watch())
    averaged(small_corpus, tmp_path / "half", 4, Watch())
    rest = averaged(small_corpus, tmp_path / "half", 8, Watch(), ckpt=tmp_path / "half" / "checkpoints" / "last.ckpt")
    for name, value in whole.weights.items():
        torch.testing.assert_close(rest.weights[name], value, msg=name)


def test_counts_are_copied(small_corpus: Path, tmp_path: Path) -> None:
    """Those of batches that batch normalisation has seen: an average of them would be no count."""
    sizes = {"channels": [4], "kernels": [3], "dilations": [1], "residual": [False]}
    recipe = ModelConfig(RECIPE.words, RECIPE.features, {"name": "ds_tc_resnet", **sizes})
    averaged(small_corpus, tmp_path, 8, Watch(), every=3, recipe=recipe)
    buffers = load_checkpoint(tmp_path / "checkpoints" / "last.ckpt").network.buffers()
    # One each step, and the last update is after the seventh.
    assert {int(count) for count in buffers if not count.is_floating_point()} == {7}


def test_settings_that_make_no_sense() -> None:
    with pytest.raises(KwsError, match=r"averaging.decay: 1 is no share"):
        MovingAverage(1.0)
    with pytest.raises(KwsError, match=r"averaging.every: 0 steps"):
        MovingAverage(every=0)
