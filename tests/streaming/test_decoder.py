"""The decoder as the original's RecognizeCommands: its numbers, the edges of its rules, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorflow_numbers import decoder_runs

from kws.errors import KwsError
from kws.streaming.decoder import CommandDecoder, Decision
from kws.streaming.decoder_settings import DecoderSettings

LABELS = ("_silence_", "_unknown_", "yes", "no")
# Each result by itself, so that a test's scores are the averages.
PLAIN: dict[str, Any] = {"average_window_ms": 0, "minimum_count": 1, "threshold": 0.5, "suppression_ms": 1000}


def scores(label: str, score: float = 1.0) -> list[float]:
    """Scores with one label on top, the rest spread over the others."""
    return [score if name == label else (1 - score) / 4 for name in LABELS]


def new_ones(decoder: CommandDecoder, results: Sequence[tuple[int, str, float]]) -> list[tuple[int, str]]:
    """Times and labels of what is new, from (time, label, score) of each result."""
    decisions = [decoder.step(scores(label, score), time_ms) for time_ms, label, score in results]
    return [(decision.time_ms, decision.label) for decision in decisions if decision.is_new]


def original(
    settings: DecoderSettings, times_ms: Sequence[int], results: Sequence[Sequence[float]]
) -> list[tuple[str, float, bool]]:
    """The rules of BEHAVIOUR.md, written down plainly: nothing kept but the list of results."""
    previous, previous_ms, answers = "_silence_", 0, []
    for index, now in enumerate(times_ms):
        held = [i for i in range(index + 1) if times_ms[i] >= now - settings.average_window_ms]
        if len(held) < settings.minimum_count or now - times_ms[held[0]] < settings.average_window_ms // 4:
            answers.append((previous, 0.0, False))
            continue
        mean = np.zeros(len(LABELS), dtype=np.float32)
        for i in held:
            mean += np.asarray(results[i], dtype=np.float32) / np.float32(len(held))
        label, score = LABELS[int(mean.argmax())], float(mean.max())
        free = previous == "_silence_" or now - previous_ms > settings.suppression_ms
        is_new = score > np.float32(settings.threshold) and label != previous and free
        if is_new:
            previous, previous_ms = label, now
        answers.append((label, score, bool(is_new)))
    return answers


@st.composite
def streams(draw: st.DrawFn) -> tuple[DecoderSettings, list[int], list[list[float]]]:
    """Coarse numbers, so that times fall on the edges of windows and scores on thresholds."""
    window_ms = draw(st.sampled_from([0, 50, 100, 102, 200]))
    settings = DecoderSettings(
        average_window_ms=window_ms,
        threshold=draw(st.sampled_from([0.2, 0.5, 0.7])),
        suppression_ms=draw(st.sampled_from([0, 50, 100, 250])),
        minimum_count=min(draw(st.integers(1, 4)), window_ms // 25 + 1),
        stride_ms=25,
    )
    steps = draw(st.lists(st.sampled_from([0, 1, 25, 50]), min_size=1, max_size=30))
    results = draw(st.lists(st.lists(st.sampled_from([0.0, 0.2, 0.5, 0.7, 1.0]), min_size=4, max_size=4), min_size=30))
    return settings, np.cumsum(steps).tolist(), results[: len(steps)]


def answers(decisions: Sequence[Decision]) -> list[tuple[str, float, bool]]:
    return [(decision.label, decision.score, decision.is_new) for decision in decisions]


def test_equals_the_original_on_all_its_runs() -> None:
    runs = list(decoder_runs())
    assert len(runs) == 24
    assert sum(len(run.answers) for run in runs) == 4800
    for run in runs:
        decoder = CommandDecoder(run.labels, run.settings)
        decisions = [decoder.step(result, time_ms) for time_ms, result in zip(run.times_ms, run.results, strict=True)]
        assert [d.label for d in decisions] == run.answers
        assert [d.is_new for d in decisions] == run.is_new
        np.testing.assert_allclose([d.score for d in decisions], run.scores, rtol=0, atol=1e-8)


@given(streams())
def test_equals_the_rules_written_down_plainly(stream: tuple[DecoderSettings, list[int], list[list[float]]]) -> None:
    settings, times_ms, results = stream
    decoder = CommandDecoder(LABELS, settings)
    decisions = [decoder.step(result, time_ms) for time_ms, result in zip(times_ms, results, strict=True)]
    assert answers(decisions) == original(settings, times_ms, results)


@given(streams(), st.integers(-(10**12), 10**12))
def test_only_differences_of_time_matter(stream: tuple[DecoderSettings, list[int], list[list[float]]], shift_ms: int) -> None:
    settings, times_ms, results = stream
    here, there = CommandDecoder(LABELS, settings), CommandDecoder(LABELS, settings)
    assert answers([here.step(r, t) for t, r in zip(times_ms, results, strict=True)]) == answers(
        [there.step(r, t + shift_ms) for t, r in zip(times_ms, results, strict=True)]
    )


@given(streams(), streams())
def test_reset_forgets_the_stream(
    first: tuple[DecoderSettings, list[int], list[list[float]]], second: tuple[DecoderSettings, list[int], list[list[float]]]
) -> None:
    settings = DecoderSettings(**{**PLAIN, "consecutive_windows": 2, "release_threshold": 0.2, "repeat_words": True})
    used, fresh = CommandDecoder(LABELS, settings), CommandDecoder(LABELS, settings)
    for time_ms, result in zip(first[1], first[2], strict=True):
        used.step(result, time_ms + 10**6)
    used.reset()
    pairs = list(zip(second[1], second[2], strict=True))
    assert [used.step(r, t) for t, r in pairs] == [fresh.step(r, t) for t, r in pairs]


def test_a_word_is_new_once_and_has_its_averaged_score_and_time() -> None:
    decoder = CommandDecoder(LABELS, DecoderSettings(average_window_ms=100, minimum_count=2, threshold=0.5))
    assert decoder.step(scores("yes"), 0) == Decision("_silence_", 0.0, False, 0)
    assert decoder.step(scores("yes", 0.5), 30) == Decision("yes", 0.75, True, 30)
    assert decoder.step(scores("yes"), 60) == Decision("yes", pytest.approx(2.5 / 3), False, 60)


def test_too_few_results_give_the_last_label_found() -> None:
    decoder = CommandDecoder(LABELS, DecoderSettings(average_window_ms=100, minimum_count=2, threshold=0.5))
    decoder.step(scores("yes"), 0)
    decoder.step(scores("yes"), 30)
    assert decoder.step(scores("no"), 9000) == Decision("yes", 0.0, False, 9000)


def test_silence_comes_before_everything() -> None:
    decoder = CommandDecoder(LABELS, DecoderSettings(**PLAIN))
    assert new_ones(decoder, [(0, "_silence_", 1.0), (30, "_silence_", 1.0), (60, "yes", 1.0)]) == [(60, "yes")]
    # A decoder whose labels have no silence starts just so.
    assert CommandDecoder(["yes", "no"], DecoderSettings(**PLAIN)).step([1, 0], 0).is_new


def test_another_word_only_when_more_than_the_suppression_has_passed() -> None:
    start = [(100, "yes", 1.0)]
    assert new_ones(CommandDecoder(LABELS, DecoderSettings(**PLAIN)), [*start, (1099, "no", 1.0), (1100, "no", 1.0)]) == [
        (100, "yes")
    ]
    assert new_ones(CommandDecoder(LABELS, DecoderSettings(**PLAIN)), [*start, (1101, "no", 1.0)]) == [(100, "yes"), (1101, "no")]


def test_silence_is_suppressed_but_suppresses_nothing() -> None:
    decoder = CommandDecoder(LABELS, DecoderSettings(**PLAIN))
    results = [(0, "yes", 1.0), (1000, "_silence_", 1.0), (1001, "_silence_", 1.0), (1002, "yes", 1.0), (1003, "no", 1.0)]
    assert new_ones(decoder, results) == [(0, "yes"), (1001, "_silence_"), (1002, "yes")]


@pytest.mark.parametrize("threshold", [0.1, 0.2, 0.5, 0.6, 0.7, 0.9])
def test_the_threshold_itself_is_not_above_it(threshold: float) -> None:
    settings = DecoderSettings(**{**PLAIN, "threshold": threshold})
    result = np.array([0, 0, threshold, 0], dtype=np.float32)
    assert not CommandDecoder(LABELS, settings).step(result, 0).is_new
    assert CommandDecoder(LABELS, settings).step(np.nextafter(result, np.float32(2)), 0).is_new


def test_the_first_of_equal_labels_is_on_top() -> None:
    assert CommandDecoder(LABELS, DecoderSettings(**PLAIN)).step([0, 0, 0.6, 0.6], 0).label == "yes"


def test_refusals_take_nothing_in() -> None:
    decoder, untouched = CommandDecoder(LABELS), CommandDecoder(LABELS)
    for time_ms in range(0, 300, 30):
        decoder.step(scores("yes"), time_ms)
        untouched.step(scores("yes"), time_ms)
    with pytest.raises(KwsError, match=r"scores of shape \(3,\) at 300 ms; 4 are expected, one a label"):
        decoder.step([1, 0, 0], 300)
    with pytest.raises(KwsError, match=r"scores of shape \(1, 4\) at 300 ms"):
        decoder.step([scores("no")], 300)
    with pytest.raises(KwsError, match="scores at 300 ms: NaN or infinite for yes, no; finite numbers are expected"):
        decoder.step([0, 0, float("nan"), float("inf")], 300)
    with pytest.raises(KwsError, match="a result of 269 ms after one of 270 ms; times must not run backwards"):
        decoder.step(scores("no"), 269)
    assert decoder.step(scores("no"), 270) == untouched.step(scores("no"), 270)


def test_time_is_whole_milliseconds() -> None:
    with pytest.raises(TypeError):
        CommandDecoder(LABELS).step(scores("no"), 0.5)  # type: ignore[arg-type]


def test_refuses_labels() -> None:
    with pytest.raises(KwsError, match=r"labels: \[\] given; at least one"):
        CommandDecoder([])
    with pytest.raises(KwsError, match=r"labels: \['yes', 'yes'\] given; .* each once"):
        CommandDecoder(["yes", "yes"])
    with pytest.raises(KwsError, match="word_thresholds: nope not among the labels; they are _silence_, _unknown_, yes, no"):
        CommandDecoder(LABELS, DecoderSettings(word_thresholds={"nope": 0.5, "no": 0.5}))


def test_streaming_imports_nothing_heavy() -> None:
    code = (
        "import sys, kws.streaming.decoder, kws.evaluation.streams.scoring;"
        "print([m for m in ('torch', 'pytorch_lightning', 'hydra', 'onnx', 'onnxruntime', 'scipy') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
