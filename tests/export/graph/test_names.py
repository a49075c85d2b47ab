"""Values get short names, and the graph computes what it did."""

from __future__ import annotations

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from kws.export.graph.names import shorten  # noqa: E402

LONG = "network.blocks.0.over_time/a_value_with_a_very_long_name_"


def graph(input_name: str = "waveform", weight_name: str = "network.weight") -> onnx.GraphProto:
    """Twice relu(x · w), by way of an operator whose second output is not wanted; its names are long."""
    weight = np.arange(12, dtype=np.float32).reshape(3, 4) - 5
    nodes = [
        helper.make_node("MatMul", [input_name, weight_name], [LONG + "product"], name="network/product"),
        helper.make_node("Relu", [LONG + "product"], [LONG + "rectified"], name="network/rectified"),
        helper.make_node("Dropout", [LONG + "rectified"], [LONG + "kept", ""], name="network/dropout"),
        helper.make_node("Add", [LONG + "kept", LONG + "rectified"], ["scores"], name="network/sum"),
    ]
    notes = [helper.make_tensor_value_info(LONG + name, TensorProto.FLOAT, ["batch", 4]) for name in ("product", "rectified")]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", size]) for name, size in ((input_name, 3), ("scores", 4))
    ]
    return helper.make_graph(nodes, "g", ends[:1], ends[1:], [numpy_helper.from_array(weight, weight_name)], value_info=notes)


def scores(given: onnx.GraphProto, clips: np.ndarray) -> np.ndarray:
    model = helper.make_model(given, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: clips})[0]


# A weight or an input may be called by a number already.
@pytest.mark.parametrize(("input_name", "weight_name"), [("waveform", "network.weight"), ("0", "1"), ("waveform", "2")])
def test_the_same_numbers_under_short_names(input_name: str, weight_name: str) -> None:
    given, clips = graph(input_name, weight_name), np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    before, size = scores(given, clips), given.ByteSize()
    shorten(given)
    np.testing.assert_array_equal(scores(given, clips), before)
    assert given.ByteSize() < size - 6 * len(LONG)
    assert (given.input[0].name, given.output[0].name, given.initializer[0].name) == (input_name, "scores", weight_name)
    assert [node.name for node in given.node] == ["network/product", "network/rectified", "network/dropout", "network/sum"]


def test_once_is_enough() -> None:
    given = graph()
    shorten(given)
    again = onnx.GraphProto()
    again.CopyFrom(given)
    shorten(again)
    assert again == given
