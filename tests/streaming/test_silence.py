"""Faint noise in place of digital silence: the same in any chunks, for any scorer, and never in place of sound."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from levels import SETTINGS, SPEC, Levels
from numpy.typing import NDArray

from kws.streaming.scorer import StatefulScorer, States, StreamLayout, StreamScorer, WindowScorer
from kws.streaming.silence import ZeroFiller, faint_noise
from kws.streaming.spotter import Spotter

STEP = np.float32(1 / 32768)
GOLDEN = [1, -1, -1, 1, -1, -1, -1, 1, -1, 1, -1, 1, 1, 1, 1, 1]
# Runs of zeros and of sound, one after another.
RUNS = st.lists(st.tuples(st.booleans(), st.integers(1, 60)), max_size=20)
SIZES = st.lists(st.integers(0, 50), max_size=30)


def of_runs(runs: list[tuple[bool, int]]) -> NDArray[np.float32]:
    sound = np.random.default_rng(0).uniform(0.01, 1, sum(length for _, length in runs)).astype(np.float32)
    place = 0
    for silent, length in runs:
        sound[place : place + length] *= not silent
        place += length
    return sound


def split(sound: NDArray[np.float32], sizes: list[int]) -> list[NDArray[np.float32]]:
    cuts = np.cumsum(sizes, dtype=int)
    return np.split(sound, cuts[cuts < len(sound)])


def test_the_noise_is_of_one_bit_and_follows_from_its_place() -> None:
    noise = faint_noise(-5000, 20_000)
    assert noise.dtype == np.float32
    np.testing.assert_array_equal(abs(noise), STEP)
    assert abs(noise.mean()) < 0.03 * STEP
    # White: no value follows from those before it.
    spectrum = abs(np.fft.rfft(noise[:16384] / STEP)) ** 2 / 16384
    assert spectrum.reshape(-1)[1:8193].reshape(8, -1).mean(axis=1) == pytest.approx(1, abs=0.15)
    np.testing.assert_array_equal(faint_noise(-3, 10), noise[4997:5007])
    # The same on every machine and with any NumPy.
    assert (faint_noise(0, 16) / STEP).astype(int).tolist() == GOLDEN


@given(RUNS, SIZES)
@settings(deadline=None)
def test_any_chunking_fills_the_same_and_sound_stays(runs: list[tuple[bool, int]], sizes: list[int]) -> None:
    sound, shortest = of_runs(runs), 10
    filler, parts, place = ZeroFiller(shortest), [], 7
    for chunk in split(sound, sizes):
        parts.append(filler.fill(chunk, place))
        place += len(chunk)
    filled = np.concatenate(parts)
    expected, run = sound.copy(), shortest
    for index, value in enumerate(sound):
        run = run + 1 if value == 0 else 0
        if run > shortest:
            expected[index] = faint_noise(7 + index, 1)[0]
    np.testing.assert_array_equal(filled, expected)


def test_what_needs_no_filling_is_not_copied() -> None:
    sound = of_runs([(False, 30), (True, 10), (False, 30)])
    filler = ZeroFiller(10)
    filler.fill(sound[:1], 0)
    assert filler.fill(sound, 1) is sound
    assert filler.fill(sound[:0], 71) is not None


def sums(stateful: bool) -> StreamScorer:
    """Weighted sums of each window, from whole windows or from a step that keeps the samples before."""
    weights = np.random.default_rng(1).standard_normal((200, 4)).astype(np.float32)

    class Sums(Levels):
        def score(self, waveform: NDArray[np.float32]) -> NDArray[np.float32]:
            scores: NDArray[np.float32] = 1e4 * waveform @ weights
            return scores

    def step(samples: NDArray[np.float32], states: States) -> tuple[NDArray[np.float32], States]:
        heard = np.concatenate([states[0], samples])
        windows = np.stack([heard[end - 200 : end] for end in range(220, len(heard) + 1, 20)])
        return Sums().score(windows), [heard[-200:]]

    if stateful:
        return StatefulScorer(Levels.labels, SPEC, StreamLayout(20, 0, 9, (("heard", (200,)),)), step)
    return WindowScorer(Sums(), 20)


@given(RUNS, SIZES)
@settings(deadline=None, max_examples=40)
def test_scorers_hear_the_same_in_any_chunks(runs: list[tuple[bool, int]], sizes: list[int]) -> None:
    sound, heard = of_runs(runs), []
    for stateful, chunks in ((False, [sound]), (True, [sound]), (False, split(sound, sizes)), (True, split(sound, sizes))):
        times: list[int] = []
        rows: list[NDArray[np.float32]] = []
        spotter = Spotter(
            sums(stateful), SETTINGS, lambda at, scores, times=times, rows=rows: (times.extend(at), rows.extend(scores))
        )
        for chunk in chunks:
            spotter.feed(chunk)
        spotter.flush()
        heard.append((times, np.reshape(rows, (-1, 4))))
    for times, rows in heard[1:]:
        assert times == heard[0][0] == list(range(-180, len(sound), 20))[: len(times)]
        np.testing.assert_allclose(rows, heard[0][1], rtol=1e-4, atol=1e-2)


def test_digital_silence_is_left_alone_if_asked() -> None:
    for fill_zeros in (True, False):
        rows: list[NDArray[np.float32]] = []
        spotter = Spotter(
            sums(False), SETTINGS, lambda _, scores, rows=rows: rows.extend(scores), pad_ends=False, fill_zeros=fill_zeros
        )
        spotter.feed(np.zeros(500, np.float32))
        assert len(rows) == 16
        assert np.any(rows) == fill_zeros
