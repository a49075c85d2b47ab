"""What was heard live is heard again exactly, and a crash loses none of it."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from levels import SETTINGS, STREAM, Levels, scorer
from numpy.typing import NDArray

from kws.audio.io import read_audio, to_int16
from kws.errors import KwsError
from kws.evaluation.streams.offline_decoder import read_scores
from kws.streaming.events import Detection, read_detections
from kws.streaming.live_session import LiveSession, feed
from kws.streaming.recorder import Gap, Recorder, beside, blocks_of, read_gaps
from kws.streaming.sound_source import Block
from kws.streaming.spotter import Spotter

LABELS = Levels.labels


def again(path: Path) -> tuple[list[Detection], list[int], list[NDArray[np.float32]]]:
    """Detections, and times and scores, of a recording heard again."""
    times: list[int] = []
    rows: list[NDArray[np.float32]] = []

    def keep(times_ms: NDArray[np.int64], scores: NDArray[np.float32]) -> None:
        times.extend(times_ms.tolist())
        rows.extend(scores)

    gaps = read_gaps(path, 1000)
    assert gaps is not None
    spotter = Spotter(scorer(), SETTINGS, keep)
    found = [one for block, lost in blocks_of(read_audio(path, 1000), gaps, 700) for one in feed(spotter, block, lost, 20)]
    return found + spotter.flush(), times, rows


@given(st.lists(st.tuples(st.integers(0, 400), st.sampled_from([0, 0, 0, 1, 37, 900])), min_size=1, max_size=25))
@settings(deadline=None)
def test_is_heard_again_exactly(tmp_path_factory: pytest.TempPathFactory, blocks: list[tuple[int, int]]) -> None:
    folder = tmp_path_factory.mktemp("recording")
    path = folder / "heard.wav"
    recorder = Recorder(path, 1000, LABELS)
    listener, place, found = LiveSession(scorer(), SETTINGS, recorder), 0, []
    # Between the steps of 16 bits, so that rounding shows.
    noisy = STREAM + np.random.default_rng(0).uniform(-1e-5, 1e-5, len(STREAM)).astype(np.float32)
    for length, dropped in blocks:
        samples = noisy[place + dropped : place + dropped + length]
        found += listener.hear(Block(samples, dropped))
        place += dropped + len(samples)
    found += listener.end()
    recorder.close()
    if not place:
        return
    assert len(read_audio(path, 1000)) == place
    replayed, times, rows = again(path)
    assert replayed == found == list(read_detections(beside(path, "detections.jsonl")))
    kept = np.load(beside(path, "scores.npz"))
    assert kept["times_ms"].tolist() == times
    np.testing.assert_array_equal(kept["scores"], np.reshape(rows, (-1, 4)))
    if times:
        assert read_scores(beside(path, "scores.npz"), (), 200).labels == LABELS.names
    assert not list(folder.glob(".*"))


def test_lost_sound_is_zeros_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "heard.wav"
    recorder = Recorder(path, 16000, LABELS)
    recorder.lose(5)
    recorder.hear(np.arange(1, 8, dtype=np.int16))
    recorder.lose(0)
    recorder.lose(100_000)
    recorder.hear(np.array([9], np.int16))
    recorder.close()
    samples, sample_rate = soundfile.read(path, dtype="int16")
    assert sample_rate == 16000
    assert samples.tolist() == [0] * 5 + list(range(1, 8)) + [0] * 100_000 + [9]
    assert read_gaps(path, 16000) == (Gap(0, 5), Gap(12, 100_000))
    # At another rate they cover at least what was lost.
    assert read_gaps(path, 8000) == (Gap(0, 3), Gap(6, 50_000))
    assert read_gaps(tmp_path / "other.wav", 16000) is None


def test_killed_it_leaves_all_that_was_heard(tmp_path: Path) -> None:
    path = tmp_path / "heard.wav"
    script = (
        "import sys, time, numpy as np; from pathlib import Path; from kws.labels import LabelSet;"
        "from kws.streaming.recorder import Recorder; from kws.streaming.events import Detection;"
        "recorder = Recorder(Path(sys.argv[1]), 16000, LabelSet(['yes', 'no']));"
        "[recorder.hear(np.full(480, block, np.int16)) for block in range(100)];"
        "recorder.lose(7); recorder.find([Detection('yes', 30, 0.5)]); recorder.hear(np.ones(1, np.int16));"
        "print('ready', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    samples, _ = soundfile.read(path, dtype="int16")
    np.testing.assert_array_equal(samples, [*np.repeat(np.arange(100), 480), *[0] * 7, 1])
    np.testing.assert_array_equal(read_audio(path, 16000), samples)
    assert read_gaps(path, 16000) == (Gap(48000, 7),)
    assert read_detections(beside(path, "detections.jsonl")) == (Detection("yes", 30, 0.5),)


def test_killed_within_a_gap_or_a_line(tmp_path: Path) -> None:
    path = tmp_path / "heard.wav"
    beside(path, "gaps.jsonl").write_text('{"rate_hz": 1000}\n{"first": 3, "samples": 50}\n{"first": 8')
    gaps = read_gaps(path, 1000)
    assert gaps == (Gap(3, 50),)
    pieces = [(piece.tolist(), lost) for piece, lost in blocks_of(np.arange(8, dtype=np.int16), gaps, 2)]
    assert pieces == [([0, 1], 0), ([2], 0), ([], 5)]


@pytest.mark.slow
def test_memory_does_not_grow(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "heard.wav", 1000, LABELS)
    listener, block = LiveSession(scorer(), SETTINGS, recorder), Block(STREAM[450:950], 3)
    tracemalloc.start()
    try:
        sizes = []
        for _ in range(6):
            for _ in range(120):
                listener.hear(block)
            gc.collect()  # empties Python's lists of spare tuples too
            sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    recorder.close()
    assert max(sizes[3:]) < sizes[2] + 4096  # the listener's latest detections are full after the first two


FULL_DISK = """
import resource, sys
import numpy as np
from pathlib import Path
from kws.errors import KwsError
from kws.labels import LabelSet
from kws.streaming.recorder import Recorder
from kws.streaming.events import Detection
recorder = Recorder(Path(sys.argv[1]), 16000, LabelSet(["yes", "no"]))
resource.setrlimit(resource.RLIMIT_FSIZE, (53_204, resource.RLIM_INFINITY))
try:
    for block in range(400):
        recorder.score(np.zeros(40, np.int64), np.zeros((40, 4), np.float32))
        if sys.argv[2] == "sound":
            recorder.hear(np.full(480, block, np.int16))
        if sys.argv[2] == "lists":
            recorder.find([Detection("yes", block, 0.5)] * 20)
