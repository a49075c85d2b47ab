"""The message of a run that ends early: where its weights are, and how to resume."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytorch_lightning as pl

from kws.errors import KwsError
from kws.inference.checkpoint import read_checkpoint
from kws.training.interruption import Interrupted
from kws.training.nan_guard import Diverged
from kws.training.resume_command import go_on_command

log = logging.getLogger(__name__)


@contextmanager
def say_how_it_ended(folder: Path, last: Path, trainer: pl.Trainer) -> Iterator[None]:
    """Report where the weights are when a signal or non-finite numbers stop the run.

    Args:
        folder: of the run.
        last: the checkpoint of its last weights, where there is one.
        trainer: of the run.

    Raises:
        Interrupted: after the line; where several processes train together, the others leave without an error.
        Diverged: with the last good checkpoint named.
    """
    try:
        yield
    except Interrupted as stopped:
        if not trainer.is_global_zero:
            raise SystemExit(0) from stopped
        log.warning(_how_to_go_on(stopped, folder, last))
        raise
    except Diverged as error:
        raise Diverged(f"{error}. {_last_good(last)}") from error


def _how_to_go_on(stopped: Interrupted, folder: Path, last: Path) -> str:
    name = "Ctrl-C" if stopped.signum == signal.SIGINT else signal.Signals(stopped.signum).name
    if (step := _step_of(last)) is None:
        return f"stopped by {name} before there was anything to keep; start it again with the same command"
    return f"stopped by {name} at step {step}; go on with: {go_on_command(folder, last)}"


def _last_good(last: Path) -> str:
    if (step := _step_of(last)) is None:
        return "No checkpoint was written before"
    return f"The last checkpoint with finite weights is {last}, of step {step}"


def _step_of(last: Path) -> int | None:
    try:
        return int(read_checkpoint(last).get("global_step", 0))
    except KwsError:
        return None
