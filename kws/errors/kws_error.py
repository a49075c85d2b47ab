"""The errors a user can meet and mend."""

from __future__ import annotations

import re

_NAMED = re.compile(r"([a-zA-Z_]\w*(?:\.[a-zA-Z_]\w*)*): ")
# The extra of kws that brings a package.
_EXTRAS = {
    "torch": "train",
    "torchaudio": "train",
    "pytorch_lightning": "train",
    "hydra": "train",
    "omegaconf": "train",
    "tensorboard": "train",
    "matplotlib": "train",
    "onnx": "train",
    "onnxscript": "train",
    "executorch": "executorch",
    "sounddevice": "listen",
    "rich": "listen",
}


class KwsError(Exception):
    """Something the user can mend: the message names the file or setting, what was found, and what to do.

    The command line prints it without a traceback and exits with status 2.

    Args:
        said: the message.
        setting: dotted name of the setting at fault, such as `data.batch_size`. None: the name that the message starts
            with, in front of a colon and a space, where it looks like one (a file's name may, too); otherwise there is
            none.
    """

    def __init__(self, *said: object, setting: str | None = None) -> None:
        super().__init__(*said)
        found = _NAMED.match(str(self))
        self.setting = setting if setting is not None else (found[1] if found else None)


class InputError(KwsError, ValueError):
    """Samples, or an argument of a function, of the wrong type, shape or value: a ValueError too, as Python's own would be."""


def user_error(error: BaseException | None) -> KwsError | None:
    """Return the KwsError in the `__cause__` chain, if any (e.g. wrapped by Hydra's instantiate)."""
    while error is not None and not isinstance(error, KwsError):
        error = error.__cause__
    return error


def missing_package(error: ModuleNotFoundError) -> str | None:
    """Return what to install for a missing package of an extra; None for any other package."""
    name = (error.name or "").split(".")[0]
    return f"needs {name}, which is not installed; pip install 'kws[{_EXTRAS[name]}]'" if name in _EXTRAS else None


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, at most 200 characters; its type if the message is empty."""
    said = str(error).strip() or type(error).__name__
    return said.splitlines()[0][:200]
