"""The checkpoint `best` of a run: finding it, and copying it into the folder of a resumed run."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback, ModelCheckpoint
from pytorch_lightning.trainer.states import TrainerFn

from kws.errors import KwsError
from kws.inference.checkpoint import read_checkpoint
from kws.training.checkpoint_writing import write_whole

log = logging.getLogger(__name__)

MONITOR = "val/accuracy"


@dataclass(frozen=True)
class Best:
    """The best checkpoint of a run at the time of its last one.

    Attributes:
        path: the file.
        step: of the run when it was written.
    """

    path: Path
    step: int


def best_callback(trainer: pl.Trainer) -> ModelCheckpoint | None:
    """Return the callback that keeps `best`."""
    found = (callback for callback in trainer.checkpoint_callbacks if isinstance(callback, ModelCheckpoint))
    return next((callback for callback in found if callback.monitor == MONITOR and callback.filename == "best"), None)


def written_best(trainer: pl.Trainer) -> Path | None:
    """Return the file of this run's best checkpoint, written or taken along; None: no validation yet."""
    callback = best_callback(trainer)
    if callback is None or not callback.best_model_path:
        return None
    path = Path(callback.best_model_path)
    return path if path.is_file() else None


def find_best(path: Path, checkpoint: Mapping[str, Any]) -> Best | None:
    """Find the best checkpoint up to the one that a run resumes from; warn where the file is missing.

    Args:
        path: the checkpoint that a run resumes from.
        checkpoint: what it holds.
    """
    state = _state(checkpoint)
    if state is None or not state.get("best_model_path"):
        return None
    named, done = Path(state["best_model_path"]), int(checkpoint.get("global_step", 0))
    # The run's folder may have been moved since.
    for place in dict.fromkeys((path.resolve().parent / named.name, named)):
        kept = _read(place)
        own = _state(kept)
        if own is None or not own.get("best_model_path"):
            continue
        step = int(kept.get("global_step", 0))
        if step <= done and float(own["best_model_score"]) == float(state["best_model_score"]):
            return Best(place, step)
        if step > done:
            log.warning(
                "ckpt: %s is of step %d, after %s (step %d): the validations from there on decide again what is best",
                place, step, path, done,
            )  # fmt: skip
            return None
    log.warning(
        "ckpt: the best checkpoint so far (validation accuracy %.2f %%) is not at %s any more: only validations from step %d on"
        " decide what is best",
        100 * float(state["best_model_score"]), named, done,
    )  # fmt: skip
    return None


class TakeBestAlong(Callback):
    """Gives a resumed run the best checkpoint so far, copied into its own folder.

    Lightning forgets it where a run resumes in another folder.

    Args:
        best: as `find_best` found it; None: there is none, and the next validation is the best.
    """

    def __init__(self, best: Best | None = None) -> None:
        self.best = best

    def on_load_checkpoint(self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Copy the file, and put its new path into the state that Lightning is about to load."""
        callback, state = best_callback(trainer), _state(checkpoint)
        if trainer.state.fn != TrainerFn.FITTING or callback is None or state is None:
            return
        state["dirpath"] = callback.dirpath
        state["last_model_path"] = ""
        if self.best is None:
            state.update(best_model_path="", best_model_score=None, best_k_models={}, kth_best_model_path="")
            state.update(current_score=None, kth_value=callback.kth_value)
            return
        path = Path(str(callback.dirpath)) / "best.ckpt"
        if trainer.is_global_zero and path.resolve() != self.best.path.resolve():
            write_whole(path, self.best.path.read_bytes())
        score = state["best_model_score"]
        state.update(best_model_path=str(path), best_k_models={str(path): score}, kth_best_model_path=str(path), kth_value=score)


def _state(checkpoint: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the state of the callback that keeps `best` in a checkpoint."""
    states = (state for name, state in checkpoint.get("callbacks", {}).items() if name.startswith("ModelCheckpoint"))
    return next((state for state in states if isinstance(state, dict) and state.get("monitor") == MONITOR), None)


def _read(path: Path) -> dict[str, Any]:
    try:
        return read_checkpoint(path)
    except KwsError:
        return {}
