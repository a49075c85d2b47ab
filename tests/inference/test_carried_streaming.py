"""A causal network over a stream: in any chunks the scores of the whole sound at once; its first window is the clip by itself."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch
from exported import make_model
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from slow import slow_unless

from kws.errors import KwsError
from kws.export.parity import LIMIT
from kws.export.probes import hard_signals
from kws.export.stream_exporter import SUFFIXES, export_streaming, write_streaming
from kws.inference.checkpoint_stream import StreamingScores, checkpoint_scorer
from kws.inference.loading import load
from kws.inference.stream_model import StreamModel
from kws.streaming.scorer import StreamScorer

STRIDES_MS = (10, 20, 30, 50, 100, 980)
CHUNKS = st.lists(st.one_of(st.integers(1, 500), st.integers(500, 32000)), max_size=20)

NETWORKS = ("ds_tc_resnet", "bc_tc_resnet")

models = lru_cache(make_model)


@lru_cache
def sound() -> NDArray[np.float32]:
    signals = hard_signals(models("ds_tc_resnet").spec)
    parts = (
        signals["voice"][0],
        signals["white noise"][0, :6000],
        np.zeros(3000),
        signals["voice"][1, :9237],
        signals["voice"][2],
    )
    return np.concatenate(parts).astype(np.float32)


@lru_cache
def at_once(name: str, front_end: str, hop: int = 160) -> NDArray[np.float32]:
    """Scores of the windows at every 10 ms: the network run once over all frames, its outputs averaged over each window."""
    model = models(name, front_end)
    front_end_module, network = model.front_end, model.network
    waveform = torch.from_numpy(sound())
    window = front_end_module.spec.window
    with torch.no_grad():
        clips = waveform.unfold(0, front_end_module.spec.samples, hop)
        # Of every clip the last frame is new.
        first = front_end_module(clips[:1])[0]
        others = torch.stack([front_end_module(clip[None])[0, -1] for clip in clips[1:]])
        frames = torch.cat([first, others])
        assert len(frames) == 1 + (front_end_module.spec.samples - window) // hop + len(clips) - 1
        maps = network.norm(frames.t()[None, :, :, None])
        if name == "ds_tc_resnet":
            layers = [*network.blocks]
        else:
            maps = maps.permute(0, 3, 2, 1)
            layers = [network.stem, *network.front, network.mixed, *network.over_time]
        for layer in layers:
            maps = layer(maps)
        means = maps[0, :, :, 0].unfold(1, front_end_module.frames, 1).mean(dim=2).t()
        scores = torch.softmax(network.output(means), dim=1).numpy()
    assert scores.std(axis=0).max() > 0.01
    return scores


def pushed(scorer: StreamScorer, sizes: list[int]) -> NDArray[np.float32]:
    cuts = np.cumsum(sizes)
    return np.concatenate([scorer.push(chunk) for chunk in np.split(sound(), cuts[cuts < len(sound())])])


def assert_same(scores: NDArray[np.float32], expected: NDArray[np.float32]) -> None:
    assert scores.shape == expected.shape
    np.testing.assert_allclose(scores, expected, rtol=0, atol=LIMIT)


@pytest.mark.parametrize(("name", "front_end"), [("ds_tc_resnet", "mfcc"), *((name, "log_mel") for name in NETWORKS)])
@given(sizes=CHUNKS, stride_ms=st.sampled_from(STRIDES_MS))
@settings(deadline=None, max_examples=20)
def test_any_chunks_give_the_scores_of_the_whole(name: str, front_end: str, sizes: list[int], stride_ms: int) -> None:
    scorer = checkpoint_scorer(models(name, front_end), stride_ms)
    assert_same(pushed(scorer, sizes), at_once(name, front_end)[:: stride_ms // 10])


@pytest.mark.parametrize("name", NETWORKS)
def test_the_first_window_is_the_clip_by_itself(name: str) -> None:
    model = models(name, "log_mel")
    windows = np.lib.stride_tricks.sliding_window_view(sound(), 16000)[::480]
    clips = model.score(windows.copy())
    scores = pushed(checkpoint_scorer(model, 30), [])
    np.testing.assert_allclose(scores[0], clips[0], rtol=0, atol=LIMIT)
    # Later ones have heard more.
    assert np.abs(scores[20:] - clips[20:]).max() > 1e-3


def test_a_new_stream_forgets() -> None:
    scorer = checkpoint_scorer(models("ds_tc_resnet", "log_mel"), 30)
    first = pushed(scorer, [700])
    scorer.reset()
    assert_same(pushed(scorer, [9000]), first)


@pytest.mark.parametrize("form", SUFFIXES)
@pytest.mark.parametrize(
    ("name", "stride_ms"),
    slow_unless([("ds_tc_resnet", 100), *((name, 30) for name in NETWORKS)], lambda case: case == ("ds_tc_resnet", 30)),
)
def test_files(form: str, name: str, stride_ms: int, tmp_path: Path) -> None:
    model, path = models(name, "log_mel"), tmp_path / f"a{SUFFIXES[form]}"
    write_streaming(StreamingScores(model, stride_ms).eval(), model.metadata, form, path)
    artefact = load(path, threads=1)
    assert isinstance(artefact, StreamModel)
    expected = at_once(name, "log_mel")[:: stride_ms // 10]
    for sizes in ([], [1, 480, 479, 5000], [333] * 60):
        assert_same(pushed(artefact.scorer(), sizes), expected)


@pytest.mark.parametrize("form", SUFFIXES)
@pytest.mark.parametrize("name", slow_unless(NETWORKS, lambda name: name == "ds_tc_resnet"))
def test_exports_are_compared(name: str, form: str, tmp_path: Path) -> None:
    report = export_streaming(models(name, "log_mel"), form, tmp_path, "a")
    assert report.passed
    assert (tmp_path / f"a{SUFFIXES[form]}").exists()


def test_an_export_that_forgets_its_state_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = models("ds_tc_resnet", "log_mel")
    honest = StreamModel.step

    def forgetful(self: StreamModel, samples, states):  # type: ignore[no-untyped-def]
        scores, after = honest(self, samples, states)
        return scores, [after[0], np.zeros_like(after[1])]

    monkeypatch.setattr(StreamModel, "step", forgetful)
    assert not export_streaming(model, "onnx", tmp_path, "a").passed
    assert not list(tmp_path.glob("*.onnx"))


def test_no_frame_can_be_left_out() -> None:
    with pytest.raises(KwsError, match=r"stride_ms: 1000 given.*give at most 980"):
        checkpoint_scorer(models("ds_tc_resnet", "log_mel"), 1000)
