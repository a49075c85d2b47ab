"""Writing ONNX: plain operators, a batch of any size, labels and settings inside."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from kws.artefacts.metadata import METADATA_KEY, Metadata
from kws.errors import KwsError

# The lowest that PyTorch's exporter writes without converting afterwards.
OPSET = 18


def write_onnx(module: nn.Module, example: Tensor, metadata: Metadata, path: Path) -> None:
    """Write a module of one input and one output.

    Nodes are named by the part of the module that they came from (`front_end.spectrum/linear`, `network.first/conv2d`).

    Args:
        module: to be written.
        example: an input of two or more (batch, …); the batch may be of any size later.
        metadata: goes into the file's metadata_props, as JSON.
        path: the file.

    Raises:
        KwsError: the packages for export are missing, or an operator can't be written.
    """
    try:
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise KwsError(f"export to ONNX needs {error.name}; install it with: pip install 'kws[train]'") from error
    with _quiet():
        try:
            program = torch.onnx.export(
                module, (example,), dynamo=True, opset_version=OPSET, verbose=False,
                input_names=["waveform"], output_names=["probabilities"],
                dynamic_shapes=({0: torch.export.Dim("batch")},),
            )  # fmt: skip
        except Exception as error:  # the exporter wraps whatever went wrong in errors of its own
            raise KwsError(f"{path}: this model can't be written as ONNX: {str(error).strip().splitlines()[0]}") from error
    if program is None:
        raise RuntimeError("torch.onnx.export gave no program")
    _tidy(program.model)
    program.model.metadata_props[METADATA_KEY] = metadata.to_json()
    program.save(str(path), external_data=False)


def _tidy(model: Any) -> None:
    """Name nodes by their place in the module, and drop the exporter's traces of this machine's files."""
    for node in model.graph:
        scopes = node.metadata_props.get("namespace", "").split("/")
        place, operation = (scope.split(":")[0].strip() for scope in ("", *scopes)[-2:])
        node.name = f"{place}/{operation}/{node.name}".removeprefix("/")
        node.metadata_props.clear()
    model.graph.metadata_props.clear()
    for value in [*model.graph.inputs, *model.graph.outputs, *model.graph.initializers.values()]:
        value.metadata_props.clear()


@contextmanager
def _quiet() -> Iterator[None]:
    # The exporter warns about operators of torchvision, and about its own inside.
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
