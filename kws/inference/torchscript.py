"""TorchScript models: whole ones (`.pt`), and those for PyTorch Mobile's lite interpreter (`.ptl`)."""

from __future__ import annotations

import os
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from kws.errors import KwsError, first_line
from kws.inference.metadata import METADATA_KEY, Metadata
from kws.inference.model import ExportedModel, Scores, Waveforms
from kws.inference.torch_threads import TORCH_THREADS


class TorchScriptModel(ExportedModel):
    """A `.pt` file: scripted and frozen, as C++ and Python load it.

    Args:
        path: the file.

    Raises:
        KwsError: not a TorchScript model, cut off, or not one of kws.
    """

    def __init__(self, path: Path) -> None:
        metadata = _read_metadata(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            self._module = self._open(path)
        super().__init__(path, metadata)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path.absolute(),)

    def _open(self, path: Path) -> Any:
        return _loaded(path, torch.jit.load)

    @torch.no_grad()
    def run(self, waveform: Waveforms) -> Scores:
        """Return the output for waveforms (batch, …)."""
        TORCH_THREADS.check(str(self.path))
        scores: Scores = self._module(torch.from_numpy(waveform)).numpy()
        return scores

    @torch.no_grad()
    def call(self, *inputs: NDArray[np.float32]) -> Sequence[NDArray[np.float32]]:
        """Return all outputs of a module for all inputs, in order."""
        TORCH_THREADS.check(str(self.path))
        return [output.numpy() for output in self._module(*map(torch.from_numpy, inputs))]


class LiteModel(TorchScriptModel):
    """A `.ptl` file: bytecode, as PyTorch Mobile's lite interpreter runs it on a phone."""

    def _open(self, path: Path) -> Any:
        from torch.jit.mobile import _load_for_lite_interpreter

        with zipfile.ZipFile(path) as archive:
            if not any(name.endswith("/bytecode.pkl") for name in archive.namelist()):
                raise KwsError(f"{path}: holds no bytecode for PyTorch Mobile; export it with `kws export --to mobile`")
        return _loaded(path, _load_for_lite_interpreter)


def _loaded(path: Path, load: Any) -> Any:
    try:
        return load(os.fspath(path), map_location="cpu")
    except Exception as error:  # a damaged archive raises anything
        raise KwsError(f"{path}: is no TorchScript model, or a damaged one ({first_line(error)}); export it again") from error


def _read_metadata(path: Path) -> Metadata:
    # Read from the zip archive, which both kinds are: the lite interpreter's Python loader gives no extra files, and a
    # damaged file should be found before torch's own reader opens it.
    try:
        with zipfile.ZipFile(path) as archive:
            if (bad := archive.testzip()) is not None:
                raise zipfile.BadZipFile(f"{bad} is damaged")
            found = [name for name in archive.namelist() if name.endswith(f"/extra/{METADATA_KEY}")]
            text = archive.read(found[0]) if found else b""
    except (OSError, zipfile.BadZipFile) as error:
        raise KwsError(f"{path}: is no TorchScript model, or a cut-off one ({error}); export it again") from error
    return Metadata.from_json(text, str(path))
