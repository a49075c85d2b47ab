"""ONNX models, run by ONNX Runtime; neither torch nor onnx is needed for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kws.errors import KwsError, first_line
from kws.inference.metadata import METADATA_KEY, Metadata
from kws.inference.model import ExportedModel, Scores, Waveforms


class OnnxModel(ExportedModel):
    """An `.onnx` file.

    Args:
        path: the file.
        threads: CPU threads; None: one for each core.

    Raises:
        KwsError: not an ONNX model, cut off, or not one of kws.
    """

    def __init__(self, path: Path, threads: int | None = None) -> None:
        self._session, self._threads = open_session(path, threads), threads
        found = self._session.get_modelmeta().custom_metadata_map
        super().__init__(path, Metadata.from_json(found.get(METADATA_KEY, ""), str(path)))
        self._inputs = [port.name for port in self._session.get_inputs()]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path.absolute(), self._threads)

    def run(self, waveform: Waveforms) -> Scores:
        """Return the first output for waveforms (batch, …)."""
        return self.call(waveform)[0]

    def call(self, *inputs: NDArray[np.float32]) -> Sequence[NDArray[np.float32]]:
        """Return all outputs for all inputs, in the file's order."""
        outputs: Sequence[NDArray[np.float32]] = self._session.run(None, dict(zip(self._inputs, inputs, strict=True)))
        return outputs


def open_session(path: Path, threads: int | None) -> Any:
    """Open an ONNX Runtime session on the CPU.

    Raises:
        KwsError: ONNX Runtime is missing, or can't read the file.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise KwsError(f"{path}: needs ONNX Runtime ({error}); install it with: pip install onnxruntime") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.inter_op_num_threads = 1
    # What it would print is raised as an error anyway.
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors share no base
        raise KwsError(
            f"{path}: can't be read as an ONNX model ({first_line(error)}); it is cut off, or another kind of file"
        ) from error
