"""Every network and every front end, through every format: the same answers as the module they came from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from exported import FRONT_ENDS, NETWORKS, make_model
from numpy.typing import NDArray
from slow import slow_unless

from kws.errors import KwsError
from kws.export.exporter import Scores
from kws.export.formats import FORMATS, find_formats
from kws.export.parity import LIMIT
from kws.export.probes import hard_signals
from kws.inference.checkpoint import WaveformModel
from kws.inference.loading import load
from kws.models.config import ModelConfig

# ExecuTorch and whole numbers have tests of their own.
PLAIN = ("onnx", "torchscript", "mobile")
QUICK = ("single_fc", "conv", "low_latency_svdf", "ds_tc_resnet")
COMBINATIONS = [(network, "mfcc") for network in NETWORKS] + [("single_fc", name) for name in FRONT_ENDS if name != "mfcc"]


def written(model: WaveformModel, form: str, folder: Path) -> Path:
    path = folder / f"model{FORMATS[form].suffix}"
    no_clips = np.zeros((0, model.spec.samples), np.float32)
    FORMATS[form].write(Scores(model).eval(), torch.zeros(2, model.spec.samples), model.metadata, path, no_clips)
    return path


def well_conditioned(model: WaveformModel) -> NDArray[np.float32]:
    """Signals in which no band is so empty that it holds nothing but rounding."""
    signals = hard_signals(model.spec)
    kinds = ("silence", "full-scale clipping", "one sample", "white noise", "faint noise", "voice")
    return np.concatenate([signals[kind] for kind in kinds])


@pytest.mark.parametrize("form", PLAIN)
@pytest.mark.parametrize(("network", "front_end"), slow_unless(COMBINATIONS, lambda case: case[0] in QUICK))
def test_equal_to_the_module(network: str, front_end: str, form: str, tmp_path: Path) -> None:
    model = make_model(network, front_end)
    artefact = load(written(model, form, tmp_path))
    clips = well_conditioned(model)
    expected = model.score(clips)
    # Worth comparing only if the answers differ from clip to clip.
    assert expected.std(axis=0).max() > 0.1
    for batch in (clips, clips[:1]):
        np.testing.assert_allclose(artefact.score(batch), expected[: len(batch)], rtol=0, atol=LIMIT)
    np.testing.assert_allclose(artefact.score(clips).sum(axis=1), 1, atol=LIMIT)


@pytest.mark.parametrize("form", PLAIN)
def test_carries_its_description(form: str, tmp_path: Path) -> None:
    model = make_model("low_latency_svdf", "log_mel", bins=32, sample_rate=8000, clip_ms=800.0)
    metadata = load(written(model, form, tmp_path)).metadata
    assert metadata == model.metadata
    assert metadata.labels.names == ("_silence_", "_unknown_", "yes", "no", "stop")
    assert (metadata.spec.sample_rate, metadata.spec.samples) == (8000, 6400)
    assert metadata.features["bins"] == 32
    assert metadata.training == {"checkpoint": "made.ckpt", "steps": 3}


@pytest.mark.parametrize("form", PLAIN)
@pytest.mark.parametrize(
    ("window_ms", "hop_ms"),
    slow_unless(
        [(25.0, 10.0), (30.0, 20.0), (32.5, 7.5), (20.0, 20.0), (30.0, 9.9375)], lambda case: case in ((25.0, 10.0), (32.5, 7.5))
    ),
)
def test_any_framing(form: str, window_ms: float, hop_ms: float, tmp_path: Path) -> None:
    model = make_model("single_fc", "mfcc", window_ms=window_ms, hop_ms=hop_ms)
    clips = well_conditioned(model)
    np.testing.assert_allclose(load(written(model, form, tmp_path)).score(clips), model.score(clips), rtol=0, atol=LIMIT)


def test_onnx_holds_standard_operators_and_no_paths_of_this_machine(tmp_path: Path) -> None:
    import onnx

    path = written(make_model("conv"), "onnx", tmp_path)
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 18)]
    # The lowest that this opset has: a newer one is refused by ONNX Runtime before 1.18.
    assert model.ir_version == 8
    assert not {node.op_type for node in model.graph.node} & {"STFT", "DFT", "Loop", "If"}
    assert model.graph.input[0].name == "waveform"
    assert [dim.dim_param or dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim] == ["batch", 16000]
    assert model.graph.output[0].name == "probabilities"
    assert all(node.name.startswith(("front_end", "network", "softmax")) for node in model.graph.node)
    assert str(Path(__file__).parents[1]).encode() not in path.read_bytes()


def test_onnx_gathers_nothing_from_a_clip(tmp_path: Path) -> None:
    # Frames cut sample by sample take as long as a small network. The tables are gathered once, as the file is loaded.
    import onnx
    import onnxruntime

    path, options = written(make_model("conv"), "onnx", tmp_path), onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(tmp_path / "run.onnx")
    onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    made, run = ({node.op_type for node in onnx.load(file).graph.node} for file in (path, tmp_path / "run.onnx"))
    assert "Gather" in made
    assert not run & {"Gather", "GatherElements", "GatherND", "ScatterND", "Mod"}


def test_a_wrong_length_is_refused_by_the_bare_scripted_module(tmp_path: Path) -> None:
    module = torch.jit.load(str(written(make_model(), "torchscript", tmp_path)))
    for samples in (15_999, 16_001, 1):
        with pytest.raises(Exception, match="samples = 16000"):
            module(torch.zeros(1, samples))


@pytest.mark.parametrize("network", [name for name in NETWORKS if name != "single_fc"])
def test_no_dropout_may_be_a_whole_number(network: str) -> None:
    # As in `model.dropout=0`; scripting tells whole numbers from others.
    target = {**NETWORKS[network], "dropout": 0}
    model = WaveformModel(ModelConfig(("yes", "no"), FRONT_ENDS["log_mel"], target)).eval()
    clips = torch.zeros(2, model.spec.samples)
    with torch.no_grad():
        torch.testing.assert_close(torch.jit.script(Scores(model).eval())(clips), model(clips), rtol=0, atol=LIMIT)


def test_formats_are_found_once_each_in_order() -> None:
    assert [form.name for form in find_formats(["mobile", "onnx", "mobile"])] == ["mobile", "onnx"]
    assert [form.name for form in find_formats("onnx")] == ["onnx"]
    with pytest.raises(KwsError, match="'tflite' is no format; there are onnx, onnx-int8, torchscript, mobile, executorch"):
        find_formats(["onnx", "tflite"])
