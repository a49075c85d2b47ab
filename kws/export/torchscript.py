"""Writing TorchScript (C++, Python) and PyTorch Mobile's bytecode (phones)."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from kws.errors import KwsError, first_line
from kws.inference.metadata import METADATA_KEY, Metadata


def write_torchscript(module: nn.Module, metadata: Metadata, path: Path) -> None:
    """Write a module as TorchScript, frozen, with its metadata as an extra file named `kws`.

    Raises:
        KwsError: the module can't be scripted.
    """
    _save(_frozen(module, path).save_to_buffer, metadata, path)


def write_mobile(module: nn.Module, metadata: Metadata, path: Path) -> None:
    """Write a module as bytecode for PyTorch Mobile's lite interpreter, with its metadata as an extra file named `kws`.

    Freezing has done what `optimize_for_mobile` would do to these networks, and that fails in builds without XNNPACK.

    Raises:
        KwsError: the module can't be scripted.
    """
    _save(_frozen(module, path)._save_to_buffer_for_lite_interpreter, metadata, path)


def _save(to_buffer: Callable[..., bytes], metadata: Metadata, path: Path) -> None:
    # Written to memory first: on a full disk torch's own file writer aborts the process.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        content = to_buffer(_extra_files={METADATA_KEY: metadata.to_json()})
    path.write_bytes(content)


def _frozen(module: nn.Module, path: Path) -> Any:
    with warnings.catch_warnings():
        # TorchScript is deprecated, but it is what C++ and PyTorch Mobile load.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            return torch.jit.freeze(torch.jit.script(module.eval()))
        except Exception as error:  # the compiler raises many kinds
            raise KwsError(f"{path}: this model can't be scripted: {first_line(error)}") from error
