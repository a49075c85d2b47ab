"""Test streams: what is said is where the truth says, and nothing else is."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kws.errors import KwsError
from kws.evaluation.streams.simulation import ClipSource, SimulatedStream, simulate_stream
from kws.evaluation.streams.simulation_settings import SimulationSettings

RATE_HZ, CLIP = 1000, 1000
FADE = 31  # 500 samples at 16 kHz
NOISE = [np.random.default_rng(seed).integers(-9000, 9000, 4000).astype(np.int16) for seed in (1, 2)]


def clip(index: int) -> NDArray[np.int16]:
    """A clip that is one value all through, shorter for odd numbers."""
    return np.full(CLIP if index % 2 == 0 else CLIP // 2, 1000 * (index + 1), np.int16)


# Three clips of yes, one of no, two of other words.
SOURCE = ClipSource([0, 1, 2, 3], [4, 5], lambda index: "no" if index == 3 else "yes", clip)


def scene(source: ClipSource = SOURCE, noises: list[NDArray[np.int16]] = NOISE, **changes: Any) -> SimulatedStream:
    return simulate_stream(SimulationSettings(**{"minutes": 1.0, **changes}), RATE_HZ, CLIP, source, noises)


def level(sound: NDArray[Any]) -> float:
    return float(np.sqrt(np.mean(np.square(sound.astype(float))))) / 32768


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.floats(1.0, 9.0), st.floats(0.15, 2.0))
def test_words_lie_in_their_slots_and_never_overlap(seed: int, interval_s: float, minutes: float) -> None:
    made = scene(seed=seed, interval_s=interval_s, minutes=minutes)
    assert len(made.samples) == round(60 * minutes * RATE_HZ)
    assert made.samples.dtype == np.int16
    slot_ms = round(interval_s * RATE_HZ)
    assert len(made.truth) == len(made.clips) == len(made.samples) // slot_ms
    for number, word in enumerate(made.truth):
        assert number * slot_ms <= word.time_ms <= (number + 1) * slot_ms - CLIP


@pytest.mark.parametrize("minutes", [1.0, 1.51])  # whole blocks of mixing and a broken one
def test_the_words_are_heard_at_their_times(minutes: float) -> None:
    made = scene(background_volume=0.0, minutes=minutes, interval_s=1.0)
    rest = made.samples.astype(np.int32)
    for word, index in zip(made.truth, made.clips, strict=True):
        sound, heard = clip(index), rest[word.time_ms :][: len(clip(index))]
        np.testing.assert_array_equal(heard[FADE : 1 - FADE], sound[FADE : 1 - FADE])
        assert heard[0] == 0 < heard[1] < heard[FADE - 1] < sound[0] > heard[-2] > heard[-1] > 0
        heard[:] = 0
        assert word.label == ("_unknown_" if index in SOURCE.unknown else SOURCE.labels(index))
    assert not rest.any()


def test_a_seed_decides_all() -> None:
    first, again, other = scene(seed=5), scene(seed=5), scene(seed=6)
    assert first.truth == again.truth != other.truth
    np.testing.assert_array_equal(first.samples, again.samples)
    assert not np.array_equal(first.samples, other.samples)


@pytest.mark.parametrize("snr_db", [-5.0, 0.0, 12.0, 30.0])
def test_the_noise_is_as_loud_as_asked(snr_db: float) -> None:
    made, quiet = scene(snr_db=snr_db, minutes=3), scene(minutes=3, background_volume=0.0)
    assert 20 * np.log10(made.parts_rms["words"] / made.parts_rms["noise"]) == pytest.approx(snr_db, abs=1e-6)
    spoken = [quiet.samples[word.time_ms :][: len(clip(index))] for word, index in zip(made.truth, made.clips, strict=True)]
    assert level(np.concatenate(spoken)) == pytest.approx(made.parts_rms["words"], rel=1e-3)
    assert made.truth == quiet.truth
    if made.clipped == 0:
        noise = made.samples.astype(float) - quiet.samples
        assert 20 * np.log10(level(np.concatenate(spoken)) / level(noise)) == pytest.approx(snr_db, abs=0.05)


def test_sums_beyond_full_scale_saturate_and_are_counted() -> None:
    loud = scene(snr_db=-20.0)
    assert loud.clipped == np.isin(loud.samples, (-32768, 32767)).sum() > 1000
    assert scene(snr_db=20.0).clipped == 0


def test_noise_goes_on_through_the_whole_stream() -> None:
    made = scene(no_words=True, minutes=2)
    assert (made.truth, made.clips) == ((), ())
    loud = scene(no_words=True, minutes=2, background_volume=1.0).samples
    assert min(np.abs(loud[first : first + 50]).max() for first in range(0, len(loud), 50)) > 0
    assert np.abs(made.samples).max() <= 2 * 0.1 * 9000  # where two pieces of up to the full volume overlap


@pytest.mark.parametrize(("percentage", "expected"), [(0, {0, 1, 2, 3}), (100, {4, 5}), (30, {0, 1, 2, 3, 4, 5})])
def test_wanted_words_or_others_or_both(percentage: float, expected: set[int]) -> None:
    assert set(scene(unknown_percentage=percentage, minutes=5).clips) == expected


def test_shares_of_words_are_even_whatever_their_clips() -> None:
    said = Counter(word.label for word in scene(minutes=60, interval_s=1.0).truth)
    assert said["_unknown_"] / 3600 == pytest.approx(0.3, abs=0.03)
    assert said["yes"] / 3600 == pytest.approx(0.35, abs=0.03)
    assert said["no"] / 3600 == pytest.approx(0.35, abs=0.03)


def test_a_long_stream_takes_little_more_memory_than_its_samples() -> None:
    tracemalloc.start()
    made = scene(minutes=100)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.25 * made.samples.nbytes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"minutes": 0}, "minutes: 0 given"),
        ({"minutes": float("nan")}, "minutes: nan given"),
        ({"minutes": 0.04}, "minutes: 0.04 is less than one interval_s of 3 s"),
        ({"interval_s": -1}, "interval_s: -1 given"),
        ({"interval_s": 0.5}, "interval_s: 0.5 s is less than a clip of 1 s"),
        ({"unknown_percentage": 101}, "unknown_percentage: 101 given"),
        ({"background_volume": 2}, "background_volume: 2 given"),
        ({"snr_db": float("inf")}, "snr_db: inf given"),
        ({"snr_db": 10, "no_words": True}, "snr_db: 10 given, but no_words"),
        ({"snr_db": 10, "noises": [np.zeros(2000, np.int16)]}, "snr_db: 10 given, but the noise drawn are digital silence"),
        ({"seed": -1}, "seed: -1 given"),
        ({"noises": []}, r"recordings of at least 1\.5 s are needed, 0 s found"),
        ({"noises": [NOISE[0], NOISE[1][:1000]]}, r"recordings of at least 1\.5 s are needed, 1 s found"),
        ({"source": ClipSource([0], [], SOURCE.labels, clip)}, "there is no clip of other words"),
        ({"source": ClipSource([], [4], SOURCE.labels, clip)}, "there is no clip of wanted words"),
    ],
)
def test_what_makes_no_sense_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(KwsError, match=message):
        scene(**changes)
