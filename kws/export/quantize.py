"""Writing ONNX whose network computes in 8-bit integers; front end and softmax stay in float32.

docs/export.md has the measurements behind the choices here:

- The first layer and all before the second compute in float: an MFCC's coefficients differ too much in range for one
  scale.
- Depthwise convolutions compute in float: their channels differ in range too.
- The weights of both are stored in 8 bits, with a scale for each channel, or for each position of the first layer's
  kernel.
- The other weights use 7 of their 8 bits: without VNNI instructions, products of 8-bit weights overflow in 16 bits.
- Logits stay in float.
- A range reaches from the smallest to the largest value, and is asymmetric.
"""

from __future__ import annotations

import copy
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from kws.errors import KwsError, first_line
from kws.export.graph.fold_batch_norm import fold_norms
from kws.export.graph.names import shorten
from kws.export.graph.parts import part_of, read_by_alone
from kws.export.onnx import write_onnx
from kws.files.atomic import atomic_write
from kws.inference.metadata import METADATA_KEY, Metadata

# Operators with weights, and those that pass whole numbers on unchanged.
_WEIGHTED = frozenset({"Conv", "Gemm", "MatMul"})
_PASSING = frozenset({"Relu", "MaxPool", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten"})
_BATCH = 50


def write_int8(module: nn.Module, example: Tensor, metadata: Metadata, path: Path, calibration: NDArray[np.float32]) -> None:
    """Write a module with the parts `front_end` and `network` as ONNX, its network in 8 bits.

    Args:
        module: to be written.
        example: an input of two or more (batch, samples); the batch may be of any size later.
        metadata: goes into the file's metadata_props, as JSON.
        path: the file.
        calibration: float32 (clips, samples): sound like that of later use, from which the ranges are taken.

    Raises:
        KwsError: no clips to calibrate with, the packages for export are missing, or the model can't be quantised.
    """
    if len(calibration) == 0:
        raise KwsError(
            f"{path}: no clips to calibrate with, so the ranges of the network's values are unknown;"
            " give some of the training split (kws export: --data)"
        )
    with tempfile.TemporaryDirectory(prefix="kws-") as folder:
        plain, quantised = Path(folder) / "plain.onnx", Path(folder) / "quantised.onnx"
        write_onnx(module, example, metadata, plain)
        try:
            import onnx

            with _quiet():
                _quantise(plain, quantised, calibration)
        except ImportError as error:
            raise KwsError(f"export to 8-bit ONNX needs {error.name}; install it with: pip install 'kws[train]'") from error
        except Exception as error:  # ONNX Runtime's tools raise many kinds
            raise KwsError(f"{path}: this model can't be quantised: {first_line(error)}") from error
        model = onnx.load(quantised)
    _store_in_8_bits(model.graph)
    shorten(model.graph)
    onnx.helper.set_model_props(model, {METADATA_KEY: metadata.to_json()})
    with atomic_write(path) as temporary:
        onnx.save(model, temporary)


def _quantise(plain: Path, quantised: Path, calibration: NDArray[np.float32]) -> None:
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    model = onnx.load(plain)
    graph = model.graph
    fold_norms(graph)
    kept = _kept_in_float(graph)
    _pool_before_relu(graph, kept)
    onnx.save(model, plain)
    clips = np.split(calibration, range(_BATCH, len(calibration), _BATCH))
    quantize_static(
        plain, quantised, _Clips(graph.input[0].name, clips),
        quant_format=QuantFormat.QDQ, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        per_channel=True, reduce_range=True,
        op_types_to_quantize=sorted(_WEIGHTED | _PASSING), nodes_to_exclude=kept,
        extra_options={"OpTypesToExcludeOutputQuantization": ["Gemm", "MatMul"], "MatMulConstBOnly": True},
    )  # fmt: skip


class _Clips:
    """Feeds the calibration clips, like `onnxruntime.quantization.CalibrationDataReader`."""

    def __init__(self, name: str, batches: list[NDArray[np.float32]]) -> None:
        self._batches = iter([{name: batch} for batch in batches])

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """Return the next batch by the input's name; None after the last."""
        return next(self._batches, None)


def _kept_in_float(graph: Any) -> list[str]:
    """Return the names of the nodes that stay in float.

    They are those outside the network, those before its second layer, and its depthwise convolutions.
    """
    # How many layers lie between the features and a value.
    layers: dict[str, int] = {}
    kept = []
    for node in graph.node:
        inside = part_of(node) == "network"
        depth = max((layers.get(name, 0) for name in node.input), default=0) + (inside and node.op_type in _WEIGHTED)
        layers.update(dict.fromkeys(node.output, depth))
        if not inside or depth < 2 or _is_depthwise(node):
            kept.append(node.name)
    return kept


def _is_depthwise(node: Any) -> bool:
    return any(attribute.name == "group" and attribute.i > 1 for attribute in node.attribute)


def _pool_before_relu(graph: Any, names: list[str]) -> None:
    """Swap a ReLU and the max-pooling that follows it, among the named nodes; the values stay the same.

    ONNX Runtime would otherwise pool 8-bit values, which is far slower (docs/export.md).
    """
    nodes = list(graph.node)
    for relu, pool in pairwise(nodes):
        if (relu.op_type, pool.op_type) != ("Relu", "MaxPool") or pool.name not in names:
            continue
        if [node for node in nodes if relu.output[0] in node.input] != [pool]:
            continue
        first, second = copy.deepcopy(pool), copy.deepcopy(relu)
        first.input[0], first.output[0] = relu.input[0], f"{pool.output[0]}_before_relu"
        second.input[0], second.output[0] = first.output[0], pool.output[0]
        relu.CopyFrom(first)
        pool.CopyFrom(second)


def _store_in_8_bits(graph: Any) -> None:
    """Store the network's remaining float weights as int8 and scales."""
    from onnx import TensorProto, helper, numpy_helper

    mine = read_by_alone(graph, "network")
    depthwise = {node.input[1] for node in graph.node if _is_depthwise(node)}
    for tensor in list(graph.initializer):
        matrix = tensor.data_type == TensorProto.FLOAT and len(tensor.dims) > 1 and tensor.dims[0] > 1
        if not matrix or tensor.name not in mine:
            continue
        name, values = tensor.name, numpy_helper.to_array(tensor)
        largest = np.abs(values).max(axis=tuple(range(1, values.ndim)) if name in depthwise else 0, keepdims=True)
        scale = np.where(largest > 0, largest / 127, 1).astype(np.float32)
        whole = np.rint(values / scale).astype(np.int8)
        graph.initializer.remove(tensor)
        graph.initializer.extend(
            [numpy_helper.from_array(whole, f"{name}_int8"), numpy_helper.from_array(scale, f"{name}_scale")]
        )
        # Not DequantizeLinear: ONNX Runtime keeps that for its own patterns, and would run it again for every clip.
        cast = helper.make_node("Cast", [f"{name}_int8"], [f"{name}_cast"], f"{name}/cast", to=TensorProto.FLOAT)
        scaled = helper.make_node("Mul", [f"{name}_cast", f"{name}_scale"], [name], f"{name}/scaled")
        for node in (scaled, cast):
            graph.node.insert(0, node)


@contextmanager
def _quiet() -> Iterator[None]:
    # The tools log on the root logger, which would also set up logging where the program has not done so.
    root, nowhere = logging.getLogger(), logging.NullHandler()
    root.addFilter(_not_by_the_tools)
    root.addHandler(nowhere)
    try:
        yield
    finally:
        root.removeHandler(nowhere)
        root.removeFilter(_not_by_the_tools)


def _not_by_the_tools(record: logging.LogRecord) -> bool:
    return "onnxruntime" not in Path(record.pathname).parts
