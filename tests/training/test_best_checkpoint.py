"""Which weights `best` keeps."""

from __future__ import annotations

from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint

from kws.training.best_checkpoint import BestCheckpoint
from kws.training.callbacks import make_callbacks


@pytest.mark.parametrize(("score", "kept"), [(0.5, True), (0.6, True), (0.4, False)])
def test_of_equally_good_weights_the_latest_are_kept(score: float, kept: bool, tmp_path: Path) -> None:
    (best,) = (made for made in make_callbacks(tmp_path, 1, progress=False) if isinstance(made, BestCheckpoint))
    trainer = pl.Trainer(accelerator="cpu", logger=False, default_root_dir=tmp_path, enable_progress_bar=False)
    assert best.check_monitor_top_k(trainer, torch.tensor(0.1))
    best.best_k_models, best.kth_best_model_path = {"best.ckpt": torch.tensor(0.5)}, "best.ckpt"
    assert best.check_monitor_top_k(trainer, torch.tensor(score)) is kept


def test_its_state_has_the_name_it_had_in_earlier_checkpoints(tmp_path: Path) -> None:
    settings = {"monitor": "val/accuracy", "mode": "max"}
    assert BestCheckpoint(tmp_path, "best", **settings).state_key == ModelCheckpoint(tmp_path, "best", **settings).state_key
