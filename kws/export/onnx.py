"""Writing ONNX: plain operators, a batch of any size, labels and settings inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from kws.errors import KwsError, first_line
from kws.export.graph.constants import compact
from kws.export.graph.names import shorten
from kws.frontend.spectrum import Spectrum
from kws.inference.metadata import METADATA_KEY, Metadata
from kws.inference.suppress_warnings import suppress_warnings

# The lowest that PyTorch's exporter writes without converting afterwards.
OPSET = 18
# The lowest version of the file format with that opset; runtimes a year old refuse the exporter's newest.
IR_VERSION = 8


@dataclass(frozen=True)
class Ports:
    """A module's inputs and outputs.

    Attributes:
        inputs, outputs: their names.
        dynamic: per input, its axes of any size, as `torch.export` takes them.
    """

    inputs: tuple[str, ...] = ("waveform",)
    outputs: tuple[str, ...] = ("probabilities",)
    dynamic: tuple[Mapping[int, Any], ...] = ({0: torch.export.Dim("batch")},)


CLIPS = Ports()


def _package() -> Any:
    try:
        import onnx
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise KwsError(f"export to ONNX needs {error.name}; install it with: pip install 'kws[train]'") from error
    return onnx


def write_onnx(
    module: nn.Module, example: Tensor | tuple[Tensor, ...], metadata: Metadata, path: Path, ports: Ports = CLIPS
) -> None:
    """Write a module as an ONNX file.

    Nodes are named by the part of the module that they came from (`front_end.spectrum/linear`, `network.first/conv2d`).
    The front end's large tables are written as operators that compute them (`kws.export.graph.constants`), and the
    values between nodes are numbered.

    Args:
        module: to be written.
        example: an input of two or more (batch, …); the batch may be of any size later. One for each of the ports.
        metadata: goes into the file's metadata_props, as JSON.
        path: the file.
        ports: its inputs and outputs.

    Raises:
        KwsError: the packages for export are missing, or an operator can't be written.
    """
    onnx = _package()
    # The exporter warns about operators of torchvision, and about its own internals.
    with suppress_warnings("torch.onnx", "onnxscript", "onnx_ir"):
        try:
            program = torch.onnx.export(
                module, example if isinstance(example, tuple) else (example,), dynamo=True, opset_version=OPSET, verbose=False,
                input_names=ports.inputs, output_names=ports.outputs, dynamic_shapes=ports.dynamic,
            )  # fmt: skip
        except Exception as error:  # the exporter wraps whatever went wrong in errors of its own
            raise KwsError(f"{path}: this model can't be written as ONNX: {first_line(error)}") from error
    if program is None:
        raise RuntimeError("torch.onnx.export gave no program")
    _tidy(program.model)
    program.model.metadata_props[METADATA_KEY] = metadata.to_json()
    model = program.model_proto
    model.ir_version = IR_VERSION
    compact(model.graph, [part for part in module.modules() if isinstance(part, Spectrum)])
    shorten(model.graph)
    onnx.save(model, path)


def _tidy(model: Any) -> None:
    """Name nodes by their module path, and drop the exporter's traces of this machine's files."""
    for node in model.graph:
        scopes = node.metadata_props.get("namespace", "").split("/")
        place, operation = (scope.split(":")[0].strip() for scope in ("", *scopes)[-2:])
        node.name = f"{place}/{operation}/{node.name}".removeprefix("/")
        node.metadata_props.clear()
    model.graph.metadata_props.clear()
    for value in [*model.graph.inputs, *model.graph.outputs, *model.graph.initializers.values()]:
        value.metadata_props.clear()
