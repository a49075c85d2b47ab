"""The sliding mean of scores."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from kws.streaming.score_window import ScoreWindow


def add(window: ScoreWindow, time_ms: int, *scores: float) -> list[float] | None:
    mean = window.add(np.array(scores, dtype=np.float32), time_ms)
    return None if mean is None else mean.tolist()


def test_mean_of_the_window_with_both_ends() -> None:
    window = ScoreWindow(1, 100, 1)
    assert add(window, 0, 1.0) is None  # younger than a quarter of the window
    assert add(window, 50, 0.5) == [0.75]
    assert add(window, 100, 0.0) == [0.5]  # the result of 0 ms is just in
    assert add(window, 101, 0.0) == pytest.approx([0.5 / 3])  # and now just out


@pytest.mark.parametrize(("window_ms", "quarter_ms"), [(100, 25), (502, 125), (503, 125), (3, 0)])
def test_nothing_before_a_quarter_of_the_window_in_whole_ms(window_ms: int, quarter_ms: int) -> None:
    window = ScoreWindow(1, window_ms, 1)
    for time_ms in range(quarter_ms):
        assert add(window, time_ms, 1.0) is None
    assert add(window, quarter_ms, 1.0) == pytest.approx([1.0])


def test_nothing_with_too_few_results() -> None:
    window = ScoreWindow(1, 100, 3)
    assert add(window, 0, 1.0) is None
    assert add(window, 90, 1.0) is None
    assert add(window, 95, 0.25) == [0.75]
    assert add(window, 400, 1.0) is None  # a gap in the stream empties the window


def test_cleared_is_as_new() -> None:
    window = ScoreWindow(2, 100, 1)
    for time_ms in range(0, 300, 10):
        add(window, time_ms, 1.0, 0.0)
    window.clear()
    assert add(window, 0, 0.0, 1.0) is None
    assert add(window, 25, 0.5, 1.0) == [0.25, 1.0]


def test_equals_the_originals_sum_to_the_bit_whatever_the_density() -> None:
    rng = np.random.default_rng(3)
    window, held = ScoreWindow(5, 300, 1), list[tuple[int, NDArray[np.float32]]]()
    # From 1 ms to 40 ms apart and back: the window grows past its first capacity, wraps and shrinks.
    time_ms = 0
    for index in range(1500):
        time_ms += 1 if 300 < index < 900 else 40
        scores = rng.random(5, dtype=np.float32)
        held = [(time, past) for time, past in held if time >= time_ms - 300] + [(time_ms, scores)]
        mean = window.add(scores, time_ms)
        if mean is not None:
            expected = np.zeros(5, dtype=np.float32)
            for _, past in held:
                expected = expected + past / np.float32(len(held))
            np.testing.assert_array_equal(mean, expected)


def test_memory_stays_that_of_the_window() -> None:
    window = ScoreWindow(3, 500, 1)
    scores = np.ones(3, dtype=np.float32)
    for index in range(5000):
        window.add(scores, 30 * index)
    assert len(window._times_ms) == len(window._scores) == 64
