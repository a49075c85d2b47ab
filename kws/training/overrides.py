"""The command line's overrides: what people type, in Hydra's grammar."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Quote, QuotedString
from hydra.errors import HydraException

# The last part of the names of settings that take a path.
_PATHS = ("root", "path", "ckpt", "dir", "cache_dir", "subdir")
# A class of one's own in place of a registered name: no file of the configuration has this setting.
_OWN_CLASS = ("model._target_", "features._target_")
# What starts a value that was written in Hydra's grammar on purpose.
_GRAMMAR = ("'", '"', "[", "{", "(", "$")
_SWEEPS = ("choice(", "range(", "glob(", "interval(", "tag(", "sort(", "shuffle(")


def prepare(arguments: Iterable[str], conf: Path) -> list[str]:
    """Return arguments as Hydra's grammar wants them; what it takes as it is keeps its meaning.

    A group takes null for its option `none`. A path is quoted, and its `~` expanded. A value, or an entry of a list,
    that the grammar can't read is taken as text.

    Args:
        arguments: of the command line.
        conf: folder of the configuration.
    """
    given = list(arguments)
    # Hydra takes its switches before all settings or after them, not between.
    switches = [argument for argument in given if argument in ("-m", "--multirun")]
    return [*switches, *(_prepared(argument, conf, bool(switches)) for argument in given if argument not in switches)]


def quoted(text: str) -> str:
    """Return a text in quotes of Hydra's grammar."""
    return QuotedString(text, Quote.single).with_quotes()


def readable(override: str) -> bool:
    """Whether Hydra's grammar can read an override."""
    try:
        OverridesParser.create().parse_override(override)
    except HydraException:
        return False
    return True


def _prepared(argument: str, conf: Path, multirun: bool) -> str:
    key, equals, value = argument.partition("=")
    if not equals or argument.startswith("-") or value.startswith(("'", '"', "$")):
        return argument
    if key in _OWN_CLASS:
        return f"++{argument}"
    group = key.lstrip("+")
    if (conf / group / "none.yaml").is_file():
        return f"{key}={','.join('none' if option == 'null' else option for option in value.split(','))}"
    if key.rpartition(".")[2] in _PATHS and _is_path(value, multirun):
        return f"{key}={quoted(str(Path(value).expanduser()) if value.startswith('~') else value)}"
    if not value or readable(argument):
        return argument
    changed = f"{key}={_as_text(value, multirun)}"
    return changed if readable(changed) else argument


def _is_path(value: str, multirun: bool) -> bool:
    several = multirun and ("," in value or value.startswith(_SWEEPS))
    return value not in ("", "null", "???") and not value.startswith(_GRAMMAR) and not several


def _as_text(value: str, multirun: bool) -> str:
    inner = value[1:-1]
    if value.startswith("[") and value.endswith("]") and not any(bracket in inner for bracket in "[]{}"):
        return f"[{','.join(map(_entry, inner.split(',')))}]"
    if value.startswith(_GRAMMAR):
        return value
    return ",".join(map(_entry, value.split(","))) if multirun else quoted(value)


def _entry(text: str) -> str:
    text = text.strip()
    return text if readable(f"x={text}") else quoted(text)
