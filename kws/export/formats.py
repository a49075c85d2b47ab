"""The kinds of file that a model can be exported to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from kws.errors import KwsError
from kws.export.onnx import write_onnx
from kws.export.torchscript import write_mobile, write_torchscript
from kws.inference.metadata import Metadata

Calibration = NDArray[np.float32]
Writer = Callable[[nn.Module, Tensor, Metadata, Path, Calibration], None]


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Attributes:
        name: as in `--to`.
        suffix: of the file.
        write: module, example input, metadata, path, calibration clips → the file.
        quantised: it computes in whole numbers: it needs calibration clips, and is judged by its accuracy.
    """

    name: str
    suffix: str
    write: Writer
    quantised: bool = False


def _onnx(module: nn.Module, example: Tensor, metadata: Metadata, path: Path, calibration: Calibration) -> None:
    write_onnx(module, example, metadata, path)


def _onnx_int8(module: nn.Module, example: Tensor, metadata: Metadata, path: Path, calibration: Calibration) -> None:
    from kws.export.quantize import write_int8  # it imports ONNX Runtime's tools, which take a second

    write_int8(module, example, metadata, path, calibration)


def _torchscript(module: nn.Module, example: Tensor, metadata: Metadata, path: Path, calibration: Calibration) -> None:
    write_torchscript(module, metadata, path)


def _mobile(module: nn.Module, example: Tensor, metadata: Metadata, path: Path, calibration: Calibration) -> None:
    write_mobile(module, metadata, path)


def _executorch(module: nn.Module, example: Tensor, metadata: Metadata, path: Path, calibration: Calibration) -> None:
    from kws.export.executorch import write_executorch  # an extra

    write_executorch(module, example, metadata, path)


FORMATS = {
    form.name: form
    for form in (
        Format("onnx", ".onnx", _onnx),
        Format("onnx-int8", ".int8.onnx", _onnx_int8, quantised=True),
        Format("torchscript", ".pt", _torchscript),
        Format("mobile", ".ptl", _mobile),
        Format("executorch", ".pte", _executorch),
    )
}


def find_formats(names: str | Sequence[str]) -> list[Format]:
    """Return the formats with this name or these names.

    Raises:
        KwsError: there is no such format.
    """
    names = [names] if isinstance(names, str) else names
    for name in names:
        if name not in FORMATS:
            raise KwsError(f"export: {name!r} is no format; there are {', '.join(FORMATS)}")
    return [FORMATS[name] for name in dict.fromkeys(names)]
