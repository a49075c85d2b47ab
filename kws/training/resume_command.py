"""Resuming from the command line: `resume=FOLDER` stands for a run's settings and last checkpoint."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from omegaconf import OmegaConf

from kws.errors import KwsError

_KEY = "resume="
_OVERRIDES = Path(".hydra") / "overrides.yaml"


def with_resume(arguments: Sequence[str]) -> list[str]:
    """Replace `resume=FOLDER` by that run's overrides and last checkpoint; other arguments override them.

    Args:
        arguments: of the command line. FOLDER is a run's, or a checkpoint in it.

    Raises:
        KwsError: that is no run's folder, or has no checkpoint yet; or resume= is given twice, or together with ckpt=.
    """
    given = [argument for argument in arguments if argument.startswith(_KEY)]
    if not given:
        return list(arguments)
    others = [argument for argument in arguments if not argument.startswith(_KEY)]
    if len(given) > 1 or any(_name(argument) == "ckpt" for argument in others):
        raise KwsError(f"{given[0]}: give resume=FOLDER once, and no ckpt= beside it")
    folder, ckpt = _find(_unquoted(given[0].removeprefix(_KEY)))
    try:
        kept = [str(override) for override in OmegaConf.to_object(OmegaConf.load(folder / _OVERRIDES)) or []]
    except (OSError, ValueError, TypeError) as error:
        raise KwsError(f"resume: {folder / _OVERRIDES} can't be read; go on with ckpt={ckpt} and the run's settings") from error
    names = {_name(argument) for argument in others} | {"ckpt"}
    return [*(override for override in kept if _name(override) not in names), f"ckpt={_quoted(ckpt)}", *others]


def go_on_command(folder: Path, ckpt: Path) -> str:
    """Return the shell command that resumes a run.

    Args:
        folder: of the run.
        ckpt: its last checkpoint.
    """
    python = shlex.quote(sys.orig_argv[0])  # as it was typed
    if Path(sys.argv[0]).name == "app.py":  # what `kws train` gives Hydra as the script
        program = f"{python} -m kws train" if sys.orig_argv[1:3] == ["-m", "kws"] else "kws train"
    else:
        program = f"{python} {shlex.quote(sys.argv[0])}"
    if not (folder / _OVERRIDES).is_file():
        return f"{program} {shlex.quote(f'ckpt={_quoted(_near(ckpt))}')} (and the settings of this run)"
    return f"{program} {shlex.quote(f'resume={_near(folder)}')}"


def _find(given: str) -> tuple[Path, Path]:
    """Find a run's folder and its checkpoint."""
    place = Path(given).expanduser()
    if place.suffix == ".ckpt":
        if not place.is_file():
            raise KwsError(f"resume: {place}: no such file; give a run's folder, such as outputs/MODEL/DATE")
        return place.resolve().parents[1], place.resolve()
    if not place.is_dir():
        raise KwsError(f"resume: {place}: no such folder; give a run's folder, such as outputs/MODEL/DATE")
    ckpt = place.resolve() / "checkpoints" / "last.ckpt"
    if not ckpt.is_file():
        raise KwsError(f"resume: {place} has no checkpoints/last.ckpt: it is no run's folder, or the run had none yet")
    return place.resolve(), ckpt


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def _name(override: str) -> str:
    return override.split("=", 1)[0].lstrip("+~")


def _near(path: Path) -> Path:
    """Return a path relative to the current folder where it lies in it."""
    path = path.resolve()
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _quoted(path: Path) -> str:
    """Quote a path for Hydra's grammar."""
    text = os.fspath(path)
    return text if all(sign.isalnum() or sign in "/._-" for sign in text) else "'" + text.replace("'", "\\'") + "'"
