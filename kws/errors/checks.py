"""Checks of settings: a KwsError names the setting, what was given and what is expected."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any, NoReturn, cast

from kws.errors import KwsError


def whole(name: str, value: Any, lowest: int, otherwise: str = "") -> int:
    """Return a whole number that is at least `lowest`.

    Args:
        name: of the setting, such as `data.batch_size`.
        value: what was given; true and false are no numbers.
        otherwise: what else may be given, for the message.

    Raises:
        KwsError: it is something else.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < lowest:
        _refuse(name, value, f"give at least {lowest}, a whole number{otherwise}")
    return int(value)


def number(name: str, value: Any, highest: float, expected: str) -> float:
    """Return a finite number from 0 to `highest`; arguments and errors are those of `whole`."""
    if isinstance(value, bool) or not isinstance(value, Real) or not (0 <= float(value) <= highest and float(value) < math.inf):
        _refuse(name, value, f"it is {expected}")
    return float(value)


def truth(name: str, value: Any) -> bool:
    """Return True or False; arguments and errors are those of `whole`."""
    if not isinstance(value, bool):
        _refuse(name, value, "give true or false")
    return value


def folder(name: str, value: Any) -> Path:
    """Return a folder's path with `~` expanded; refuse an empty name, which would mean the current folder.

    Raises:
        KwsError: it is empty, or no path.
    """
    if not isinstance(value, str | Path) or not str(value).strip():
        raise KwsError(f"{name}: {value!r} given; the name of a folder expected (. is the current one)")
    return Path(value).expanduser()


def words(name: str, value: Any) -> Sequence[str]:
    """Return a list of words, which `kws.labels.LabelSet` checks further; refuse a single string.

    Raises:
        KwsError: it is no list.
    """
    if isinstance(value, str):
        raise KwsError(f'{name}: {value!r} given; a list of words expected, such as ["{value}"]; yes, no, on, off in quotes')
    return cast("Sequence[str]", value)


def shown(value: Any) -> str:
    """Format a value as it is written in a configuration."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"{value:g}" if isinstance(value, Real) else repr(value)


def _refuse(name: str, value: Any, expected: str) -> NoReturn:
    raise KwsError(f"{name}: {shown(value)} makes no sense; {expected}")
