"""Checks of the settings before anything is built: present, finite, of the constructors' types."""

from __future__ import annotations

import inspect
import math
import types
import typing
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

from hydra.errors import InstantiationException
from hydra.utils import get_object, instantiate
from omegaconf import DictConfig, OmegaConf
from torch import Tensor, nn

from kws.errors import KwsError, first_line, user_error
from kws.frontend.front_end import FRONT_ENDS
from kws.frontend.registry import Registry
from kws.models.registry import MODELS
from kws.training.explain import missing, nearest

_WHOLE, _NUMBER = "a whole number", "a number"
# Sections that give a class by its registered name.
_REGISTRIES: Mapping[str, Registry[Any]] = {"features": FRONT_ENDS, "model": MODELS}
# A function whose other arguments are those of a class.
_LIKE = {"kws.training.trainer.make_trainer": "pytorch_lightning.Trainer"}


class RunSettings(TypedDict):
    """The settings that belong to no group."""

    words: Sequence[str | float | bool]  # LabelSet has its own words for what YAML makes of yes and no
    name: str | float | None
    seed: int
    threads: int | None
    ckpt: str | None
    test_weights: str
    calibrate: bool
    export: Sequence[str]
    checkpoint_steps: int
    progress: bool
    show: bool
    check_nans: bool


def check_settings(cfg: DictConfig) -> None:
    """Make sure that a configuration's values are there, finite, and of their types.

    Raises:
        KwsError: a value is not; named by its key.
        omegaconf.errors.OmegaConfBaseException: an interpolation leads nowhere.
    """
    for key in sorted(OmegaConf.missing_keys(cfg)):
        raise missing(key)
    named = plain_settings(cfg, "configuration")
    for key, hint in typing.get_type_hints(RunSettings).items():
        if key in named:
            _check_type(named[key], hint, key)
    # What others refer to comes first, so that a value is named by its own key.
    rooms = [room for room in ("features", "augment", "split", "model") if room in named]
    for room in dict.fromkeys([*rooms, *named]):
        _check(named[room], room, named.get("words"))


def plain_settings(node: Any, key: str) -> dict[str, Any]:
    """Return a section of a configuration as a plain dictionary, resolved; empty for none.

    Args:
        node: the section; None: there is none.
        key: its name, for the error.

    Raises:
        KwsError: it is a value or a list.
    """
    if node is not None and not isinstance(node, DictConfig):
        raise KwsError(f"{key}: {node} given; settings expected, {{name: value, …}}")
    settings = None if node is None else OmegaConf.to_container(node, resolve=True)
    return {str(name): value for name, value in settings.items()} if isinstance(settings, dict) else {}


def build(cfg: DictConfig, room: str, **given: Any) -> Any:
    """Build what a section of the configuration names.

    Raises:
        KwsError: its class refuses the settings.
    """
    return built(room, lambda: instantiate(cfg[room], **given))


def built(room: str, make: Callable[[], Any]) -> Any:
    """Build an object from settings; an error names their section.

    Raises:
        KwsError: it refuses them.
    """
    try:
        return make()
    except Exception as error:
        if (mendable := user_error(error)) is not None:
            raise mendable from error
        behind, key = error, room
        if isinstance(error, InstantiationException):
            key = next((line[10:].strip() for line in str(error).splitlines() if line.startswith("full_key: ")), room)
            behind = error.__cause__ if isinstance(error.__cause__, Exception) else error
        raise KwsError(f"{key}: {first_line(behind)}") from error


def _check(value: Any, key: str, words: Any) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise KwsError(f"{key}: {value} given; a finite number expected")
    if isinstance(value, dict):
        if "_target_" in value or key in _REGISTRIES:
            _check_arguments(value, key, words)
        for name, entry in value.items():
            _check(entry, f"{key}.{name}", words)
    elif isinstance(value, list):
        for number, entry in enumerate(value):
            _check(entry, f"{key}[{number}]", words)


