"""Whether a ground truth is of this model and of this sound."""

from __future__ import annotations

from pathlib import Path

import pytest

from kws.errors import KwsError
from kws.evaluation.streams.ground_truth import check_times, read_truth_of
from kws.streaming.events import SpokenWord

LABELS = ("_silence_", "_unknown_", "yes", "no")


def checked(*times_ms: int, duration_ms: int = 60_000) -> None:
    check_times(Path("truth.txt"), [SpokenWord("yes", time_ms) for time_ms in times_ms], Path("s.wav"), duration_ms)


def test_labels_are_the_models(tmp_path: Path) -> None:
    path = tmp_path / "truth.txt"
    path.write_text("yes, 1\n_unknown_, 2\n")
    assert read_truth_of(path, LABELS) == (SpokenWord("yes", 1), SpokenWord("_unknown_", 2))
    path.write_text("yes, 1\nmaybe, 2\n")
    with pytest.raises(KwsError, match=r"truth\.txt: labels maybe are not among the model's \(_silence_, _unknown_, yes, no\)"):
        read_truth_of(path, LABELS)


@pytest.mark.parametrize(
    "times_ms",
    [(), (0,), (0, 0), (0, 60_000), (61,), (30, 1_000), (0, 30_000)],
)
def test_times_of_the_sound_pass(times_ms: tuple[int, ...], caplog: pytest.LogCaptureFixture) -> None:
    checked(*times_ms)
    assert not caplog.messages


@pytest.mark.parametrize("time_ms", [-1, 60_001])
def test_times_outside_of_the_sound_are_refused(time_ms: int) -> None:
    with pytest.raises(KwsError, match=rf"truth\.txt: a word at {time_ms} ms \(yes\), but the sound of s\.wav ends at 60000 ms"):
        checked(0, time_ms)


def test_seconds_are_noticed(caplog: pytest.LogCaptureFixture) -> None:
    said = (
        r"truth\.txt: all of its words lie in the first {} ms of the {} s of s\.wav, as if the times were seconds;"
        r" milliseconds are expected \(times 1000\), or Audacity's labels"
    )
    # A word every three seconds: nobody speaks so fast.
    with pytest.raises(KwsError, match=said.format(57, 60)):
        checked(*range(0, 60, 3))
    with pytest.raises(KwsError, match=said.format(6, 8)):
        checked(2, 4, 6, duration_ms=8_000)
    # It might be so: a word, and an hour of nothing.
    checked(2, duration_ms=8_000)
    checked(10, 3000, duration_ms=3_600_000)
    assert len(caplog.messages) == 2
    assert caplog.messages[1].startswith("truth.txt: all of its words lie in the first 3000 ms of the 3600 s of s.wav")
