"""Test streams: what is said is where the truth says, and nothing else is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kws.errors import KwsError
from kws.streaming.scenes import ClipSource, Scene, SceneSettings, make_scene

RATE_HZ, CLIP = 1000, 1000
NOISE = [np.random.default_rng(seed).integers(-9000, 9000, 4000).astype(np.int16) for seed in (1, 2)]


def clip(index: int) -> np.ndarray[Any, np.dtype[np.int16]]:
    """A clip that is one value all through, shorter for odd numbers."""
    return np.full(CLIP if index % 2 == 0 else CLIP // 2, 1000 * (index + 1), np.int16)


SOURCE = ClipSource([0, 1, 2, 3], [4, 5], lambda index: ("yes", "no")[index % 2], clip)


def scene(**changes: Any) -> Scene:
    return make_scene(SceneSettings(**{"minutes": 1.0, **changes}), RATE_HZ, CLIP, SOURCE, NOISE)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.floats(1.0, 9.0), st.floats(0.05, 2.0))
def test_words_lie_in_their_slots_and_never_overlap(seed: int, interval_s: float, minutes: float) -> None:
    made = scene(seed=seed, interval_s=interval_s, minutes=minutes)
    assert len(made.samples) == round(60 * minutes * RATE_HZ)
    assert made.samples.dtype == np.int16
    slot_ms = round(interval_s * RATE_HZ)
    assert len(made.truth) == len(made.samples) // slot_ms
    for number, word in enumerate(made.truth):
        assert number * slot_ms <= word.time_ms <= (number + 1) * slot_ms - CLIP


def test_the_words_are_heard_at_their_times() -> None:
    made = scene(background_volume=0.0)
    rest = made.samples.astype(np.int32)
    for word, index in zip(made.truth, made.clips, strict=True):
        sound = clip(index)
        np.testing.assert_array_equal(rest[word.time_ms : word.time_ms + len(sound)], sound)
        rest[word.time_ms : word.time_ms + len(sound)] = 0
        assert word.label == ("_unknown_" if index in SOURCE.unknown else SOURCE.labels(index))
    assert not rest.any()


def test_a_seed_decides_all() -> None:
    first, again, other = scene(seed=5), scene(seed=5), scene(seed=6)
    assert first.truth == again.truth != other.truth
    np.testing.assert_array_equal(first.samples, again.samples)


@pytest.mark.parametrize("snr_db", [-5.0, 0.0, 12.0, 30.0])
def test_the_noise_is_as_loud_as_asked(snr_db: float) -> None:
    made = scene(snr_db=snr_db, minutes=3)
    assert 20 * np.log10(made.parts_rms["words"] / made.parts_rms["noise"]) == pytest.approx(snr_db, abs=1e-3)
    if snr_db >= 0:  # below, the sum saturates
        quiet = scene(minutes=3, background_volume=0.0)
        noise = made.samples.astype(float) - quiet.samples
        assert np.sqrt(np.mean(np.square(noise))) / 32768 == pytest.approx(made.parts_rms["noise"], rel=0.05)


def test_noise_goes_on_through_the_whole_stream() -> None:
    noise = scene(no_words=True, minutes=2).samples
    assert scene(no_words=True).truth == ()
    assert min(np.abs(noise[first : first + 500]).max() for first in range(500, len(noise), 500)) > 0


@pytest.mark.parametrize(("percentage", "expected"), [(0, set("0123")), (100, set("45"))])
def test_only_wanted_or_only_other_words(percentage: float, expected: set[str]) -> None:
    assert {str(index) for index in scene(unknown_percentage=percentage, minutes=5).clips} == expected


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"minutes": 0}, "minutes: 0 given"),
        ({"minutes": float("nan")}, "minutes: nan given"),
        ({"interval_s": -1}, "interval_s: -1 given"),
        ({"interval_s": 0.5}, "interval_s: 0.5 s is less than a clip of 1 s"),
        ({"unknown_percentage": 101}, "unknown_percentage: 101 given"),
        ({"background_volume": 2}, "background_volume: 2 given"),
        ({"snr_db": float("inf")}, "snr_db: inf given"),
    ],
)
def test_what_makes_no_sense_is_named(changes: dict[str, float], message: str) -> None:
    with pytest.raises(KwsError, match=message):
        scene(**changes)


def test_missing_sound_is_named() -> None:
    with pytest.raises(KwsError, match=r"recordings of at least 1\.5 s are needed"):
        make_scene(SceneSettings(), RATE_HZ, CLIP, SOURCE, [NOISE[0][:1000]])
    with pytest.raises(KwsError, match="there is no clip of other words"):
        make_scene(SceneSettings(), RATE_HZ, CLIP, ClipSource([0], [], SOURCE.labels, clip), NOISE)
