"""Training: exact resuming, learning rates, validation, and finding what is not a number."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from corpora import SPEAKERS, TAKES, WANTED
from training_steps import ADAMW, NESTEROV, RECIPE, SCHEDULE, STEPS_PER_EPOCH, Optimizer, Run, make_data, train_run

from kws.errors import KwsError
from kws.inference.metadata import CHECKPOINT_KEY
from kws.models.config import ModelConfig
from kws.training.datamodule import FeatureBatch
from kws.training.module import KeywordModule
from kws.training.schedule import PiecewiseConstant

STEPS = 20
OPTIMIZERS = {"nesterov": NESTEROV, "adamw": ADAMW}
QUIET: dict[str, Any] = {
    "accelerator": "cpu", "logger": False, "enable_checkpointing": False, "enable_progress_bar": False,
    "enable_model_summary": False, "log_every_n_steps": 1,
}  # fmt: skip


# Lightning says that a checkpoint comes from another folder and from a `last` of another interval.
resumes = pytest.mark.filterwarnings("ignore:The dirpath has changed", "ignore:Be aware that when using `ckpt_path`")


@pytest.fixture(scope="module", params=list(OPTIMIZERS))
def optimizer(request: pytest.FixtureRequest) -> Optimizer:
    return OPTIMIZERS[request.param]


@pytest.fixture(scope="module")
def whole(small_corpus: Path, tmp_path_factory: pytest.TempPathFactory, optimizer: Optimizer) -> Run:
    """A run that never stopped."""
    return train_run(small_corpus, tmp_path_factory.mktemp("whole"), STEPS, optimizer=optimizer)


# Exact resuming: each of these makes a checkpoint of a run that stopped, and says at which step it is.

Stopped = Callable[[Path, Path, Optimizer], tuple[Path, int]]


def mid_epoch(corpus: Path, folder: Path, optimizer: Optimizer) -> tuple[Path, int]:
    """Kept by `last` after step 10; the run went on to step 11."""
    train_run(corpus, folder, 11, optimizer=optimizer, last_every=10)
    return folder / "checkpoints" / "last.ckpt", 10


def after_validation(corpus: Path, folder: Path, optimizer: Optimizer) -> tuple[Path, int]:
    """Kept by `best` after the first validation; the run went on to step 7."""
    run = train_run(corpus, folder, 7, optimizer=optimizer)
    assert [step for step, *_ in run.diary.validations] == [4]
    return folder / "checkpoints" / "best.ckpt", 4


def before_validation(corpus: Path, folder: Path, optimizer: Optimizer) -> tuple[Path, int]:
    """Kept by `last` after step 8, just before its validation."""
    train_run(corpus, folder, 9, optimizer=optimizer, last_every=8)
    return folder / "checkpoints" / "last.ckpt", 8


def at_epochs_end(corpus: Path, folder: Path, optimizer: Optimizer) -> tuple[Path, int]:
    """Kept by `last` after the last step of the third epoch."""
    train_run(corpus, folder, 19, optimizer=optimizer, last_every=3 * STEPS_PER_EPOCH)
    return folder / "checkpoints" / "last.ckpt", 3 * STEPS_PER_EPOCH


def at_epochs_end_and_validation(corpus: Path, folder: Path, optimizer: Optimizer) -> tuple[Path, int]:
    """Kept by `last` after the last step of the second epoch, just before a validation."""
    train_run(corpus, folder, 13, optimizer=optimizer, last_every=2 * STEPS_PER_EPOCH)
    return folder / "checkpoints" / "last.ckpt", 2 * STEPS_PER_EPOCH


def at_the_end(corpus: Path, folder: Path, optimizer: Optimizer) -> tuple[Path, int]:
    """Written when the run was over, as train.py does; it is continued with a larger max_steps."""
    train_run(corpus, folder, 13, optimizer=optimizer).trainer.save_checkpoint(folder / "end.ckpt")
    return folder / "end.ckpt", 13


def at_the_end_and_epochs_end(corpus: Path, folder: Path, optimizer: Optimizer) -> tuple[Path, int]:
    """The same, at the end of an epoch and after a validation."""
    steps = 2 * STEPS_PER_EPOCH
    train_run(corpus, folder, steps, optimizer=optimizer).trainer.save_checkpoint(folder / "end.ckpt")
    return folder / "end.ckpt", steps


@resumes
@pytest.mark.parametrize(
    "stopped",
    [
        mid_epoch,
        after_validation,
        before_validation,
        at_epochs_end,
        at_epochs_end_and_validation,
        at_the_end,
        at_the_end_and_epochs_end,
    ],
)
def test_a_resumed_run_is_the_run_that_never_stopped(
    small_corpus: Path, tmp_path: Path, optimizer: Optimizer, whole: Run, stopped: Stopped
) -> None:
    ckpt, step = stopped(small_corpus, tmp_path / "stopped", optimizer)
    assert torch.load(ckpt, weights_only=True)["global_step"] == step
    resumed = train_run(small_corpus, tmp_path / "resumed", STEPS, ckpt=ckpt, optimizer=optimizer, seed=99)
    assert resumed.trainer.global_step == STEPS
    after = range(step, STEPS)
    assert resumed.diary.rates == {number: whole.diary.rates[number] for number in after}
    assert resumed.diary.losses == {number: whole.diary.losses[number] for number in after}
    for name, value in whole.weights.items():
        assert torch.equal(resumed.weights[name], value), name
    assert len(whole.optimizer_state) >= 4
    for mine, theirs in zip(resumed.optimizer_state, whole.optimizer_state, strict=True):
        assert torch.equal(mine, theirs)
    validations = [entry for entry in whole.diary.validations if entry[0] > step]
    # The validation of the checkpoint's own step may be heard again.
    assert [entry for entry in resumed.diary.validations if entry[0] > step] == validations
    assert {entry[0] for entry in resumed.diary.validations} <= {step, *(entry[0] for entry in validations)}


@resumes
def test_a_run_may_stop_again_and_again(small_corpus: Path, tmp_path: Path, optimizer: Optimizer, whole: Run) -> None:
    ckpt, losses, validations = None, {}, []
    for stop in (2, 6, 7, 13, STEPS):
        run = train_run(small_corpus, tmp_path / str(stop), stop, ckpt=ckpt, optimizer=optimizer, seed=stop if ckpt else 1)
        ckpt = tmp_path / f"{stop}.ckpt"
        run.trainer.save_checkpoint(ckpt)
        losses |= run.diary.losses
        validations += run.diary.validations
    assert losses == whole.diary.losses
    assert validations == whole.diary.validations
    assert all(torch.equal(run.weights[name], value) for name, value in whole.weights.items())


@resumes
def test_resuming_is_exact_with_accumulated_gradients(small_corpus: Path, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"accumulate_grad_batches": 4, "last_every": 5}  # 6 batches an epoch are 2 steps
    whole = train_run(small_corpus, tmp_path / "whole", 12, **settings)
    train_run(small_corpus, tmp_path / "stopped", 6, **settings)
    ckpt = tmp_path / "stopped" / "checkpoints" / "last.ckpt"
    assert torch.load(ckpt, weights_only=True)["global_step"] == 5
    resumed = train_run(small_corpus, tmp_path / "resumed", 12, ckpt=ckpt, seed=99, **settings)
    assert all(torch.equal(resumed.weights[name], value) for name, value in whole.weights.items())


def test_the_seed_matters_so_that_equal_weights_say_something(small_corpus: Path, tmp_path: Path, whole: Run) -> None:
    other = train_run(small_corpus, tmp_path, 3, seed=2)
    assert other.diary.losses[0] != whole.diary.losses[0]
    losses = list(whole.diary.losses.values())
    assert len(set(losses)) == len(losses) == STEPS


# What a run does


def test_learning_rates_are_the_schedules(whole: Run) -> None:
    base = whole.trainer.optimizers[0].defaults["lr"]
    assert whole.diary.rates == {step: base * SCHEDULE(step) for step in range(STEPS)}


def test_stages_change_the_rate_at_their_step(small_corpus: Path, tmp_path: Path) -> None:
    run = train_run(small_corpus, tmp_path, 5, schedule=PiecewiseConstant([2, 3], [1.0, 0.1]))
    assert list(run.diary.rates.values()) == pytest.approx([0.01, 0.01, 0.001, 0.001, 0.001], rel=1e-12)


def test_no_schedule_is_a_constant_rate(small_corpus: Path, tmp_path: Path) -> None:
    assert set(train_run(small_corpus, tmp_path, 3, schedule=None).diary.rates.values()) == {0.01}


def test_validation_comes_every_so_many_steps_over_epochs(whole: Run) -> None:
    assert [step for step, *_ in whole.diary.validations] == [4, 8, 12, 16, 20]


def test_validation_counts_each_clip_once_and_sums_the_loss(small_corpus: Path, tmp_path: Path) -> None:
    run = train_run(small_corpus, tmp_path, 4)
    ((_, counts, loss),) = run.diary.validations
    batches = [run.data.features(batch, training=False) for batch in run.data.val_dataloader()]
    labels = torch.cat([batch.labels for batch in batches])
    with torch.no_grad():
        logits = torch.cat([run.module.eval()(batch.features) for batch in batches])
    wanted = len(SPEAKERS["validation"]) * TAKES * len(WANTED)
    assert len(labels) == wanted + 2 * -(-wanted // 10)
    assert np.sum(counts, axis=1).tolist() == torch.bincount(labels, minlength=4).tolist()
    expected = np.zeros((4, 4), dtype=int)
    np.add.at(expected, (labels.numpy(), logits.argmax(1).numpy()), 1)
    assert counts == expected.tolist()
    assert loss == pytest.approx(float(torch.nn.functional.cross_entropy(logits, labels)), rel=1e-5)
    assert float(run.trainer.callback_metrics["val/accuracy"]) == pytest.approx(np.trace(expected) / expected.sum())
    assert float(run.trainer.callback_metrics["val/loss"]) == pytest.approx(loss)


def test_training_logs_at_its_interval_what_it_saw(small_corpus: Path, tmp_path: Path) -> None:
    logged: list[tuple[int, dict[str, float]]] = []

    class Memory(pl.loggers.logger.DummyLogger):
        def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
            logged.append((step or 0, metrics))

    run = train_run(small_corpus, tmp_path, 6, logger=Memory(), log_every_n_steps=3, val_every=100)
    assert [step for step, _ in logged] == [2, 5]
    for step, metrics in logged:
        assert metrics["train/loss"] == pytest.approx(run.diary.losses[step], rel=1e-6)
        assert metrics["train/lr"] == pytest.approx(run.diary.rates[step], rel=1e-6)
        assert 0 <= metrics["train/accuracy"] <= 1
        assert metrics["train/clips_per_s"] > 0


@dataclass
class _Repeated(torch.utils.data.Dataset[FeatureBatch]):
    """One batch, again and again."""

    batch: FeatureBatch

    def __len__(self) -> int:
        return 100

    def __getitem__(self, place: int) -> FeatureBatch:
        return self.batch


def test_learns_to_tell_the_words_apart(small_corpus: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    data = make_data(small_corpus, batch_size=30, augment=False)
    data.setup()
    batch = data.features(next(iter(data.train_dataloader())), training=True)
    module = KeywordModule(ModelConfig(RECIPE.words, RECIPE.features, {**RECIPE.model, "filters": 8, "dropout": 0.0}), ADAMW)
    trainer = pl.Trainer(max_steps=100, **QUIET)
    trainer.fit(module, torch.utils.data.DataLoader(_Repeated(batch), batch_size=None))
    loss, accuracy = (float(trainer.callback_metrics[f"train/{name}"]) for name in ("loss", "accuracy"))
    assert loss < 0.05
    assert accuracy == 1


def test_each_checkpoint_carries_the_recipe_and_loads_as_plain_values(small_corpus: Path, tmp_path: Path) -> None:
    train_run(small_corpus, tmp_path, 5, last_every=5)
    for name in ("best", "last"):
        content = torch.load(tmp_path / "checkpoints" / f"{name}.ckpt", weights_only=True)
        kept = content[CHECKPOINT_KEY]
        assert ModelConfig.from_dict(kept) == RECIPE
        assert kept["version"]
        assert content["random_state"]["cpu"].dtype == torch.uint8


def test_best_is_the_best_validation(small_corpus: Path, tmp_path: Path) -> None:
    run = train_run(small_corpus, tmp_path, 24, optimizer=ADAMW, val_every=2)
    accuracies = {step: np.trace(counts) / np.sum(counts) for step, counts, _ in run.diary.validations}
    assert len(set(accuracies.values())) > 1
    best = torch.load(tmp_path / "checkpoints" / "best.ckpt", weights_only=True)["global_step"]
    assert accuracies[best] == max(accuracies.values())
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["best.ckpt"]


def test_a_module_without_an_optimizer_cannot_be_trained(small_corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="without an optimizer"):
        pl.Trainer(max_steps=1, **QUIET).fit(KeywordModule(RECIPE), make_data(small_corpus))


# check_nans


def test_check_nans_changes_nothing_while_all_is_well(small_corpus: Path, tmp_path: Path) -> None:
    checked = train_run(small_corpus, tmp_path / "checked", 4, check_nans=True)
    plain = train_run(small_corpus, tmp_path / "plain", 4)
    assert checked.diary.losses == plain.diary.losses


def test_check_nans_names_the_layer_whose_weights_overflowed(small_corpus: Path, tmp_path: Path) -> None:
    def wild(weights: Iterator[torch.nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.SGD(weights, lr=1e30)

    with pytest.raises(KwsError, match=r"check_nans: .*(first|output)\b.* is not finite.*smaller optim\.lr"):
        train_run(small_corpus, tmp_path, 30, optimizer=wild, schedule=None, check_nans=True)


@pytest.mark.parametrize(("layer", "kind"), [("first", "SameConv2d"), ("output", "Dense")])
def test_check_nans_names_the_first_bad_layer(layer: str, kind: str) -> None:
    module = KeywordModule(RECIPE, check_nans=True)
    with torch.no_grad():
        getattr(module.network, layer).weight[0] = float("nan")
    front_end = RECIPE.build_front_end()
    with pytest.raises(KwsError, match=rf"the output of layer {layer} \({kind}\) is not finite: its weights are not finite"):
        module(torch.ones(2, front_end.frames, front_end.bins))


def test_check_nans_tells_bad_input_from_a_bad_layer() -> None:
    module = KeywordModule(RECIPE, check_nans=True)
    front_end = RECIPE.build_front_end()
    features = torch.ones(2, front_end.frames, front_end.bins)
    features[0, 3, 4] = float("inf")
    with pytest.raises(KwsError, match=r"layer first \(SameConv2d\) is not finite: its input already is not finite"):
        module(features)


def test_check_nans_names_a_bad_gradient(small_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def spoil(module: KeywordModule, batch: FeatureBatch, batch_idx: int) -> torch.Tensor:
        loss = torch.nn.functional.cross_entropy(module(batch.features), batch.labels)
        module.network.output.bias.register_hook(lambda gradient: gradient * float("inf"))
        return loss

    monkeypatch.setattr(KeywordModule, "training_step", spoil)
    with pytest.raises(KwsError, match=r"check_nans: the gradient of output\.bias is not finite"):
        train_run(small_corpus, tmp_path, 2, check_nans=True)
