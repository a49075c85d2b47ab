"""What a run was made of: kept in its checkpoints, and compared where another run goes on from one."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytorch_lightning as pl
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.trainer.states import TrainerFn

from kws.data.sampling import SplitPool
from kws.training.datamodule import KeywordData

log = logging.getLogger(__name__)

RUN_KEY = "run"
# Words, features and model are not among them: a checkpoint of others is refused.
_SECTIONS = ("optim", "schedule", "objective", "averaging", "augment", "split", "data", "trainer", "seed")
# They change where and how a run works, not what comes of it; or are copies of another section.
_LEFT_OUT = (
    "data.words", "data.front_end", "data.augment", "data.split", "data.seed", "data.progress", "data.cache_dir",
    "data.on_device", "trainer.accelerator", "trainer.enable_", "trainer.log_every_n_steps", "trainer.max_", "trainer._target_",
    "trainer.default_root_dir", "trainer.logger", "trainer.callbacks", "trainer.profiler",
)  # fmt: skip


def recorded_settings(cfg: DictConfig) -> dict[str, Any]:
    """Return the settings that decide a run's result, as `section.name` and plain values."""
    found: dict[str, Any] = {}
    for section in _SECTIONS:
        if section in cfg:
            node = OmegaConf.select(cfg, section)
            _flatten(section, OmegaConf.to_container(node, resolve=True) if OmegaConf.is_config(node) else node, found)
    return {name: value for name, value in found.items() if not name.startswith(_LEFT_OUT) and not name.endswith(".root")}


def differences(kept: Mapping[str, Any], mine: Mapping[str, Any], most: int = 20) -> list[str]:
    """Return a line for each setting that has changed; at most `most`."""
    names = [name for name in sorted({*kept, *mine}) if _kind(name, kept.get(name)) != _kind(name, mine.get(name))]
    lines = [f"{name} was {kept.get(name)}, is now {mine.get(name)}" for name in names]
    return lines if len(lines) <= most else [*lines[:most], f"and {len(lines) - most} more settings are not what they were"]


def _kind(name: str, value: Any) -> Any:
    # Classes move from module to module with the versions; their own names stay.
    return str(value).rpartition(".")[2] if name.endswith("_target_") else value


def sets_of(data: KeywordData) -> dict[str, Any]:
    """How many clips each set of a data module has, and a hash of their names."""
    pools = {"training": data.training_pool, "validation": data.validation_pool, "testing": data.testing_pool}
    names = () if data.corpus is None else data.corpus.names
    return {name: _set_of(pool, names) for name, pool in pools.items()}


def changed_sets(kept: Mapping[str, Any], mine: Mapping[str, Any]) -> list[str]:
    """Return a line for each set whose clips have changed."""
    return [
        f"the {name} set has other clips than before: {mine[name]['clips']}, it had {kept[name]['clips']}"
        for name in mine
        if name in kept and kept[name] != mine[name]
    ]


class RunRecord(Callback):
    """Keeps in each checkpoint what its run was made of.

    Args:
        settings: of the run, see `recorded_settings`.

    Attributes:
        changed: what the data of a checkpoint that was gone on from are not any more, a line each.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.settings = dict(settings)
        self.changed: list[str] = []
        self._sets: dict[str, Any] | None = None

    def on_save_checkpoint(self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Add the record."""
        checkpoint[RUN_KEY] = {"settings": self.settings, "sets": self._find_sets(trainer)}

    def on_load_checkpoint(self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Say what has become of the data since."""
        if trainer.state.fn != TrainerFn.FITTING:
            return
        self.changed = changed_sets(checkpoint.get(RUN_KEY, {}).get("sets", {}), self._find_sets(trainer))
        if self.changed and trainer.is_global_zero:
            for line in self.changed:
                log.warning("ckpt: %s", line)
            log.warning("ckpt: clips of the testing set may have been trained on: its accuracy may say more than is true")

    def _find_sets(self, trainer: pl.Trainer) -> dict[str, Any]:
        data = getattr(trainer, "datamodule", None)
        if self._sets is None and isinstance(data, KeywordData):
            self._sets = sets_of(data)
        return self._sets or {}


def _flatten(name: str, value: Any, found: dict[str, Any]) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _flatten(f"{name}.{key}", inner, found)
    else:
        found[name] = value


def _set_of(pool: SplitPool, names: tuple[str, ...]) -> dict[str, Any]:
    clips = sorted(names[clip] for clip in np.concatenate([pool.wanted.clips, pool.unknown]))
    return {"clips": len(clips), "names": hashlib.sha256("\n".join(clips).encode(errors="surrogateescape")).hexdigest()}