def _check_arguments(settings: Mapping[str, Any], key: str, words: Any) -> None:
    if key in _REGISTRIES:
        made: object = _REGISTRIES[key].find(settings)
        target = str(settings.get("_target_", settings.get("name")))
        hints = _arguments_of(made)
    else:
        target = str(settings["_target_"])
        hints = argument_types(target, key)
    for name, value in settings.items():
        if name.startswith("_") or (name == "name" and key in _REGISTRIES):
            continue
        if hints.names and name not in hints.names:
            raise KwsError(f"{key}.{name}: {target} has no such argument; {nearest(name, hints.names)}")
        # Words are checked where they are named; digits are words too.
        if value != words or not isinstance(value, list):
            _check_type(value, hints.types.get(name, Any), f"{key}.{name}")


class _Arguments(typing.NamedTuple):
    types: Mapping[str, Any]
    names: Collection[str]  # none: any


def argument_types(target: str, key: str) -> _Arguments:
    """Return the types of a class's or function's arguments, and their names.

    Args:
        target: as Hydra's `_target_`.
        key: of its settings, for the error.

    Raises:
        KwsError: there is no such class or function.
    """
    try:
        made = get_object(target)
    except Exception as error:  # importing runs code, which raises anything
        cause = error.__cause__ or error
        raise KwsError(f"{key}._target_: {target} can't be imported ({first_line(cause)}); give package.module.Class") from error
    found = _arguments_of(made)
    if target in _LIKE:
        like = argument_types(_LIKE[target], key)
        named = set(inspect.signature(made).parameters)
        return _Arguments({**like.types, **found.types}, {*like.names, *named} - {"settings"})
    return found


def _arguments_of(made: Any) -> _Arguments:
    function = made.__init__ if isinstance(made, type) else made  # type: ignore[misc]
    try:
        found, parameters = typing.get_type_hints(function), inspect.signature(made).parameters
    except (NameError, TypeError, ValueError):  # built in, or with types that are imported for a type checker alone
        return _Arguments({}, ())
    open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    return _Arguments(found, () if open_ended else tuple(parameters))


def _check_type(value: Any, hint: Any, key: str) -> None:
    if not fits(value, hint):
        raise KwsError(f"{key}: {value} given; {' or '.join(dict.fromkeys(_described(hint)))} expected")


def fits(value: Any, hint: Any) -> bool:
    """Return whether a value can be of a type; a type that says nothing about plain values takes any."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if isinstance(value, dict) and "_target_" in value:
        return True
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, part) for part in parts)
    if hint is None or hint is type(None):
        return value is None
    if origin is typing.Literal:
        return value in parts
    if hint in (int, float):
        return isinstance(value, int | hint) and not isinstance(value, bool)
    if hint in (bool, str):
        return isinstance(value, hint)
    if hint is Path:
        return isinstance(value, str)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return isinstance(value, dict)
    if isinstance(origin, type) and issubclass(origin, Iterable):
        if not isinstance(value, list):
            return False
        kinds = parts if origin is tuple and parts[-1] is not Ellipsis else [parts[0]] * len(value)
        return len(value) == len(kinds) and all(map(fits, value, kinds))
    own = isinstance(hint, type) and (hint.__module__.startswith("kws.") or issubclass(hint, Tensor | nn.Module))
    return not own or isinstance(value, dict)


def _described(hint: Any) -> list[str]:
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return [text for part in parts for text in _described(part)]
    simple = {int: _WHOLE, float: _NUMBER, bool: "true or false", str: "a text", Path: "a path", type(None): "null"}
    if hint in simple:
        return [simple[hint]]
    if origin is typing.Literal:
        return [str(part) for part in parts]
    if isinstance(origin, type) and issubclass(origin, Iterable) and not issubclass(origin, Mapping):
        entries = {"a text": "words", _WHOLE: "whole numbers", _NUMBER: "numbers"}
        return [f"a list of {entries.get(_described(parts[0])[0], 'entries')}"]
    return ["settings with a _target_"]
