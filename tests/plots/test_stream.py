"""The picture of a stream: what is drawn where."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kws.plots.figure import save_figure
from kws.plots.stream import stream_figure
from kws.streaming.events import Detection, SpokenWord

LABELS = ("_silence_", "_unknown_", "yes", "no")


@pytest.mark.parametrize("seconds", [1, 20])
@pytest.mark.parametrize("known", [True, False])
def test_words_lie_on_their_rows_at_their_times(seconds: int, known: bool, tmp_path: Path) -> None:
    samples = np.random.default_rng(0).integers(-3000, 3000, seconds * 16000).astype(np.int16)
    times = np.arange(0, seconds * 1000 - 970, 30)
    scores = np.full((len(times), 4), 0.25, np.float32)
    found = [Detection("no", 700, 0.9), Detection("other", 900, 0.8)]
    said = [SpokenWord("yes", 400)] if known else []
    figure = stream_figure(samples, 16000, times, scores, LABELS, found, said, "a title")
    top, middle, bottom = figure.axes[:3]
    assert top.get_title() == "a title"
    assert top.get_xlim() == (0, seconds)
    assert [tick.get_text() for tick in middle.get_yticklabels()] == list(LABELS)
    assert [tick.get_text() for tick in bottom.get_yticklabels()] == [*LABELS, "other"]
    points = [tuple(map(tuple, np.asarray(group.get_offsets()).round(6))) for group in bottom.collections]
    assert points == [*([((0.4, 2.0),)] if known else []), ((0.7, 3.0), (0.9, 4.0))]
    save_figure(figure, tmp_path / "stream.png")
    assert (tmp_path / "stream.png").read_bytes().startswith(b"\x89PNG")


def test_nothing_said_and_nothing_found() -> None:
    figure = stream_figure(np.zeros(16000, np.int16), 16000, np.array([0]), np.full((1, 4), 0.25, np.float32), LABELS, [])
    assert not figure.axes[2].collections
