"""ONNX with an 8-bit network: what is in whole numbers, what is not, and how near the answers stay."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime.quantization
import pytest
import torch
from exported import FRONT_ENDS, NETWORKS, make_model
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper
from slow import slow_unless
from torch import nn

from kws.errors import KwsError
from kws.export.exporter import Scores
from kws.export.onnx import write_onnx
from kws.export.probes import hard_signals
from kws.export.quantize import write_int8
from kws.inference.checkpoint import WaveformModel
from kws.inference.loading import load
from kws.inference.onnx import open_session
from kws.models.bc_resnet import Block
from kws.models.low_latency_conv import LowLatencyConv

DEEP = [name for name in NETWORKS if name != "single_fc"]
WITH_DEPTHWISE = ("bc_resnet", "bc_tc_resnet", "ds_cnn", "ds_tc_resnet")


def some_of(networks: Iterable[str]) -> list[Any]:
    """All networks; but for a few, their tests are slow."""
    return slow_unless(networks, lambda name: name in ("low_latency_conv", "ds_tc_resnet", "single_fc"))


def sound(model: WaveformModel, seed: int) -> NDArray[np.float32]:
    """Noise and voices of many levels, and silence: 25 clips."""
    signals = hard_signals(model.spec, seed)
    clips = np.concatenate([signals[kind] for kind in ("voice", "white noise")])
    levels = np.float32([1, 0.3, 0.03])[:, None, None]
    return np.concatenate([(levels * clips).reshape(-1, model.spec.samples), signals["silence"]])


@dataclass(frozen=True)
class Files:
    model: WaveformModel
    plain: Path
    whole: Path


Made = Callable[[str, str], Files]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A network with a front end, and its files; each pair is written once."""

    @cache
    def make(network: str, front_end: str) -> Files:
        model = make_model(network, front_end)
        return Files(model, *written(model, tmp_path_factory.mktemp(network)))

    return make


def written(model: WaveformModel, folder: Path) -> tuple[Path, Path]:
    """The model in float and in 8 bits."""
    given = Scores(model).eval(), torch.zeros(2, model.spec.samples), model.metadata
    plain, whole = folder / "m.onnx", folder / "m.int8.onnx"
    write_onnx(*given, plain)
    write_int8(*given, whole, sound(model, seed=1))
    return plain, whole


def front_end_of(path: Path) -> dict[str, onnx.NodeProto]:
    return {node.name: node for node in onnx.load(path).graph.node if node.name.startswith("front_end")}


def depthwise(node: onnx.NodeProto) -> bool:
    return any(attribute.name == "group" and attribute.i > 1 for attribute in node.attribute)


def weights_by_type(path: Path) -> dict[int, int]:
    """Values of the network's matrices, by their type."""
    front_end = {name for node in front_end_of(path).values() for name in node.input}
    counts: dict[int, int] = {}
    for tensor in onnx.load(path).graph.initializer:
        if tensor.name not in front_end and len(tensor.dims) > 1:
            counts[tensor.data_type] = counts.get(tensor.data_type, 0) + int(np.prod(tensor.dims))
    return counts


