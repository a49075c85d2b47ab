"""Speed, tempo and pitch: tones keep or change their frequency, and events their time, as they should."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sounds import as_batch, speech
from torch import Generator, Tensor

from kws.augment.augment import PitchShift, Speed, TimeStretch
from kws.augment.time_stretch import overlap_add_stretch, resample_about_middle, shift_pitch

RATE_HZ = 16000
FACTORS = torch.tensor([0.7, 0.85, 0.95, 1.0, 1.1, 1.25, 1.5])


def tone(hz: float, batch: int) -> Tensor:
    return (0.5 * torch.sin(2 * torch.pi * hz * torch.arange(RATE_HZ) / RATE_HZ)).expand(batch, -1)


def frequency_hz(clips: Tensor) -> Tensor:
    """Each clip's strongest frequency, to 0.5 Hz, over its middle half."""
    middle = clips[:, 4000:12000] * torch.hann_window(8000)
    return torch.fft.rfft(middle, 2 * RATE_HZ).abs().argmax(dim=1) / 2


def bursts(places: list[int]) -> Tensor:
    """A clip with a short burst of 1 kHz in each of these places."""
    clip = np.zeros(RATE_HZ)
    for place in places:
        clip[place - 200 : place + 201] = np.sin(2 * np.pi * np.arange(-200, 201) / 16) * np.hanning(401)
    return as_batch(clip)


def centre(clip: Tensor, around: float, reach: int = 1200) -> float:
    """Where the energy lies around a place."""
    low = round(around) - reach
    energy = clip[low : low + 2 * reach].square()
    return low + float((energy * torch.arange(len(energy))).sum() / energy.sum())


def level(clips: Tensor) -> Tensor:
    return clips.square().mean(dim=1).sqrt()


# Speed: tempo and pitch together


@settings(max_examples=60, deadline=None)
@given(samples=st.integers(1, 60), speeds=st.lists(st.floats(0.05, 4), min_size=1, max_size=4))
def test_resampling_is_interpolation_about_the_middle_between_zeros(samples: int, speeds: list[float]) -> None:
    clips = torch.rand(len(speeds), samples, generator=Generator().manual_seed(samples), dtype=torch.float64) + 0.5
    out = resample_about_middle(clips, torch.tensor(speeds, dtype=torch.float64))
    middle = (samples - 1) / 2
    for clip, row, speed in zip(clips.numpy(), out.numpy(), speeds, strict=True):
        places = (np.arange(samples) - middle) * speed + middle
        expected = np.interp(places, np.arange(-1, samples + 1), np.concatenate([[0], clip, [0]]), left=0, right=0)
        np.testing.assert_allclose(row, expected, rtol=0, atol=1e-9)


def test_speed_multiplies_the_frequency() -> None:
    fast = resample_about_middle(tone(1000, len(FACTORS)), FACTORS)
    torch.testing.assert_close(frequency_hz(fast), 1000 * FACTORS, rtol=0, atol=1)


def test_speed_moves_events_about_the_middle() -> None:
    clip = bursts([5000, 8000, 11000])
    for speed in FACTORS.tolist():
        fast = resample_about_middle(clip, torch.tensor([speed]))[0]
        for place in (5000, 8000, 11000):
            expected = 8000 + (place - 8000) / speed
            assert centre(fast, expected) == pytest.approx(expected, abs=2)


# Tempo alone


def test_tempo_leaves_the_frequency() -> None:
    for hz in (180, 700, 2500):
        stretched = overlap_add_stretch(tone(hz, len(FACTORS)), FACTORS)
        torch.testing.assert_close(frequency_hz(stretched), torch.full((len(FACTORS),), float(hz)), rtol=0, atol=2)
        # The pieces are joined in phase: none cancels another.
        torch.testing.assert_close(level(stretched[:, 4000:12000]), level(tone(hz, len(FACTORS))), rtol=0.03, atol=0)


