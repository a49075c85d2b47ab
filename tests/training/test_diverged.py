"""A run whose numbers are not finite any more: it stops, and its good checkpoints stay."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny_runs import content, loss_at, run_tiny

from kws.errors import KwsError
from kws.training.nan_guard import Diverged


@pytest.mark.parametrize("calibrate", ["true", "false"])
@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_it_stops_where_the_loss_is_logged(small_corpus: Path, tmp_path: Path, calibrate: str, loss: float) -> None:
    with loss_at(7, loss), pytest.raises(Diverged) as error:
        run_tiny(small_corpus, tmp_path, f"calibrate={calibrate}")
    # A loss is logged every second step.
    assert str(error.value).startswith("the loss is nan at step 8, at learning rate 0.02: the run has diverged")
    last = tmp_path / "checkpoints" / "last.ckpt"
    assert str(error.value).endswith(f"The last checkpoint with finite weights is {last}, of step 5")
    assert all(torch.isfinite(value).all() for value in content(tmp_path)["state_dict"].values())
    assert not (tmp_path / "test.json").exists()


def test_no_checkpoint_is_overwritten_with_such_weights(small_corpus: Path, tmp_path: Path) -> None:
    with loss_at(9, float("nan")), pytest.raises(Diverged, match=r"is not finite after step 10: .*last.ckpt, of step 5"):
        run_tiny(small_corpus, tmp_path, "trainer.log_every_n_steps=100", "trainer.val_check_interval=4")
    assert content(tmp_path)["global_step"] == 5
    # Nor the average of them.
    with loss_at(9, float("nan")), pytest.raises(Diverged, match="No checkpoint was written before"):
        settings = ["trainer.log_every_n_steps=100", "averaging=ema", "checkpoint_steps=11", "trainer.val_check_interval=12"]
        run_tiny(small_corpus, tmp_path / "averaged", *settings)


@pytest.mark.parametrize(
    "override",
    ["optim.lr=nan", "optim.lr=inf", "optim.momentum=nan", "optim.weight_decay=inf", "optim=adamw optim.betas=[0.9,nan]"],
)
def test_numbers_that_every_weight_would_become_nan_of(small_corpus: Path, tmp_path: Path, override: str) -> None:
    name = override.split()[-1].split("=")[0]
    with pytest.raises(Exception) as error:
        run_tiny(small_corpus, tmp_path, *override.split())
    assert isinstance(error.value, KwsError)
    assert str(error.value).startswith(name)
    assert not (tmp_path / "checkpoints").exists()
