"""What of the original needs no TensorFlow: its clips, its decoder, and finding TensorFlow."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from corpora import SPEAKERS, TAKES, WANTED


@pytest.fixture(autouse=True)
def _importable(benchmarks: Path) -> None:
    """The modules are those of the scripts."""


def test_clips_are_split_by_speaker_with_silence_and_unknown_words(small_corpus: Path) -> None:
    from original.clips import choose_sets

    for clips, name in zip(choose_sets(small_corpus, WANTED), ("training", "validation", "testing"), strict=True):
        own = [(path, label) for path, label in clips if label >= 2]
        assert len(own) == len(WANTED) * TAKES * len(SPEAKERS[name])
        assert {path.name.split("_")[0] for path, _ in own} == set(SPEAKERS[name])
        share = -(-len(own) // 10)
        assert [label for _, label in clips].count(0) == [label for _, label in clips].count(1) == share
        assert all(path.parent.name == WANTED[label - 2] for path, label in own)


def test_the_decoder_decides_as_the_original(shared: Path) -> None:
    from original.decoder import Decoder

    reference = json.loads((shared / "reference/decoder.json").read_text())
    streams = np.load(shared / "reference/decoder_streams.npz")
    for run in reference["runs"]:
        decoder = Decoder(
            run["average_window_duration_ms"], run["detection_threshold"], run["suppression_ms"], run["minimum_count"]
        )
        times, scores = streams[f"{run['stream']}_t"], streams[f"{run['stream']}_p"]
        for now_ms, window, (label, score, new) in zip(times, scores, run["steps"], strict=True):
            found = decoder.hear(window, int(now_ms))
            assert (reference["labels"][found[0]], found[2]) == (label, new)
            assert found[1] == pytest.approx(score, abs=1e-5)


def test_a_word_is_new_once_and_again_after_silence() -> None:
    from original.decoder import Decoder

    def stream(*words: int) -> list[bool]:
        decoder, times = Decoder(average_window_ms=0, suppression_ms=100, minimum_count=1), range(0, 60 * len(words), 60)
        return [decoder.hear(np.eye(3, dtype=np.float32)[word], now_ms)[2] for word, now_ms in zip(words, times, strict=True)]

    assert stream(1, 1, 1) == [True, False, False]
    # 2 comes 60 ms after 1, then 120.
    assert stream(1, 2, 2) == [True, False, True]
    assert stream(1, 0, 0, 1) == [True, False, True, True]


def test_an_interpreter_without_tensorflow_is_refused_by_name(tmp_path: Path) -> None:
    from original.interpreter import find_tensorflow

    with pytest.raises(SystemExit, match=r"--tensorflow-python .*nowhere.*expected a Python with TensorFlow"):
        find_tensorflow(tmp_path / "nowhere")
    false = tmp_path / "python"
    false.write_text("#!/bin/sh\necho 'No module named tensorflow' >&2\nexit 1\n")
    false.chmod(0o755)
    with pytest.raises(SystemExit, match=r"can't import TensorFlow .*No module.*pip install tensorflow-cpu"):
        find_tensorflow(false)


def test_the_version_is_the_interpreters_own_word(tmp_path: Path) -> None:
    from original.interpreter import Interpreter, find_tensorflow

    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 2.21.0\n")
    python.chmod(0o755)
    assert find_tensorflow(python) == Interpreter(str(python), "2.21.0")


@pytest.mark.skipif("tensorflow" in sys.modules, reason="TensorFlow is imported here")
def test_without_tensorflow_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    from original.interpreter import find_tensorflow

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert find_tensorflow(None) is None
