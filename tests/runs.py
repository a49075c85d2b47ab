"""Runs of train.py on the small corpus: in this process, or as a process of their own."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

ROOT = Path(__file__).parents[1]
CONF = ROOT / "conf"
# 6 steps an epoch, a validation every 3.
SMALL = [
    "data=folder", "words=['yes','no']", "model=tiny_conv", "model.filters=2", "features.hop_ms=40", "data.batch_size=5",
    "trainer.val_check_interval=3", "trainer.log_every_n_steps=2", "trainer.accelerator=cpu", "checkpoint_steps=5",
    "threads=1", "progress=false",
]  # fmt: skip
# 7 steps.
TINY = [*SMALL, "schedule.steps=[4,3]"]


def composed(*overrides: str) -> DictConfig:
    """The configuration as train.py gets it, resolved."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose("train", list(overrides))
    return OmegaConf.create(OmegaConf.to_container(cfg, resolve=True))  # type: ignore[return-value]


@dataclass(frozen=True)
class Outcome:
    """A run of the script in this process: its exit status and what it said."""

    status: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line that names a mistake."""
        assert self.status == 2, self.out + self.err
        assert "Traceback" not in self.out + self.err
        lines = [line for line in (self.out + self.err).splitlines() if "error: " in line]
        assert len(lines) == 1, self.out + self.err
        return lines[0].split("error: ", 1)[1]


Runner = Callable[..., Outcome]


Command = Callable[..., subprocess.CompletedProcess[str]]
