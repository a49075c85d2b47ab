"""The front end's tables in an ONNX file: how they are made, instead of their values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from exported import FRONT_ENDS, make_model
from onnx import helper, numpy_helper
from slow import slow_unless

from kws.export import onnx as writer
from kws.export.exporter import Scores
from kws.export.graph.constants import compact
from kws.export.onnx import write_onnx
from kws.export.parity import LIMIT
from kws.export.probes import hard_signals
from kws.frontend.features import LogMel, Mfcc
from kws.inference.loading import load

# Odd windows, whose times from the middle are halves; and another rate.
SETTINGS: list[tuple[str, dict[str, Any]]] = [(name, {}) for name in FRONT_ENDS] + [
    ("mfcc", {"window_ms": 25.3125, "hop_ms": 8.4375, "bins": 13}),
    ("log_mel", {"sample_rate": 8000, "window_ms": 28.125, "hop_ms": 9.375}),
]


def written(tmp_path: Path, front_end: str, monkeypatch: pytest.MonkeyPatch, **features: Any) -> tuple[Path, Path]:
    """A model's file, and the same with all values in it."""
    model = make_model("single_fc", front_end, **features)
    given = Scores(model).eval(), torch.zeros(2, model.spec.samples), model.metadata
    small, large = tmp_path / "small.onnx", tmp_path / "large.onnx"
    write_onnx(*given, small)
    with monkeypatch.context() as patched:
        patched.setattr(writer, "compact", lambda graph, spectra: None)
        write_onnx(*given, large)
    return small, large


@pytest.mark.parametrize(("front_end", "features"), slow_unless(SETTINGS, lambda case: case in (("mfcc", {}), SETTINGS[-1])))
def test_the_same_scores_from_a_fraction_of_the_bytes(
    front_end: str, features: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small, large = written(tmp_path, front_end, monkeypatch, **features)
    onnx.checker.check_model(onnx.load(small), full_check=True)
    tables = sum(buffer.numel() for buffer in make_model("single_fc", front_end, **features).front_end.buffers())
    weights = sum(weight.numel() for weight in make_model("single_fc", front_end, **features).network.parameters())
    assert large.stat().st_size > 4 * (weights + 0.9 * tables)
    assert small.stat().st_size < 4 * weights + 50_000
    before, after = load(large, threads=1), load(small, threads=1)
    for kind, clips in hard_signals(before.spec, seed=3).items():
        if kind in ("voice", "white noise", "faint noise", "silence"):
            np.testing.assert_allclose(after.score(clips), before.score(clips), rtol=0, atol=LIMIT, err_msg=kind)


def test_a_runtime_makes_the_tables_as_it_loads_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options, kinds = onnxruntime.SessionOptions(), []
    for path in written(tmp_path, "mfcc", monkeypatch):
        options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
        options.log_severity_level = 4
        onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        kinds.append(sorted(node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node))
    assert kinds[0] == kinds[1]


@pytest.mark.parametrize("turned", [False, True])
def test_each_table_is_within_a_rounding(turned: bool) -> None:
    front_end = LogMel(window_ms=32.0625)
    tables = {"cosine": front_end.spectrum.cosine, "sine": front_end.spectrum.sine, "mel": front_end.mel}
    values = {name: (table.t() if turned else table).contiguous().numpy() for name, table in tables.items()}
    nodes = [helper.make_node("Identity", [name], [f"{name}_out"], name=f"front_end/uses_{name}") for name in values]
    outputs = [helper.make_tensor_value_info(f"{name}_out", onnx.TensorProto.FLOAT, None) for name in values]
    stored = [numpy_helper.from_array(array, name) for name, array in values.items()]
    graph = helper.make_graph(nodes, "tables", [], outputs, stored)
    compact(graph, [front_end.spectrum])
    assert not set(values) & {tensor.name for tensor in graph.initializer}
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", writer.OPSET)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    made = session.run([output.name for output in outputs], {})
    for (name, expected), found in zip(values.items(), made, strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=0 if name == "mel" else 1.2e-7, err_msg=name)


def test_what_is_not_the_front_ends_stays() -> None:
    spectrum = Mfcc().spectrum
    table, zeros = spectrum.cosine.numpy(), np.zeros((64, 64), np.float32)
    names = ("network/layer", "front_end/layer", "front_end/other", "front_end/small")
    given = {"a": table, "b": table[:, 1:], "c": zeros + 1, "d": zeros[:8]}
    nodes = [helper.make_node("Identity", [name], [f"{name}_out"], name=node) for name, node in zip(given, names, strict=True)]
    # Heard by both sides.
    nodes.append(helper.make_node("Identity", ["e"], ["e_out"], name="front_end/shared"))
    nodes.append(helper.make_node("Identity", ["e"], ["f_out"], name="network/shared"))
    stored = [numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in {**given, "e": zeros}.items()]
    graph = helper.make_graph(nodes, "others", [], [], stored)
    before = graph.SerializeToString()
    compact(graph, [spectrum])
    assert graph.SerializeToString() == before
