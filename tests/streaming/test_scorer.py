"""Chunks of any size: the scores of the same windows, and nothing that grows."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kws.audio.framing import FeatureSpec
from kws.errors import KwsError
from kws.labels import LabelSet
from kws.streaming.scorer import StatefulScorer, States, StreamLayout, StreamScorer, WindowScorer, stride_samples

LABELS = LabelSet(["yes", "no"])
SPEC = FeatureSpec(sample_rate=1000, clip_ms=200.0, window_ms=20.0, hop_ms=10.0)
SOUND = np.random.default_rng(0).uniform(-1, 1, 2000).astype(np.float32)
WEIGHTS = np.random.default_rng(1).standard_normal((SPEC.samples, len(LABELS))).astype(np.float32)


class Sums:
    """A model whose scores are weighted sums over the whole clip."""

    labels, spec = LABELS, SPEC

    def score(self, waveform: NDArray[np.float32]) -> NDArray[np.float32]:
        assert waveform.dtype == np.float32 and waveform.shape[1:] == (SPEC.samples,)
        scores: NDArray[np.float32] = waveform @ WEIGHTS
        return scores


def stateful(stride: int, used: int = SPEC.samples) -> StatefulScorer:
    """The same sums, over the first `used` samples of each window, from a step that keeps the samples before."""
    pad = -used % stride
    warm_up = (used + pad) // stride - 1

    def step(samples: NDArray[np.float32], states: States) -> tuple[NDArray[np.float32], States]:
        assert len(samples) % stride == 0
        heard = np.concatenate([states[0], samples])
        ends = range(len(states[0]) + stride, len(heard) + 1, stride)
        windows = np.stack([heard[end - used : end] for end in ends])
        return windows @ WEIGHTS[:used], [heard[-len(states[0]) :]]

    return StatefulScorer(LABELS, SPEC, StreamLayout(stride, pad, warm_up, (("heard", (used,)),)), step)


def whole_windows(sound: NDArray[np.float32], stride: int, used: int = SPEC.samples) -> NDArray[np.float32]:
    starts = range(0, len(sound) - SPEC.samples + 1, stride)
    return np.array([sound[start : start + used] @ WEIGHTS[:used] for start in starts]).reshape(-1, len(LABELS))


def pushed(scorer: StreamScorer, sound: NDArray[np.float32], sizes: Iterable[int]) -> NDArray[np.float32]:
    cuts = np.cumsum(list(sizes))
    return np.concatenate([scorer.push(chunk) for chunk in np.split(sound, cuts[cuts < len(sound)])])


CHUNKS = st.lists(st.one_of(st.integers(0, 20), st.integers(0, 2000)), max_size=40)


@given(CHUNKS, st.floats(1.0, 200.0), st.integers(0, len(SOUND)))
@settings(deadline=None)
def test_any_chunking_and_any_stride_equals_whole_windows(sizes: list[int], stride_ms: float, length: int) -> None:
    scorer = WindowScorer(Sums(), stride_ms)
    expected = whole_windows(SOUND[:length], stride_samples(stride_ms, SPEC))
    np.testing.assert_allclose(pushed(scorer, SOUND[:length], sizes), expected, rtol=0, atol=1e-4)


@given(CHUNKS, st.integers(1, 200), st.integers(150, 200), st.integers(0, len(SOUND)))
@settings(deadline=None)
def test_a_step_with_state_is_driven_in_any_chunks(sizes: list[int], stride: int, used: int, length: int) -> None:
    expected = whole_windows(SOUND[:length], stride, used)
    np.testing.assert_allclose(pushed(stateful(stride, used), SOUND[:length], sizes), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("scorer", [WindowScorer(Sums(), 30), stateful(30)])
def test_reset_begins_a_new_stream(scorer: StreamScorer) -> None:
    first = scorer.push(SOUND[:777])
    scorer.reset()
    np.testing.assert_array_equal(scorer.push(SOUND[:777]), first)
    assert scorer.stride_samples == 30 and scorer.labels is LABELS and scorer.spec is SPEC


@pytest.mark.parametrize("scorer", [WindowScorer(Sums(), 30), stateful(30)])
def test_memory_is_constant(scorer: StreamScorer) -> None:
    rng = np.random.default_rng(0)
    chunks = [SOUND[:size] for size in rng.integers(0, 100, 200)]
    tracemalloc.start()
    try:
        sizes = []
        for _ in range(10):
            for chunk in chunks:
                scorer.push(chunk)
            sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert max(sizes[1:]) < sizes[0] + 4096


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros(10, np.int16), "samples: int16 given; float in"),
        (np.zeros((2, 10), np.float32), r"samples: shape \(2, 10\) given; one channel"),
        (np.float32([0, np.nan]), "samples: NaN or infinite"),
        (np.float32([0, np.inf]), "samples: NaN or infinite"),
    ],
)
@pytest.mark.parametrize("make", [lambda: WindowScorer(Sums(), 30), lambda: stateful(30)])
def test_bad_samples_are_named_and_not_taken_in(make: Any, samples: NDArray[Any], message: str) -> None:
    scorer = make()
    first = scorer.push(SOUND[:500])
    with pytest.raises(KwsError, match=message):
        scorer.push(samples)
    got = np.concatenate([first, scorer.push(SOUND[500:])])
    np.testing.assert_allclose(got, whole_windows(SOUND, 30), rtol=0, atol=1e-4)


@pytest.mark.parametrize("stride_ms", [0, -30, 0.5, 201, float("nan")])
def test_a_stride_that_is_none_is_named(stride_ms: float) -> None:
    with pytest.raises(KwsError, match=r"stride_ms: .* given; more than 0 and at most the window's 200 ms"):
        WindowScorer(Sums(), stride_ms)


def test_a_layout_goes_through_json() -> None:
    layout = StreamLayout(480, 320, 33, (("tail", (480,)), ("cache", (95, 40))))
    assert layout.to_dict()["state"][1] == {"name": "cache", "shape": [95, 40]}
    assert StreamLayout.from_dict(layout.to_dict()) == layout
    assert [state.shape for state in layout.zeros()] == [(480,), (95, 40)]


def test_needs_neither_torch_nor_onnx() -> None:
    code = (
        "import sys, kws.streaming.spotter, kws.streaming.scorer;"
        "print([name for name in ('torch', 'onnx', 'onnxruntime', 'pytorch_lightning') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
