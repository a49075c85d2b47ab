"""The training command (`train.py`, `kws train`): Hydra composes the configuration of a run."""

from __future__ import annotations

import logging
import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from tqdm.contrib.logging import logging_redirect_tqdm

from kws.errors import KwsError, first_line, user_error
from kws.training.explain import explain
from kws.training.former_names import with_todays_names
from kws.training.overrides import prepare
from kws.training.resume_command import with_resume
from kws.training.run import train
from kws.training.sweep import finish_sweep, note_failure

log = logging.getLogger("train")


def config_folder() -> Path:
    """Return the folder of the configuration: inside the package where it was installed, beside it in a clone."""
    package = Path(__file__).parents[1]
    installed = package / "conf"
    return installed if installed.is_dir() else package.parent / "conf"


def first_of(*names: Any) -> str:
    """Return the first name that is not empty: of a run's folder, by `${first_of:…}` in the configuration."""
    return next(str(name) for name in names if name not in (None, "none"))


OmegaConf.register_new_resolver("first_of", first_of, replace=True)


def main() -> None:
    """Run the command line; print an error that the user can fix as one line, with exit status 2.

    Raises:
        SystemExit: with any status but 0; 1 after a sweep in which a run failed.
    """
    try:
        sys.argv[1:] = prepare(with_todays_names(with_resume(sys.argv[1:])), config_folder())
    except KwsError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)
    try:
        try:
            _main()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # `train.py --help | head` closed the pipe: nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _main() -> None:
    try:
        with _raised_errors():
            _compose_and_run()
    except KeyboardInterrupt:
        _finish()
        sys.stderr.write("stopped\n")
        sys.exit(130)
    except Exception as error:
        failed = _finish()
        if (mendable := _mendable(error)) is not None:
            sys.stderr.write(f"error: {mendable}\n")
            sys.exit(2)
        if failed:  # a sweeper's own words for a sweep without a good run
            sys.exit(1)
        raise
    except SystemExit:
        _finish()
        raise
    if _finish():
        sys.exit(1)


@hydra.main(version_base="1.3", config_path=str(config_folder()), config_name="train")
def _compose_and_run(cfg: DictConfig) -> float:
    """Run Hydra's configuration; in a sweep, note a failed run and continue with the others."""
    settings = HydraConfig.get()
    sweeping, folder = settings.mode == RunMode.MULTIRUN, Path(settings.runtime.output_dir)
    # A sweeper that searches takes an error for a failed run, and can't take nan for a result.
    searching = sweeping and "n_trials" in settings.sweeper
    try:
        with logging_redirect_tqdm():
            value = train(cfg, folder, guide=not sweeping)
        if searching and not math.isfinite(value):
            raise KwsError("a search needs a validation accuracy; make trainer.val_check_interval smaller than the run")
        return value
    except Exception as error:
        mendable = _mendable(error)
        if not sweeping and mendable is None:
            raise
        log.error("error: %s", mendable or first_line(error), exc_info=mendable is None)
        if not sweeping:
            sys.exit(2)
        note_failure(folder, mendable or error)
        if searching:
            raise (mendable or KwsError(first_line(error))) from None
        return float("nan")


def _mendable(error: Exception) -> KwsError | None:
    if (known := user_error(error) or explain(error)) is not None:
        return known
    # Lightning's, of arguments of its Trainer that don't go together, or a device that is not there.
    return KwsError(f"trainer: {first_line(error)}") if isinstance(error, MisconfigurationException) else None


@contextmanager
def _raised_errors() -> Iterator[None]:
    """Make Hydra raise its errors instead of printing them and exiting."""
    name, before = "HYDRA_FULL_ERROR", os.environ.get("HYDRA_FULL_ERROR")
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _finish() -> int:
    """Report a sweep's results, also of one that was stopped; return how many of its runs failed."""
    if not HydraConfig.initialized():
        return 0
    settings = HydraConfig.get()
    HydraConfig.instance().cfg = None
    return finish_sweep(Path(settings.sweep.dir)) if settings.mode == RunMode.MULTIRUN else 0


# By its path this file is the script that Lightning starts again for each device.
if __name__ == "__main__":
    main()
