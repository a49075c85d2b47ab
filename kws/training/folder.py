"""The folder of a run: claimed for one run alone, linked to as the latest, with the next commands."""

from __future__ import annotations

import copy
import logging
import os
import shlex
import sys
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, open_dict, read_write
from pytorch_lightning.utilities.rank_zero import rank_zero_only

from kws.errors import KwsError
from kws.training.overrides import quoted

log = logging.getLogger(__name__)

LATEST = "latest"
LOCK = ".run.lock"


class RunFolder(Callback):
    """Before a run or a multirun: takes its folder for this process alone, until it ends.

    A folder named by the date gets a number at its end where another run has it already; one that the user names is
    refused while another run writes into it.
    """

    def __init__(self) -> None:
        self._lock: FileLock | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Without the lock: the runs of a multirun in other processes get a copy."""
        return {"_lock": None}

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Take the run's folder."""
        # A process that Lightning started for another device works in the folder of the first one.
        if getattr(rank_zero_only, "rank", 0) == 0:
            self._take(config, "hydra.run.dir")

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Take the sweep's folder, and let the end of the sweep find it."""
        self._take(config, "hydra.sweep.dir")
        HydraConfig.instance().set_config(copy.deepcopy(config))

    def _take(self, config: DictConfig, key: str) -> None:
        folder = Path(str(OmegaConf.select(config, key))).expanduser()
        overrides = config.hydra.overrides.hydra
        named = any(str(override).lstrip("+").startswith(f"{key}=") for override in overrides)
        try:
            folder = folder if named else make_own(folder)
            self._lock = hold(folder)
            if (folder / "test.json").exists():
                log.warning("%s holds a finished run, whose files are replaced", folder)
        except (KwsError, OSError) as error:
            # Hydra makes a warning of every Exception here, and goes on.
            sys.stderr.write(f"error: {error if isinstance(error, KwsError) else f'{key}: {error}'}\n")
            raise SystemExit(2) from error
        with read_write(config), open_dict(config):
            OmegaConf.update(config, key, str(folder))
            if not named:
                # Each run of a multirun composes its configuration again, of these.
                overrides.append(f"{key}={quoted(str(folder))}")


def make_own(folder: Path) -> Path:
    """Make a folder that was not there: this one, or with the first free number at its end."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    number, own = 0, folder
    while True:
        try:
            own.mkdir()
        except FileExistsError:
            number += 1
            own = folder.with_name(f"{folder.name}-{number}")
        else:
            return own


def hold(folder: Path) -> FileLock | None:
    """Lock a folder for as long as this process lives, or the lock is kept; None where the file system has no locks.

    Raises:
        KwsError: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise KwsError(f"{folder}: another run writes into this folder; wait for its end, or give another folder") from error
    except NotImplementedError:
        log.warning("%s: this file system has no locks; take care that no other run writes into this folder", folder)
        return None
    return lock


def link_latest(folder: Path) -> Path | None:
    """Let `outputs/latest` be a run's folder `outputs/NAME/DATE`; returns the link, None where there is none.

    Only folders of that shape get one. Where the system has no links, `outputs/latest.txt` holds the path.
    """
    outputs = folder.parent.parent
    if outputs.name != "outputs":
        return None
    link = outputs / LATEST
    if link.exists() and not link.is_symlink():
        log.warning("%s is not a link, and is left as it is; the newest run is %s", link, folder)
        return None
    temporary = outputs / f".{LATEST}-{os.getpid()}"
    target = folder.relative_to(outputs)
    try:
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(target, target_is_directory=True)
        temporary.replace(link)
    except OSError:
        (outputs / f"{LATEST}.txt").write_text(f"{folder}\n", encoding="utf-8")
        return None
    return link


def next_steps(folder: Path, weights: str, data: Path) -> str:
    """Return the commands that usually follow a run, with its paths.

    Args:
        folder: of the run.
        weights: that were tested, `best` or `last`.
        data: folder of word folders.
    """
    checkpoint = shlex.quote(_near(folder / "checkpoints" / f"{weights}.ckpt"))
    return (
        "next:\n"
        f"  kws label {checkpoint} RECORDING.wav\n"
        f"  kws evaluate {checkpoint} {shlex.quote(_near(data))}\n"
        f"  kws export {checkpoint} --streaming"
    )


def _near(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
