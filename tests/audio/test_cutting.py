"""Where a clip is cut out of a recording, and its measures."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from kws.audio.cutting import clipped_fraction, cut_clip, level_dbfs, loudest_segment


@given(hnp.arrays(np.int16, st.integers(1, 60)), st.integers(1, 70))
@example(np.full(50, -32768, np.int16), 20)
def test_loudest_segment_is_the_one_found_by_trying_all(samples: NDArray[np.int16], length: int) -> None:
    segment = loudest_segment(samples, length)
    size = min(length, samples.size)
    energies = [sum(int(x) ** 2 for x in samples[start : start + size]) for start in range(samples.size - size + 1)]
    starts = [start for start, energy in enumerate(energies) if energy == max(energies)]
    assert any(np.array_equal(segment, samples[start : start + size]) for start in starts)
    assert sum(int(x) ** 2 for x in segment) == max(energies)


def test_a_word_between_digital_zeros_comes_to_the_middle() -> None:
    samples = np.zeros(1000, np.int16)
    samples[500:520] = 1000
    assert np.flatnonzero(loudest_segment(samples, 101))[0] in (40, 41)


@given(hnp.arrays(np.int16, st.integers(1, 40)), st.integers(1, 50))
def test_a_short_recording_lies_in_the_middle(samples: NDArray[np.int16], length: int) -> None:
    clip = cut_clip(samples, length)
    assert clip.shape == (length,)
    assert clip.dtype == np.int16
    before = max(0, length - samples.size) // 2
    size = min(length, samples.size)
    np.testing.assert_array_equal(clip[before : before + size], loudest_segment(samples, length))
    assert not clip[:before].any()
    assert not clip[before + size :].any()


def test_clipped_fraction() -> None:
    assert clipped_fraction(np.array([32767, -32768, -32767, 0], np.int16)) == 0.75
    assert clipped_fraction(np.array([32766, -32766], np.int16)) == 0
    assert clipped_fraction(np.empty(0, np.int16)) == 0


def test_level() -> None:
    sine = (32767 * np.sin(2 * np.pi * np.arange(1600) / 16)).astype(np.int16)
    assert level_dbfs(sine) == pytest.approx(-3.01, abs=0.01)
    assert level_dbfs((sine // 10 + 5000).astype(np.int16)) == pytest.approx(-23.01, abs=0.01)
    assert level_dbfs(np.full(100, 700, np.int16)) == -math.inf
    assert level_dbfs(np.empty(0, np.int16)) == -math.inf
