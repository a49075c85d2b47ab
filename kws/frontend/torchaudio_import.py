"""Importing torchaudio beside any build of torch."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from types import ModuleType

from kws.errors import KwsError


def torchaudio_functional() -> ModuleType:
    """`torchaudio.functional`.

    Raises:
        KwsError: torchaudio is absent, or its compiled extension does not fit this torch (the registry's wheel is built
            for CUDA and does not load beside a CPU-only torch); the message says how to mend it.
    """
    try:
        return importlib.import_module("torchaudio.functional")
    except ModuleNotFoundError as error:
        if error.name != "torchaudio":
            raise
        raise KwsError("torchaudio is not installed; install it with: pip install 'kws[train]'") from error
    except (OSError, ImportError) as error:
        raise KwsError(
            f"torchaudio does not load beside this torch ({error}). Its compiled extension was built for another torch;"
            " kws needs none of it. Run `kws fix-torchaudio`, which moves the extension aside, and try again."
        ) from error


def set_aside_extension() -> list[Path]:
    """Move torchaudio's compiled libraries aside (to `*.unused`), where they do not load; torchaudio then runs without.

    Returns:
        The files moved; empty where torchaudio loads as it is.

    Raises:
        KwsError: torchaudio is absent or still does not load.
    """
    if _loads():
        return []
    spec = importlib.util.find_spec("torchaudio")
    if spec is None or spec.origin is None:
        raise KwsError("torchaudio is not installed; install it with: pip install 'kws[train]'")
    moved = []
    for library in sorted((Path(spec.origin).parent / "lib").glob("*")):
        if library.suffix in {".so", ".pyd", ".dll", ".dylib"}:
            library.replace(library.with_name(library.name + ".unused"))
            moved.append(library)
    torchaudio_functional()
    return moved


def _loads() -> bool:
    try:
        torchaudio_functional()
    except KwsError:
        return False
    return True
