"""Import torchaudio next to any build of torch."""

from __future__ import annotations

import importlib
import logging
import sys
from types import ModuleType
from typing import NoReturn

from kws.errors import KwsError

log = logging.getLogger(__name__)


def torchaudio_functional() -> ModuleType:
    """Import `torchaudio.functional`, without torchaudio's compiled extension if that does not load.

    PyPI's torchaudio is built for CUDA, and its extension does not load next to a CPU-only torch. kws needs only Python
    parts of torchaudio, which works without the extension if its file is absent: this pretends that it is.

    Raises:
        KwsError: torchaudio is not installed, or does not load for another reason.
    """
    try:
        return _import()
    except (OSError, ImportError) as error:
        if isinstance(error, ModuleNotFoundError):
            raise
        log.debug("torchaudio's extension does not load (%s); going on without it", error)
    for name in [name for name in sys.modules if name.split(".")[0] == "torchaudio"]:
        del sys.modules[name]
    sys.modules["torchaudio._extension"] = _absent_extension()
    try:
        return _import()
    except (OSError, ImportError) as error:
        raise KwsError(
            f"torchaudio does not load beside this torch ({error}); install the versions that go together:"
            " pip install --force-reinstall 'kws[train]'"
        ) from error


def _import() -> ModuleType:
    try:
        return importlib.import_module("torchaudio.functional")
    except ModuleNotFoundError as error:
        if error.name != "torchaudio":
            raise
        raise KwsError("torchaudio is not installed; install it with: pip install 'kws[train]'") from error


def _absent_extension() -> ModuleType:
    """Build the module that torchaudio itself uses if its extension's file is absent."""

    def fail_if_no_align(function: object) -> object:
        def fail(*_: object, **__: object) -> NoReturn:
            raise RuntimeError("torchaudio runs without its compiled extension here")

        return fail

    module = ModuleType("torchaudio._extension")
    vars(module).update(
        _IS_TORCHAUDIO_EXT_AVAILABLE=False,
        _IS_ALIGN_AVAILABLE=False,
        fail_if_no_align=fail_if_no_align,
        _load_lib=lambda lib: False,
        _check_cuda_version=lambda: None,
    )
    return module