except KwsError as error:
    print(error)
try:
    recorder.close()
except KwsError as error:
    print(error)
"""


@pytest.mark.parametrize("grows", ["sound", "lists", "scores"])
def test_on_a_full_disk_what_was_heard_is_whole(grows: str, tmp_path: Path) -> None:
    path = tmp_path / "heard.wav"
    command = [sys.executable, "-c", FULL_DISK, str(path), grows]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr == ""
    said = finished.stdout.splitlines()
    assert said and all(line == f"{path}: can't be written: File too large" for line in said)
    if grows == "sound":
        samples = read_audio(path, 16000)
        assert len(samples) % 480 == 0 and 0 < len(samples) <= (53_204 - 44) // 2
        np.testing.assert_array_equal(samples, np.repeat(np.arange(len(samples) // 480), 480))
        assert path.stat().st_size == 44 + 2 * len(samples)
        assert soundfile.info(path).frames == len(samples)
    if grows == "lists":
        assert len(read_detections(beside(path, "detections.jsonl"))) > 100
    assert not list(tmp_path.glob(".*"))


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "heard.wav"
    Recorder(path, 1000, LABELS).close()
    with pytest.raises(KwsError, match=r"heard\.wav: is already there; give another name"):
        Recorder(path, 1000, LABELS)


@pytest.mark.parametrize(
    ("path", "message"), [("heard.mp3", "ends in .mp3; end it in .wav"), ("no/heard.wav", "can't be written: No such file")]
)
def test_places_that_are_none(path: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(KwsError, match=message):
        Recorder(tmp_path / path, 1000, LABELS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "can't be read as the gaps of heard.wav"),
        ('{"rate_hz": 1000}\nnothing\n', "can't be read as the gaps of heard.wav"),
        ('{"rate_hz": 1000}\n{"first": 9, "samples": 5}\n{"first": 10, "samples": 5}\n', "gaps that overlap"),
        ('{"rate_hz": 1000}\n{"first": 9, "samples": 0}\n', "gaps that overlap"),
    ],
)
def test_a_list_of_gaps_that_is_none(content: str, message: str, tmp_path: Path) -> None:
    beside(tmp_path / "heard.wav", "gaps.jsonl").write_text(content)
    with pytest.raises(KwsError, match=rf"heard\.gaps\.jsonl: {message}"):
        read_gaps(tmp_path / "heard.wav", 1000)


def test_four_gibibytes_are_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kws.streaming.recorder._MOST_BYTES", 20)
    recorder: Any = Recorder(tmp_path / "heard.wav", 1000, LABELS)
    recorder.hear(to_int16(STREAM[:10]))
    with pytest.raises(KwsError, match=r"heard\.wav: 4 GiB, all that a WAV can hold, are full"):
        recorder.hear(to_int16(STREAM[:1]))
    recorder.close()
    assert len(read_audio(tmp_path / "heard.wav", 1000)) == 10
    assert json.loads(beside(tmp_path / "heard.wav", "gaps.jsonl").read_text()) == {"rate_hz": 1000}
