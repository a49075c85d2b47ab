"""Checkpoints are whole at any time: in the middle of writing, on a full disk, and where a process is killed."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NoReturn

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins import AsyncCheckpointIO
from tiny_runs import content, run_tiny

from kws.errors import KwsError
from kws.training.checkpoint_writing import WholeCheckpointIO, remove_unfinished, use_whole_checkpoints

ROOT = Path(__file__).parents[2]
QUIET: dict[str, Any] = {
    "accelerator": "cpu", "logger": False, "enable_checkpointing": False, "enable_progress_bar": False,
}  # fmt: skip


def test_a_run_writes_its_checkpoints_into_their_own_folder_alone(
    small_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lightning's own way is by the folder for temporary files, which may be another file system."""

    def refuse(*args: Any, **kwargs: Any) -> NoReturn:
        raise AssertionError("a temporary file elsewhere")

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    run_tiny(small_corpus, tmp_path, "checkpoint_steps=1", "calibrate=true")
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["best.ckpt", "last.ckpt"]


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_checkpoint_and_one_line(
    small_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    def full(*args: Any) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    io = WholeCheckpointIO()
    path = tmp_path / "checkpoints" / "last.ckpt"
    io.save_checkpoint({"step": 1}, path)
    with monkeypatch.context() as patch, pytest.raises(KwsError) as error:
        patch.setattr(*((os, "fsync") if failing == "fsync" else (Path, "replace")), full)
        io.save_checkpoint({"step": 2}, path)
    assert str(error.value) == (
        f"{path}: this checkpoint can't be written (No space left on device); the one that was there before is kept"
    )
    assert torch.load(path, weights_only=True) == {"step": 1}
    assert [entry.name for entry in path.parent.iterdir()] == ["last.ckpt"]
    # The same in a run: it ends with that line.
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KwsError, match=r"best.ckpt: this checkpoint can't be written \(No space left on device\)$"):
        run_tiny(small_corpus, tmp_path / "run")


def test_a_killed_process_leaves_a_whole_checkpoint(tmp_path: Path) -> None:
    program = """
import sys, torch
from kws.training.checkpoint_writing import WholeCheckpointIO
step = 0
while True:
    WholeCheckpointIO().save_checkpoint({"step": step, "weights": torch.full((300_000,), float(step))}, sys.argv[1])
    step += 1
    if step == 2:
        print("ready", flush=True)
"""
    path = tmp_path / "last.ckpt"
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path / "nowhere")}
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], env=environment, stdout=subprocess.PIPE, text=True
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    # What is there is whole at any time, so it is at the time of a kill.
    for _ in range(60):
        found = torch.load(path, weights_only=True)
        assert (found["weights"] == found["step"]).all()
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=60)
    found = torch.load(path, weights_only=True)
    assert (found["weights"] == found["step"]).all()
    remove_unfinished(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["last.ckpt"]


def test_other_ways_of_writing_stay() -> None:
    class Own(WholeCheckpointIO):
        pass

    plain, own = pl.Trainer(**QUIET), pl.Trainer(plugins=[Own()], **QUIET)
    later = pl.Trainer(plugins=[AsyncCheckpointIO()], **QUIET)
    for trainer in (plain, own, later):
        use_whole_checkpoints(trainer)
    assert type(plain.strategy.checkpoint_io) is WholeCheckpointIO
    assert type(own.strategy.checkpoint_io) is Own
    assert isinstance(later.strategy.checkpoint_io, AsyncCheckpointIO)
    assert type(later.strategy.checkpoint_io.checkpoint_io) is WholeCheckpointIO


def test_every_so_many_steps_and_at_the_end(small_corpus: Path, tmp_path: Path) -> None:
    run_tiny(small_corpus, tmp_path, "checkpoint_steps=0", "test_weights=last", "+trainer.limit_val_batches=0")
    assert content(tmp_path)["global_step"] == 12
    for wrong in ("-1", "1.5", "null", "true"):
        with pytest.raises(KwsError, match="checkpoint_steps: "):
            run_tiny(small_corpus, tmp_path, f"checkpoint_steps={wrong}")
