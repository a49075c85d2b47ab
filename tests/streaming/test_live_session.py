"""A live stream: what is found, and what is told of it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from levels import SETTINGS, STREAM, Levels, scorer

from kws.streaming.live_session import LiveSession
from kws.streaming.scorer import WindowScorer
from kws.streaming.sound_source import Block
from kws.streaming.spotter import Spotter


def in_blocks(size: int) -> list[Block]:
    return [Block(STREAM[first : first + size], 0) for first in range(0, len(STREAM), size)]


@pytest.mark.parametrize("size", [1, 20, 333, 3000])
def test_finds_what_the_spotter_finds(size: int) -> None:
    spotter = Spotter(scorer(), SETTINGS)
    expected = [*spotter.feed(STREAM), *spotter.flush()]
    listener = LiveSession(scorer(), SETTINGS)
    found = [one for block in in_blocks(size) for one in listener.hear(block)] + listener.end()
    assert found == expected
    state = listener.state()
    assert state.detections == tuple(expected)
    assert (state.found, state.time_ms, state.dropped, state.windows) == (len(expected), 3000, 0, 159)


def test_windows_are_scored_one_by_one_however_the_sound_comes() -> None:
    sizes = []

    class Watched(Levels):
        def score(self, waveform: np.ndarray) -> np.ndarray:
            sizes.append(len(waveform))
            return super().score(waveform)

    listener = LiveSession(WindowScorer(Watched(), 20), SETTINGS)
    for block in in_blocks(777):
        listener.hear(block)
    assert set(sizes) == {1}


def test_lost_sound_is_counted_and_time_goes_on() -> None:
    listener = LiveSession(scorer(), SETTINGS)
    listener.hear(Block(STREAM[:700], 0))
    listener.hear(Block(STREAM[:0], 50))
    listener.hear(Block(STREAM[1000:], 250))
    state = listener.state()
    assert (state.time_ms, state.dropped, state.dropped_ms) == (3000, 300, 300)
    assert [one.label for one in state.detections if one.label != "_unknown_"] == ["yes", "no", "yes"]


def test_scores_are_averaged_as_the_decoder_does() -> None:
    listener = LiveSession(scorer(), SETTINGS)
    assert listener.state().scores == (0, 0, 0, 0)
    for block in in_blocks(20)[:30]:
        listener.hear(block)
    # A detection's score is the average of the label at its moment.
    state = listener.state()
    spotter_scores: list[float] = []
    spotter = Spotter(scorer(), SETTINGS, lambda _, rows: spotter_scores.extend(rows[:, 2].tolist()))
    spotter.feed(STREAM[:600])
    assert state.scores[2] == pytest.approx(np.mean(spotter_scores[-3:]))
    assert state.thresholds == (0.6,) * 4


def test_tells_level_load_and_lag() -> None:
    ticks = itertools.count()
    listener = LiveSession(scorer(), SETTINGS, clock=lambda: next(ticks) * 0.002)
    assert listener.state().level_db == -96
    for _ in range(400):
        listener.hear(Block(np.full(20, 0.1, np.float32), 0))
    state = listener.state(waiting_samples=60)
    # Each block of 20 ms is one window, and takes 2 ms.
    assert state.level_db == pytest.approx(-20, abs=0.1)
    assert not state.clipped
    assert state.busy == pytest.approx(0.1, rel=0.01)
    assert state.window_ms == pytest.approx(2, rel=0.01)
    assert state.lag_ms == 60
    assert state.busy_s == pytest.approx(0.8)
    listener.hear(Block(np.full(20, 1.0, np.float32), 0))
    assert listener.state().clipped


def test_the_latest_detections_are_kept() -> None:
    listener = LiveSession(scorer(), SETTINGS)
    for _ in range(60):
        listener.hear(Block(STREAM, 0))
    state = listener.state()
    assert state.found > 150
    assert len(state.detections) == 100