@pytest.mark.parametrize("network", some_of(NETWORKS))
def test_near_the_float_model(network: str, made: Made) -> None:
    # An untrained network hears little but the loudest MFCC, and its last layer blows up what is left; log-mel is saner.
    files = made(network, "log_mel")
    plain, whole = load(files.plain, threads=1), load(files.whole, threads=1)
    clips = sound(files.model, seed=2)
    expected, scores = plain.score(clips), whole.score(clips)
    assert expected.std(axis=0).max() > 0.1
    # Untrained and normalised layer by layer, these blow up what rounding does; trained they lose 0.1 to 0.5 points.
    loose = {"bc_resnet": (0.15, 1.0), "ds_cnn": (0.1, 0.6), "bc_tc_resnet": (0.05, 0.4)}
    mean, most = loose.get(network, (0.02, 0.2))
    assert np.abs(scores - expected).mean() < mean
    assert np.abs(scores - expected).max() < most
    assert scores.dtype == np.float32
    np.testing.assert_allclose(whole.score(clips[:1]), scores[:1], rtol=0, atol=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("network", ["bc_resnet", "bc_tc_resnet"])
def test_a_normalisation_makes_no_noise_of_quiet_channels(network: str, tmp_path: Path) -> None:
    model = make_model(network, "log_mel")
    clips = sound(model, seed=2)
    expected = model.score(clips)
    error = np.abs(load(written(model, tmp_path)[1], threads=1).score(clips) - expected).mean()
    for block in model.network.modules():
        if isinstance(block, Block):
            quieten(*block.over_frequency, factor=0.005)
    np.testing.assert_allclose(model.score(clips), expected, rtol=0, atol=1e-4)
    quiet = np.abs(load(written(model, tmp_path)[1], threads=1).score(clips) - expected).mean()
    assert quiet < 1.5 * error + 0.01


@torch.no_grad()
def quieten(convolution: nn.Conv2d, norm: nn.BatchNorm2d, factor: float) -> None:
    """Make half of the channels as loud as a fraction of what they are; once they are normalised nothing has changed."""
    channels = convolution.out_channels // 2
    convolution.weight[:channels] *= factor
    half = norm.num_features // convolution.out_channels * channels
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.running_mean[:half] *= factor
    norm.running_var[:half] = (norm.running_var[:half] + norm.eps) * factor**2 - norm.eps


@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_features_of_any_range(front_end: str, made: Made) -> None:
    files = made("single_fc", front_end)
    plain, whole = load(files.plain, threads=1), load(files.whole, threads=1)
    clips = sound(files.model, seed=2)
    np.testing.assert_allclose(whole.score(clips), plain.score(clips), rtol=0, atol=0.05)


@pytest.mark.parametrize("network", some_of(NETWORKS))
def test_the_network_is_stored_in_8_bits_and_the_front_end_is_as_it_was(network: str, made: Made) -> None:
    files = made(network, "log_mel")
    model, plain, whole = files.model, files.plain, files.whole
    counts = weights_by_type(whole)
    matrices = sum(weight.numel() for weight in model.network.parameters() if weight.dim() > 1)
    assert counts[TensorProto.INT8] == matrices
    # What is left in float: scales.
    assert counts.get(TensorProto.FLOAT, 0) < matrices / 2
    assert front_end_of(whole) == front_end_of(plain)
    before, after = (
        {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer} for path in (plain, whole)
    )
    for name in {name for node in front_end_of(plain).values() for name in node.input} & set(before):
        np.testing.assert_array_equal(after[name], before[name])


@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_features_are_the_same_to_the_bit(front_end: str, made: Made, tmp_path: Path) -> None:
    files = made("single_fc", front_end)
    features = list(front_end_of(files.plain).values())[-1].output[0]
    clips, found = sound(files.model, seed=2), []
    for path in (files.plain, files.whole):
        graph = onnx.load(path)
        graph.graph.output.append(onnx.helper.make_tensor_value_info(features, TensorProto.FLOAT, None))
        onnx.save(graph, tmp_path / path.name)
        found.append(open_session(tmp_path / path.name, 1).run([features], {"waveform": clips})[0])
    before, after = found
    assert before.shape == (len(clips), files.model.front_end.frames, files.model.front_end.bins)
    np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize("network", some_of(DEEP))
def test_computes_in_whole_numbers_after_the_first_layer(network: str, made: Made) -> None:
    graph = onnx.load(made(network, "log_mel").whole).graph
    makers = {name: node for node in graph.node for name in node.output}
    layers = [node for node in graph.node if node.op_type in ("Conv", "Gemm", "MatMul") and node.name.startswith("network")]
    others = [node for node in layers[1:] if not depthwise(node)]

    def takes(node: onnx.NodeProto) -> set[str]:
        return {makers[name].op_type if name in makers else "" for name in node.input[:2]}

    assert "DequantizeLinear" not in takes(layers[0])
    assert len(others) > 0
    assert all(takes(node) == {"DequantizeLinear"} for node in others)
    # A depthwise convolution stays in float: what it is given may come from a layer in 8 bits, its weights do not.
    assert all(makers[node.input[1]].op_type == "Mul" for node in layers if depthwise(node))
    assert any(depthwise(node) for node in layers) == (network in WITH_DEPTHWISE)
    (softmax,) = (node for node in graph.node if node.op_type == "Softmax")
    assert makers[softmax.input[0]].op_type == "Gemm"


@pytest.mark.parametrize("network", some_of(DEEP))
def test_onnx_runtime_finds_its_kernels_for_8_bits(network: str, made: Made, tmp_path: Path) -> None:
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath, options.log_severity_level = str(tmp_path / "optimised.onnx"), 4
    onnxruntime.InferenceSession(str(made(network, "log_mel").whole), options, providers=["CPUExecutionProvider"])
    kinds = [node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node if "front_end" not in node.name]
    # The weights stored in 8 bits were turned back once, as it was loaded.
    assert not {"Cast", "Gemm"} & set(kinds)
    if network not in WITH_DEPTHWISE:
        # Nothing else is on the way, but for the mean over a clip.
        means = kinds.count("ReduceMean")
        assert (kinds.count("DequantizeLinear"), kinds.count("QuantizeLinear")) == (means, 1 + means)
    assert {"QGemm", "QLinearConv"} & set(kinds)
    # Its max-pooling of rounded values takes twenty times as long.
    assert "MaxPool" not in kinds or kinds.index("MaxPool") < kinds.index("QuantizeLinear")


def test_no_pair_of_products_can_overflow_16_bits(made: Made) -> None:
    whole = made("low_latency_conv", "log_mel").whole
    quantised = [tensor for tensor in onnx.load(whole).graph.initializer if tensor.name.endswith("weight_quantized")]
    assert len(quantised) == 3
    assert max(np.abs(numpy_helper.to_array(tensor).astype(int)).max() for tensor in quantised) * 2 * 255 < 2**15


def test_metadata_survives_alone(tmp_path: Path) -> None:
    model = make_model("tiny_conv", bins=20, words=("yes", "là-bas"))
    plain, whole = written(model, tmp_path)
    assert load(whole).metadata == load(plain).metadata == model.metadata
    assert [entry.key for entry in onnx.load(whole).metadata_props] == ["kws"]


def test_large_networks_shrink_to_a_quarter(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = make_model("single_fc")
    model.network = LowLatencyConv(98, 40, 5, filters=60).eval()
    plain, whole = written(model, tmp_path)
    weights = 4 * sum(weight.numel() for weight in model.network.parameters())
    assert whole.stat().st_size < plain.stat().st_size - 0.7 * weights
    onnx.checker.check_model(onnx.load(whole), full_check=True)


def test_refuses_to_guess_ranges(tmp_path: Path) -> None:
    model, nothing = make_model(), np.zeros((0, 16000), np.float32)
    with pytest.raises(KwsError, match=r"m\.onnx: no clips to calibrate with.* give some of the training split"):
        write_int8(Scores(model).eval(), torch.zeros(2, 16000), model.metadata, tmp_path / "m.onnx", nothing)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "said"), [(ValueError("out of range\nmore"), "out of range$"), (AssertionError(), "AssertionError$")]
)
def test_a_failure_leaves_what_was_there(error: Exception, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))

    def fail(plain: Path, quantised: Path, *_: Any, **__: Any) -> None:
        Path(quantised).write_bytes(b"half")
        raise error

    monkeypatch.setattr(onnxruntime.quantization, "quantize_static", fail)
    model, path = make_model(), tmp_path / "m.int8.onnx"
    path.write_bytes(b"older")
    with pytest.raises(KwsError, match=said):
        write_int8(Scores(model).eval(), torch.zeros(2, 16000), model.metadata, path, sound(model, 1))
    assert path.read_bytes() == b"older"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["m.int8.onnx", "temporary"]
    assert list(temporary.iterdir()) == []


def test_a_failure_of_writing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save = onnx.save

    def fail(model: onnx.ModelProto, path: Any, *args: Any, **settings: Any) -> None:
        save(model, path, *args, **settings)
        if Path(path).parent == tmp_path:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(onnx, "save", fail)
    model = make_model("single_fc")
    with pytest.raises(OSError, match="No space"):
        write_int8(Scores(model).eval(), torch.zeros(2, 16000), model.metadata, tmp_path / "m.onnx", sound(model, 1))
    assert list(tmp_path.iterdir()) == []


def test_says_nothing_and_leaves_logging_alone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    root.addHandler(caplog.handler)
    before = (list(root.handlers), list(root.filters), root.level)
    caplog.set_level(logging.WARNING)
    written(make_model("low_latency_svdf"), tmp_path)
    assert caplog.records == []
    assert (root.handlers, root.filters, root.level) == before
    out, err = capfd.readouterr()
    assert out + err == ""
