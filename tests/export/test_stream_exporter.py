"""Streaming models: in any chunks, at any stride, the scores of whole windows; from checkpoints and from every kind of file."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from exported import NETWORKS, make_model
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from slow import slow_unless

from kws.cli.main import main
from kws.errors import KwsError
from kws.export import stream_exporter
from kws.export.parity import LIMIT
from kws.export.probes import hard_signals
from kws.export.stream_exporter import SUFFIXES, export_streaming, write_streaming
from kws.inference.checkpoint import WaveformModel
from kws.inference.checkpoint_stream import StreamingScores, checkpoint_scorer
from kws.inference.loading import load, open_scorer
from kws.inference.stream_model import StreamModel
from kws.streaming.decoder import CommandDecoder
from kws.streaming.scorer import StatefulScorer, StreamScorer, WindowScorer
from kws.streaming.spotter import Spotter

STRIDES_MS = (10, 20, 30, 50, 100)
# The networks that stream in ways of their own, and one that does as any can.
KINDS = ("conv", "low_latency_conv", "low_latency_svdf", "tiny_conv")
# Its windows hear what came before them: see test_carried_streaming.
CARRIED = ("ds_tc_resnet", "bc_tc_resnet")
COMBINATIONS = [
    *((network, "mfcc") for network in NETWORKS if network not in CARRIED),
    *(("single_fc", name) for name in ("log_mel", "average")),
]  # fmt: skip
CHUNKS = st.lists(st.one_of(st.integers(1, 500), st.integers(500, 32000)), max_size=20)

models = lru_cache(make_model)


@lru_cache
def sound() -> NDArray[np.float32]:
    """Speech-like sound, noise and silence, 1.7 s and a few samples."""
    signals = hard_signals(make_model("single_fc").spec)
    parts = (signals["voice"][0, :9000], signals["white noise"][0, :6000], np.zeros(3000), signals["voice"][1, :9237])
    return np.concatenate(parts).astype(np.float32)


@lru_cache
def whole_windows(network: str, front_end: str) -> NDArray[np.float32]:
    """Scores of the windows at every 10 ms, each as a clip of its own."""
    windows = np.lib.stride_tricks.sliding_window_view(sound(), 16000)[::160]
    scores = models(network, front_end).score(windows.copy())
    # Worth comparing only if the answers differ from window to window.
    assert scores.std(axis=0).max() > 0.01
    return scores


def pushed(scorer: StreamScorer, waveform: NDArray[np.float32], sizes: list[int]) -> NDArray[np.float32]:
    cuts = np.cumsum(sizes)
    return np.concatenate([scorer.push(chunk) for chunk in np.split(waveform, cuts[cuts < len(waveform)])])


def assert_same(scores: NDArray[np.float32], expected: NDArray[np.float32]) -> None:
    assert scores.shape == expected.shape
    np.testing.assert_allclose(scores, expected, rtol=0, atol=LIMIT)


@pytest.mark.parametrize(("network", "front_end"), COMBINATIONS)
@given(sizes=CHUNKS, stride_ms=st.sampled_from(STRIDES_MS))
@settings(deadline=None, max_examples=12)
def test_equal_to_whole_windows(network: str, front_end: str, sizes: list[int], stride_ms: int) -> None:
    scorer = checkpoint_scorer(models(network, front_end), stride_ms)
    assert_same(pushed(scorer, sound(), sizes), whole_windows(network, front_end)[:: stride_ms // 10])


@given(sizes=CHUNKS, stride_ms=st.sampled_from(STRIDES_MS))
@settings(deadline=None, max_examples=8)
def test_centred_frames_are_scored_in_whole_windows(sizes: list[int], stride_ms: int) -> None:
    scorer = open_scorer(models("single_fc", "mfcc_torchaudio"), stride_ms)
    assert isinstance(scorer, WindowScorer)
    assert_same(pushed(scorer, sound(), sizes), whole_windows("single_fc", "mfcc_torchaudio")[:: stride_ms // 10])


@pytest.mark.parametrize(
    ("framing", "stride_ms"),
    [
        ({"window_ms": 25.0}, 10), ({"window_ms": 10.0, "hop_ms": 20.0}, 40), ({"window_ms": 32.5, "hop_ms": 7.5}, 37.5),
        ({"clip_ms": 805.0}, 30), ({"clip_ms": 505.0}, 20), ({"clip_ms": 300.0}, 30), ({"sample_rate": 8000}, 1000), ({}, 990),
    ],
)  # fmt: skip
@pytest.mark.parametrize("network", KINDS)
def test_any_framing(network: str, framing: dict[str, Any], stride_ms: float) -> None:
    model = make_model(network, "mfcc", **framing)
    waveform = np.concatenate([sound(), sound()])
    expected = WindowScorer(model, stride_ms).push(waveform)
    assert_same(pushed(checkpoint_scorer(model, stride_ms), waveform, [1, 700, 20000]), expected)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("streaming")


def written(network: str, form: str, folder: Path, stride_ms: float = 30) -> StreamModel:
    path = folder / f"{network}-{stride_ms:g}{SUFFIXES[form]}"
    if not path.exists():
        model = models(network)
        write_streaming(StreamingScores(model, stride_ms).eval(), model.metadata, form, path)
    artefact = load(path, threads=1)
    assert isinstance(artefact, StreamModel)
    return artefact


@pytest.mark.parametrize("form", SUFFIXES)
@pytest.mark.parametrize("network", slow_unless(KINDS, lambda name: name not in ("conv", "tiny_conv")))
def test_files_are_equal_to_whole_windows(network: str, form: str, files: Path) -> None:
    artefact = written(network, form, files)
    expected = whole_windows(network, "mfcc")[::3]
    rng = np.random.default_rng(0)
    for most in (600, 40000):
        assert_same(pushed(open_scorer(artefact), sound(), rng.integers(1, most, 60).tolist()), expected)
    # Each clip is a stream of its own.
    assert_same(artefact.score(np.stack([sound()[start : start + 16000] for start in (0, 480, 4800)])), expected[[0, 1, 10]])
    assert artefact.score(np.zeros((0, 16000), np.float32)).shape == (0, 5)


@pytest.mark.parametrize(
    ("network", "stride_ms"),
    slow_unless([("single_fc", 10), ("tiny_embedding_conv", 1000), ("low_latency_svdf", 20)], lambda case: case[1] == 20),
)
def test_onnx_files_at_other_strides(network: str, stride_ms: int, files: Path) -> None:
    scorer = open_scorer(written(network, "onnx", files, stride_ms), stride_ms)
    assert_same(pushed(scorer, sound(), [5, 999]), whole_windows(network, "mfcc")[:: stride_ms // 10])


def test_a_files_description_tells_how_to_drive_it(files: Path) -> None:
    artefact = written("low_latency_svdf", "onnx", files)
    entry = json.loads(artefact.metadata.to_json())["streaming"]
    assert entry == {
        "stride_samples": 480, "pad": 320, "warm_up": 33,
        "state": [{"name": "tail", "shape": [480]}, {"name": "cache", "shape": [16, 95]}],
    }  # fmt: skip
    import onnxruntime

    session = onnxruntime.InferenceSession(str(artefact.path))
    states = {one["name"]: np.zeros(one["shape"], np.float32) for one in entry["state"]}
    heard = np.concatenate([np.zeros(entry["pad"], np.float32), sound()[:16000]])
    rows = []
    for start in range(0, len(heard), entry["stride_samples"]):
        scores, *after = session.run(None, {"samples": heard[start : start + entry["stride_samples"]], **states})
        states = dict(zip(states, after, strict=True))
        rows.append(scores)
    assert len(rows) == entry["warm_up"] + 1
    assert_same(rows[-1], whole_windows("low_latency_svdf", "mfcc")[:1])
    assert [output.name for output in session.get_outputs()] == ["scores", "next_tail", "next_cache"]


@pytest.mark.parametrize("network", KINDS)
def test_the_state_does_not_grow_and_forgets(network: str) -> None:
    scorer = checkpoint_scorer(models(network))
    rng = np.random.default_rng(0)
    for size in rng.integers(1, 960, 200 if network == "conv" else 2000):
        scorer.push(rng.uniform(-0.5, 0.5, size).astype(np.float32))
    assert [state.shape for state in scorer._states] == [shape for _, shape in scorer.layout.state]
    assert len(scorer._rest) < 480
    # What was heard before is in no window that begins after it, nor in another stream.
    expected = whole_windows(network, "mfcc")[::3]
    scorer.push(np.zeros((scorer.layout.pad - len(scorer._rest)) % 480, np.float32))
    assert_same(scorer.push(sound())[-len(expected) :], expected)
    scorer.reset()
    assert_same(scorer.push(sound()), expected)


@pytest.mark.parametrize("stride_ms", [0, -10, 1010])
def test_a_stride_that_is_none_is_named(stride_ms: int) -> None:
    with pytest.raises(KwsError, match=f"stride_ms: {stride_ms} given; more than 0 and at most the window's 1000 ms"):
        StreamingScores(models("tiny_conv"), stride_ms)


def test_what_cannot_stream_is_named_with_what_can(tmp_path: Path) -> None:
    with pytest.raises(KwsError, match=r"stride_ms: 25 given; a multiple of the features' hop_ms=10 is expected.*give 20 or 30"):
        StreamingScores(models("tiny_conv"), 25)
    with pytest.raises(KwsError, match=r"MfccTorchaudio mirrors each clip.*features=mfcc or features=log_mel"):
        export_streaming(models("tiny_conv", "mfcc_torchaudio"), "onnx", tmp_path, "made")
    with pytest.raises(KwsError, match="executorch has no streaming form; there are onnx, torchscript, mobile"):
        export_streaming(models("tiny_conv"), "executorch", tmp_path, "made")
    assert list(tmp_path.iterdir()) == []


def test_the_bare_scripted_module_refuses_half_a_stride(files: Path) -> None:
    written("tiny_conv", "torchscript", files)
    module = torch.jit.load(str(files / "tiny_conv-30.stream.pt"))
    with pytest.raises(Exception, match="stride = 480"):
        module(torch.zeros(481), torch.zeros(480), torch.zeros(95, 40))


def test_the_scorer_that_suits_a_model(files: Path) -> None:
    model, artefact = models("tiny_conv"), written("tiny_conv", "torchscript", files)
    assert isinstance(open_scorer(model), StatefulScorer)
    assert open_scorer(model).stride_samples == 480
    assert isinstance(open_scorer(model, 25), WindowScorer)
    assert isinstance(open_scorer(artefact), StatefulScorer)
    with pytest.raises(KwsError, match="for a stride of 30 ms, 20 ms asked; leave --stride-ms out, or export"):
        open_scorer(artefact, 20)


def test_kept_only_if_equal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_model("tiny_conv")
    report = export_streaming(model, "torchscript", tmp_path, "good", 20)
    assert report.passed and report.file == "good.stream.pt"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["good.stream.pt", "good.stream.pt.parity.json"]
    assert "ms a stride on one thread" in report.to_text()
    artefact = load(tmp_path / "good.stream.pt")
    # Its own settings fit it.
    assert isinstance(Spotter(open_scorer(artefact), artefact.metadata.decoder), Spotter)
    assert CommandDecoder(artefact.labels.names, artefact.metadata.decoder).settings.stride_ms == 20

    def late(module: StreamingScores, *rest: Any) -> None:
        module.first -= 1
        write_streaming(module, *rest)

    monkeypatch.setattr(stream_exporter, "write_streaming", late)
    assert not export_streaming(model, "torchscript", tmp_path / "bad", "bad").passed
    assert list((tmp_path / "bad").iterdir()) == []


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def small(path: Path) -> WaveformModel:
        return models("single_fc")

    monkeypatch.setattr("kws.inference.checkpoint.load_checkpoint", small)
    command = ["export", "best.ckpt", "--out", str(tmp_path)]
    assert main([*command, "--to", "onnx,mobile", "--streaming", "--stride-ms", "50"]) == 0
    assert "best.stream.onnx (onnx, streaming)" in capsys.readouterr().out
    assert open_scorer(load(tmp_path / "best.stream.ptl")).stride_samples == 800
    assert main([*command, "--stride-ms", "50"]) == 2
    assert "--stride-ms 50: has no effect without --streaming" in capsys.readouterr().err
    assert main([*command, "--streaming", "--data", "somewhere"]) == 2
    assert "somewhere does not exist" in capsys.readouterr().err
    assert main([*command, "--streaming", "--stride-ms", "7.5"]) == 2


def test_real_clips_are_compared_too(
    small_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = make_model("low_latency_svdf", "log_mel", words=("yes", "no"))
    monkeypatch.setattr("kws.inference.checkpoint.load_checkpoint", lambda path: model)
    command = ["export", "best.ckpt", "--out", str(tmp_path), "--streaming", "--data", str(small_corpus)]
    assert main(command) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith("  real clips ")
    report = json.loads((tmp_path / "best.stream.onnx.parity.json").read_text())
    assert report["signals"][0]["kind"] == "real clips"
    assert report["signals"][0]["clips"] > 100  # windows
    assert report["clips"] == 10
    assert report["accuracy"] == report["checkpoint_accuracy"]
