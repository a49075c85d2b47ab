"""Pictures: what is drawn, and that a file is whole or not there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from kws.errors import KwsError
from kws.evaluation.calibration import reliability
from kws.evaluation.confusion import Confusion
from kws.evaluation.streams.offline_decoder import ScoredStream
from kws.evaluation.streams.tuning import SearchSpace, Tuning, tune
from kws.plots.confusion import confusion_figure
from kws.plots.det import det_figure
from kws.plots.figure import save_figure
from kws.plots.reliability import reliability_figure
from kws.plots.sound import sound_figure
from kws.streaming.events import SpokenWord

NAMES = ("_silence_", "_unknown_", "yes", "no")
COUNTS = np.array([[5, 0, 0, 0], [0, 0, 0, 0], [0, 0, 6, 2], [0, 1, 0, 9]])


@pytest.fixture
def confusion() -> Figure:
    return confusion_figure(Confusion(COUNTS, NAMES))


@pytest.fixture
def sound() -> Figure:
    rng = np.random.default_rng(0)
    waveform = rng.uniform(-1, 1, 16000).astype(np.float32)
    power, features = rng.random((98, 257), dtype=np.float32), rng.random((98, 40), dtype=np.float32)
    return sound_figure(waveform, power, features, sample_rate=16000, hop_ms=10, title="yes")


@pytest.fixture(scope="module")
def tuning() -> Tuning:
    times_ms = np.arange(0, 60_000, 30)
    scores = np.tile(np.float32([0.97, 0.01, 0.01, 0.01]), (len(times_ms), 1))
    # Two words said and a third heard, each less sure than the one before.
    for start_ms, score in ((5000, 0.9), (25_000, 0.6), (45_000, 0.4)):
        scores[(times_ms >= start_ms) & (times_ms < start_ms + 1000)] = [0, 0, score, 0]
    stream = ScoredStream(times_ms, scores, NAMES, (SpokenWord("yes", 5000), SpokenWord("yes", 25_000)), 60_000)
    return tune([stream], space=SearchSpace(thresholds=(0.3, 0.5, 0.8, 0.95), average_windows_ms=(), suppressions_ms=()))


def test_reliability_has_a_line_a_curve_and_its_ece() -> None:
    scores = np.array([[0.1, 0.9], [0.05, 0.95], [0.5, 0.5], [0.3, 0.7]])
    curve = reliability(scores, [1, 0, 0, 1], bins=10)
    figure = reliability_figure({"before": curve, "after": curve}, "yes")
    top, bottom = figure.axes
    diagonal, before, _ = (np.asarray(line.get_xydata()) for line in top.lines)
    np.testing.assert_allclose(diagonal, [[0, 0], [1, 1]])
    np.testing.assert_allclose(before, [[0.5, 1], [0.7, 1], [0.9, 1], [0.95, 0]])
    assert [text.get_text() for text in top.get_legend().get_texts()][1] == f"before: ECE {100 * curve.ece:.1f} %"
    assert (top.get_title(), len(bottom.patches)) == ("yes", 2)


@pytest.fixture
def det(tuning: Tuning) -> Figure:
    return det_figure(tuning, "yes")


def test_det_has_a_point_a_threshold_and_marks_two(det: Figure, tuning: Tuning) -> None:
    (axes,) = det.axes
    curve, before, after = (np.asarray(line.get_xydata()) for line in axes.lines if line.get_marker() in (".", "s", "*"))
    # At thresholds of 0.3, 0.5, 0.7, 0.8 and 0.95; an hour is sixty of these minutes.
    np.testing.assert_allclose(curve, [[60, 0], [0, 0], [0, 50], [0, 50], [0, 100]])
    np.testing.assert_allclose((before, after), [[[0, 50]], [[0, 0]]])
    assert (axes.get_xscale(), axes.get_xlim()[0], axes.get_title()) == ("symlog", 0, "yes")
    (_, interval) = axes.containers
    assert interval.has_xerr
    reached = max(segment[:, 0].max() for segment in interval.lines[2][0].get_segments())
    assert reached == pytest.approx(tuning.after.score.total.false_accepts_per_hour.high)


def test_confusion_has_truths_in_rows(confusion: Figure) -> None:
    (axes,) = confusion.axes
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("truth", "prediction")
    assert [label.get_text() for label in axes.get_yticklabels()] == list(NAMES)
    assert [label.get_text() for label in axes.get_xticklabels()] == list(NAMES)
    written = {tuple(map(round, text.get_position()[::-1])): int(text.get_text()) for text in axes.texts}
    assert written == {(0, 0): 5, (2, 2): 6, (2, 3): 2, (3, 1): 1, (3, 3): 9}
    shares = np.asarray(axes.images[0].get_array())
    np.testing.assert_allclose(shares, [[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0.75, 0.25], [0, 0.1, 0, 0.9]])
    assert axes.get_title() == "87.0 % of 23 clips right"


def test_sound_shares_one_time_axis(sound: Figure) -> None:
    top, middle, bottom = sound.axes[:3]
    assert top.get_title() == "yes"
    assert top.get_xlim() == middle.get_xlim() == bottom.get_xlim() == (0, 1)
    assert middle.images[0].get_extent() == [0, 0.98, 0, 8]
    assert np.asarray(bottom.images[0].get_array()).shape == (40, 98)


def test_silence_can_be_drawn(tmp_path: Path) -> None:
    zeros = np.zeros((98, 40), np.float32)
    figure = sound_figure(np.zeros(16000, np.float32), zeros, zeros, sample_rate=16000, hop_ms=10)
    save_figure(figure, tmp_path / "silence.png")
    assert (tmp_path / "silence.png").stat().st_size > 1000


@pytest.mark.parametrize("kind", ["confusion", "sound", "det"])
def test_pictures_are_png(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    path = tmp_path / f"{kind}.png"
    save_figure(request.getfixturevalue(kind), path)
    pixels = imread(path)
    assert min(pixels.shape[:2]) > 400
    assert pixels.std() > 0.05
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(("ending", "start"), [("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_the_ending_is_the_format(confusion: Figure, tmp_path: Path, ending: str, start: bytes) -> None:
    path = tmp_path / f"a.{ending}"
    save_figure(confusion, path)
    assert path.read_bytes().startswith(start)


@pytest.mark.parametrize("name", ["a.bmpp", "a.wav"])
def test_a_bad_ending_is_named_with_the_good_ones(confusion: Figure, tmp_path: Path, name: str) -> None:
    with pytest.raises(KwsError, match=rf"{name}: .*; end the name in \.png, \.svg or \.pdf"):
        save_figure(confusion, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named(confusion: Figure, tmp_path: Path) -> None:
    with pytest.raises(KwsError, match=r"nowhere/a\.png: can't be written \(No such file or directory\)"):
        save_figure(confusion, tmp_path / "nowhere" / "a.png")


def test_a_picture_that_breaks_off_leaves_the_old_one(confusion: Figure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"the old one")

    def half(path: Path, **_: object) -> None:
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(confusion, "savefig", half)
    with pytest.raises(KwsError, match=r"a\.png: can't be written \(No space left on device\)"):
        save_figure(confusion, path)
    assert path.read_bytes() == b"the old one"
    assert list(tmp_path.iterdir()) == [path]


def test_a_picture_without_an_ending_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KwsError, match=r"x: .*end the name in \.png"):
        save_figure(Figure(), tmp_path / "x")
    assert list(tmp_path.iterdir()) == []
