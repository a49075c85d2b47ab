"""Hydra's and OmegaConf's errors of a configuration, as one line that says what to do."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Iterable

from hydra.errors import (
    ConfigCompositionException,
    HydraException,
    InstantiationException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf import DictConfig
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from kws.errors import KwsError, first_line
from kws.training.overrides import quoted

# What a setting that has no default wants, by the last part of its name.
_WANTED = {"root": "the folder of the data", "path": "a checkpoint, such as outputs/latest/checkpoints/best.ckpt"}


def explain(error: BaseException) -> KwsError | None:
    """Return the error of a configuration in a user's words; None for any other error."""
    if isinstance(error, OverrideParseException):
        return KwsError(_unreadable(error))
    if isinstance(error, MissingConfigException):
        return KwsError(_no_option(error))
    if isinstance(error, MissingMandatoryValue):
        return missing(str(error.full_key))
    if isinstance(error, ConfigCompositionException):
        return KwsError(_not_composed(error))
    if isinstance(error, OmegaConfBaseException):
        return KwsError(f"{error.full_key}: {first_line(error)}" if error.full_key else first_line(error))
    if isinstance(error, HydraException) and not isinstance(error, InstantiationException):
        return KwsError(first_line(error))
    return None


def missing(key: str) -> KwsError:
    """Return the error of a setting that has no default and was not given."""
    last = key.rpartition(".")[2]
    return KwsError(f"{key}: not given; give {_WANTED.get(last, 'it')}, as {key}=…")


def nearest(name: str, names: Iterable[str]) -> str:
    """Return what was perhaps meant, as the end of a sentence: the nearest of some names, else all of them."""
    known = sorted(names)
    listed = f"here are {', '.join(known[:15])}" + (", …" if len(known) > 15 else "")
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"did you mean {near[0]}? T{listed}" if near else f"t{listed}"


def _unreadable(error: OverrideParseException) -> str:
    key, equals, value = error.override.partition("=")
    if not equals:
        return f"{error.override}: can't be read as a setting; NAME=VALUE expected, without blanks around the ="
    if value.startswith(("[", "{")):
        hint = f"an entry with other signs than letters and digits goes in quotes, and all of it too: \"{key}=['a b','c']\""
    else:
        hint = f"put the value in quotes, and all of it too: {shlex.quote(f'{key}={quoted(value)}')}"
    return f"{error.override}: can't be read ({first_line(error).rstrip('.')}); {hint}"


def _no_option(error: MissingConfigException) -> str:
    group, _, option = (error.missing_cfg_file or "").rpartition("/")
    if not group:
        return first_line(error)
    if not error.options:
        return f"{group}: {option} is no option ({group}/{option}.yaml)"
    return f"{group}: {option} is no option ({group}/{option}.yaml); {nearest(option, error.options)}"


def _not_composed(error: ConfigCompositionException) -> str:
    said, cause = str(error), error.__cause__
    if several := re.search(r"Ambiguous value for argument '([^=]+)=(.*)'", said):
        key, values = several.groups()
        return f"{key}: several values given; -m makes a run of each, and a list is {shlex.quote(f'{key}=[{values}]')}"
    if isinstance(cause, OmegaConfBaseException) and isinstance(cause.parent_node, DictConfig):
        full, last = str(cause.full_key or cause.key), str(cause.key)
        names = [str(name) for name in cause.parent_node if name != "hydra"]
        if last not in names:
            return f"{full}: there is no such setting; {nearest(last, names)}"
        return f"{full}: {first_line(cause)}"
    if there := re.search(r"Could not append to config. An item is already at '([^']+)'", said):
        return f"+{there[1]}: there is such a setting already; leave out the +"
    if nowhere := re.search(r"Could not override '([^']+)'", said):
        return f"{nowhere[1]}: there is no such group of settings; python train.py --help lists them"
    return first_line(error)