def test_tempo_moves_events_about_the_middle() -> None:
    clip = bursts([5000, 8000, 11000])
    for tempo in FACTORS.tolist():
        stretched = overlap_add_stretch(clip, torch.tensor([tempo]))[0]
        for place in (5000, 8000, 11000):
            # Each piece may come from 128 samples beside its place, and a burst is longer than a piece's half.
            expected = 8000 + (place - 8000) / tempo
            assert centre(stretched, expected) == pytest.approx(expected, abs=256)


def test_the_same_tempo_is_the_same_clip() -> None:
    clips = as_batch(speech(seed=1), speech(seed=2), 0.01 * speech(seed=3), speech(seed=4))
    clips[3, 2000:7000] = 0
    torch.testing.assert_close(overlap_add_stretch(clips, torch.ones(4)), clips, rtol=0, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(samples=st.integers(1, 3000), tempos=st.lists(st.floats(0.1, 5), min_size=1, max_size=3))
def test_clips_of_any_length_keep_it(samples: int, tempos: list[float]) -> None:
    clips = torch.rand(len(tempos), samples, generator=Generator().manual_seed(0)) - 0.5
    for change in (overlap_add_stretch, shift_pitch):
        out = change(clips, torch.tensor(tempos))
        assert out.shape == clips.shape
        assert out.abs().max() <= 1


def test_a_clips_tempo_is_its_own() -> None:
    clips = as_batch(speech(0.5, seed=1), speech(0.5, seed=2))
    together = overlap_add_stretch(clips, torch.tensor([0.8, 1.3]))
    for i, tempo in enumerate((0.8, 1.3)):
        alone = overlap_add_stretch(clips[i : i + 1], torch.tensor([tempo]))
        torch.testing.assert_close(together[i : i + 1], alone, rtol=0, atol=1e-5)


# Pitch alone


def test_pitch_multiplies_the_frequency() -> None:
    for hz in (180, 700, 2000):
        shifted = shift_pitch(tone(hz, len(FACTORS)), FACTORS)
        torch.testing.assert_close(frequency_hz(shifted), hz * FACTORS, rtol=0.002, atol=2)


def test_pitch_leaves_the_tempo_and_the_length() -> None:
    places = [2000, 5000, 8000, 11000, 14000]
    clip = bursts(places)
    for factor in FACTORS.tolist():
        shifted = shift_pitch(clip, torch.tensor([factor]))
        assert shifted.shape == clip.shape
        for place in places:
            assert centre(shifted[0], place) == pytest.approx(place, abs=200)


def test_pitch_keeps_the_clips_ends() -> None:
    shifted = shift_pitch(tone(440, len(FACTORS)), FACTORS)
    for part in (shifted[:, 400:1200], shifted[:, -1200:-400], shifted[:, 4000:12000]):
        torch.testing.assert_close(level(part), level(tone(440, len(FACTORS))), rtol=0.08, atol=0)


# The modules: an even draw for each clip


def spread_evenly(values: Tensor, low: float, high: float) -> bool:
    width = high - low
    inside = bool((values > low - 0.02 * width).all() and (values < high + 0.02 * width).all())
    reached = float(values.min()) < low + 0.15 * width and float(values.max()) > high - 0.15 * width
    return inside and reached and abs(float(values.mean()) - (low + high) / 2) < width * 5 / (12 * len(values)) ** 0.5


def test_speed_is_drawn_evenly() -> None:
    fast = Speed(20)(tone(1000, 60), Generator().manual_seed(1))
    assert spread_evenly(frequency_hz(fast), 800, 1200)


def test_pitch_is_drawn_evenly_in_semitones() -> None:
    shifted = PitchShift(4)(tone(700, 40), Generator().manual_seed(1))
    assert spread_evenly(12 * (frequency_hz(shifted) / 700).log2(), -4, 4)


def test_tempo_is_drawn_evenly() -> None:
    stretched = TimeStretch(20)(bursts([4500, 11500]).expand(40, -1), Generator().manual_seed(1))
    places = torch.arange(8000)
    energy = stretched.square()
    left, right = (half.matmul(places.float()) / half.sum(dim=1) for half in (energy[:, :8000], energy[:, 8000:]))
    tempo = 7000 / (right + 8000 - left)
    assert spread_evenly(tempo, 0.8, 1.2)
