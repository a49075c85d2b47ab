"""Translation of train.py's settings in errors to a command's options."""

from __future__ import annotations

import argparse
import re

from kws.errors import KwsError

# Sections of the configuration; a file called `one.wav` is none of them.
_SECTIONS = ("data", "split", "data.source", "decoder", "features")
_SETTING = re.compile(r"\b(?:data|split)\.([a-z_]+)(?:=(\S+?)(?=[\s,;.)]|$))?")


def as_options(error: KwsError, args: argparse.Namespace) -> str:
    """Return the error's message with the command's own options, such as `--cache-dir` for `data.cache_dir`."""

    def option(found: re.Match[str]) -> str:
        name, value = found.groups()
        if not hasattr(args, name):
            return found[0]
        return f"--{name.replace('_', '-')}" + (f" {value}" if value is not None else "")

    message = str(error)
    section, _, name = (error.setting or "").rpartition(".")
    if error.setting and section in _SECTIONS and hasattr(args, name):
        message = re.sub(rf"^{re.escape(error.setting)}: ", f"--{name.replace('_', '-')}: ", message)
    if hasattr(args, "data"):
        message = message.replace("data.source.root", "DATA")
    if hasattr(args, "testing_percentage"):
        every = ", or take --split all" if hasattr(args, "split") else ""
        message = message.replace("split.*_percentage", f"--validation-percentage and --testing-percentage{every}")
    if error.setting == "words" and not hasattr(args, "words"):
        message = re.sub(r"^words: ", "", message)
    return _SETTING.sub(option, message)
