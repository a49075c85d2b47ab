"""Resampling a stream: SciPy's, to the bit the same in any chunks, at the right places after a gap."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.signal import resample_poly
from sounds import white

from kws.audio.resampler import Resampler
from kws.errors import KwsError

RATES = [(48000, 16000), (44100, 16000), (8000, 16000), (16000, 16000), (32000, 44100), (22050, 16000)]
SOUND = white(0.2, 48000).astype(np.float32)


def chunked(resampler: Resampler, sound: NDArray[np.float32], sizes: list[int]) -> NDArray[np.float32]:
    cuts = np.cumsum(sizes)
    parts = [resampler.feed(chunk) for chunk in np.split(sound, cuts[cuts < len(sound)])]
    return np.concatenate([*parts, resampler.flush()])


@pytest.mark.parametrize(("in_hz", "out_hz"), RATES)
def test_is_what_scipy_gives(in_hz: int, out_hz: int) -> None:
    resampler = Resampler(in_hz, out_hz)
    expected = resample_poly(SOUND.astype(np.float64), resampler.up, resampler.down)
    given_out = chunked(resampler, SOUND, [])
    assert given_out.dtype == np.float32
    np.testing.assert_allclose(given_out, expected, atol=2e-6)


@given(st.lists(st.integers(0, 1500), max_size=20), st.sampled_from(RATES))
@settings(deadline=None, max_examples=40)
def test_any_chunks_give_the_same_bits(sizes: list[int], rates: tuple[int, int]) -> None:
    np.testing.assert_array_equal(chunked(Resampler(*rates), SOUND, sizes), chunked(Resampler(*rates), SOUND, []))


@pytest.mark.parametrize(("in_hz", "out_hz"), RATES)
@pytest.mark.parametrize("lost", [1, 7, 480, 4001])
def test_after_a_gap_the_sound_is_where_it_belongs(in_hz: int, out_hz: int, lost: int) -> None:
    resampler, begun = Resampler(in_hz, out_hz), 3001
    before = resampler.feed(SOUND[:begun])
    gap = resampler.skip(lost)
    after = np.concatenate([resampler.feed(SOUND[begun + lost :]), resampler.flush()])
    # Zeros stand for what lay on the other side.
    silenced = np.concatenate([np.zeros(begun + lost, np.float32), SOUND[begun + lost :]]).astype(np.float64)
    expected = resample_poly(silenced, resampler.up, resampler.down)
    assert len(before) + gap + len(after) == len(expected)
    np.testing.assert_allclose(after, expected[len(before) + gap :], atol=2e-6)
    assert gap >= lost * out_hz // in_hz


def test_nothing_lost_is_no_gap() -> None:
    resampler = Resampler(44100, 16000)
    parts = [resampler.feed(SOUND[:999])]
    assert resampler.skip(0) == 0
    parts += [resampler.feed(SOUND[999:]), resampler.flush()]
    np.testing.assert_array_equal(np.concatenate(parts), chunked(Resampler(44100, 16000), SOUND, []))


def test_holds_no_more_than_the_filters_reach() -> None:
    resampler = Resampler(48000, 16000)
    for _ in range(50):
        resampler.feed(SOUND)
        assert len(resampler._held) < 100


def test_what_is_no_rate_or_loss_is_refused() -> None:
    with pytest.raises(KwsError, match="in_hz: 0 given; 1 to 768000 Hz"):
        Resampler(0, 16000)
    with pytest.raises(KwsError, match="samples: -1 lost samples told"):
        Resampler(48000, 16000).skip(-1)
