"""Augmentation of batches: each transformation against what it should do, and the same seed giving the same sound."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sounds import as_batch, bank_of, none, seeded, speech
from torch import Generator, Tensor, nn

from kws.augment.augment import (
    Augment,
    BackgroundNoise,
    Gain,
    PitchShift,
    SpecAugment,
    Speed,
    TimeShift,
    TimeStretch,
    to_float,
)
from kws.errors import KwsError

# TimeShift


def shifts_of(clip: Tensor, shifted: Tensor, largest: int) -> list[int]:
    """Every shift within ±largest that turns the one into the other, found by trying all."""
    found = []
    for shift in range(-largest, largest + 1):
        tried = torch.zeros_like(clip)
        for place in range(len(clip)):
            if 0 <= place - shift < len(clip):
                tried[place] = clip[place - shift]
        if torch.equal(tried, shifted):
            found.append(shift)
    return found


@settings(max_examples=30, deadline=None)
@given(
    samples=st.integers(1, 24), shift=st.integers(1, 30), batch=st.integers(1, 5), whole=st.booleans(), seed=st.integers(0, 99)
)
def test_a_clip_is_shifted_with_zeros_at_the_open_end(samples: int, shift: int, batch: int, whole: bool, seed: int) -> None:
    clips = torch.arange(1, batch * samples + 1).view(batch, samples).to(torch.int16 if whole else torch.float32)
    shifted = TimeShift(shift_ms=shift, sample_rate=1000)(clips, seeded(seed))
    assert shifted.dtype == clips.dtype
    for clip, row in zip(clips, shifted, strict=True):
        assert shifts_of(clip, row, shift)


def test_all_shifts_are_equally_likely() -> None:
    clips = torch.arange(1, 9).expand(7000, 8)
    shifted = TimeShift(shift_ms=3, sample_rate=1000)(clips, seeded())
    patterns, counts = shifted.unique(dim=0, return_counts=True)
    shifts = sorted(shift for pattern in patterns for shift in shifts_of(clips[0], pattern, 3))
    assert shifts == [-3, -2, -1, 0, 1, 2, 3]
    # Five deviations of a count of 1000.
    assert (counts - 1000).abs().max() < 5 * (7000 * 1 / 7 * 6 / 7) ** 0.5


def test_the_shift_is_a_time() -> None:
    assert TimeShift().shift == 1600
    assert TimeShift(50, 8000).shift == 400


# Gain


def test_gain_is_even_in_decibels_and_clips() -> None:
    clips = torch.full((4000, 2), 0.01)
    clips[:, 1] = 0.9
    louder = Gain(gain_db=6)(clips, seeded())
    gain_db = 20 * (louder[:, 0] / 0.01).log10()
    assert gain_db.abs().max() <= 6.001
    assert gain_db.max() > 5.98
    assert gain_db.min() < -5.98
    assert float(gain_db.mean()) == pytest.approx(0, abs=5 * 12 / (12 * 4000) ** 0.5)
    torch.testing.assert_close(louder[:, 1], (90 * louder[:, 0]).clamp(max=1))
    assert (clips[:, 0] == 0.01).all()


# All of them


MODULES = [
    TimeShift(20),
    Gain(6),
    Speed(10),
    TimeStretch(10),
    PitchShift(2),
    SpecAugment(time_masks=1, bin_masks=1),
]


def noise_alone(waveform: Tensor, generator: Generator) -> Tensor:
    bank = bank_of(torch.randint(-9000, 9000, (9000,), generator=seeded(5)))
    return BackgroundNoise()(waveform, none(len(waveform)), bank, generator)


@pytest.mark.parametrize("augmentation", [*MODULES, noise_alone], ids=lambda made: getattr(made, "__name__", type(made).__name__))
def test_the_seed_decides(augmentation: Callable[[Tensor, Generator], Tensor]) -> None:
    clips = as_batch(*(speech(0.25, seed=i) for i in range(4)))
    batch = clips.view(4, 100, 40) if isinstance(augmentation, SpecAugment) else clips
    first, again, other = (augmentation(batch, seeded(seed)) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert first.shape == batch.shape
    assert first.dtype == batch.dtype
    changed = (first != other).flatten(1).any(dim=1)
    # Noise is under four clips of five.
    assert changed.any() if augmentation is noise_alone else changed.all()


def test_the_state_of_the_default_generator_is_no_matter() -> None:
    clips = (as_batch(speech(0.25)) * 32768).to(torch.int16).expand(3, -1)
    augment = Augment(TimeShift(), BackgroundNoise(), Gain(3), Speed(5), TimeStretch(5), PitchShift(1), SpecAugment(1, 20, 1, 5))
    bank = bank_of(torch.randint(-9000, 9000, (9000,), generator=seeded(5)))
    made = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        state = torch.get_rng_state()
        generator = seeded(7)
        waveform = augment(clips, none(3), bank, generator)
        made.append((waveform, augment.mask(waveform.view(3, 100, 40), generator)))
        assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(made[0][0], made[1][0])
    assert torch.equal(made[0][1], made[1][1])


def test_what_is_off_changes_nothing() -> None:
    clips = torch.randint(-32768, 32768, (3, 400), generator=seeded()).to(torch.int16)
    before = clips.clone()
    augment = Augment(TimeShift(0), None, Gain(), Speed(), TimeStretch(), PitchShift(), SpecAugment())
    state = seeded()
    waveform = augment(clips, none(3), None, state)
    assert torch.equal(waveform * 32768, clips.float())
    assert waveform.dtype == torch.float32
    features = torch.randn(3, 10, 4)
    assert augment.mask(features, state) is features
    assert Augment().mask(features, state) is features
    assert torch.equal(Augment()(clips, none(3), None, state), waveform)
    # Nor is anything drawn.
    assert torch.equal(state.get_state(), seeded().get_state())
    assert torch.equal(clips, before)


def test_silence_in_a_batch() -> None:
    clips = torch.full((6, 100), 3000, dtype=torch.int16)
    silent = torch.tensor([True, False, True, False, False, False])
    clips[silent] = 0
    bank = bank_of(torch.full((300,), 5000))
    noisy = Augment(TimeShift(), BackgroundNoise(0, 0))(clips, silent, bank, seeded())
    assert (noisy[silent] != 0).all()
    dry = Augment(gain=Gain(6))(clips, silent, bank, seeded())
    assert not dry[silent].any()
    assert (dry[~silent] != 0).all()


def test_integers_become_floats_of_one() -> None:
    assert to_float(torch.tensor([-32768, 0, 16384, 32767], dtype=torch.int16)).tolist() == [-1, 0, 0.5, 32767 / 32768]


@pytest.mark.parametrize(
    ("kind", "setting", "message"),
    [
        (TimeShift, {"shift_ms": -1}, r"augment\.time_shift\.shift_ms: -1 makes no sense; give a number of at least 0"),
        (TimeShift, {"shift_ms": float("nan")}, r"augment\.time_shift\.shift_ms: nan"),
        (BackgroundNoise, {"probability": 1.5}, r"augment\.noise\.probability: 1\.5 is no probability; give 0 to 1"),
        (BackgroundNoise, {"probability": -0.1}, r"augment\.noise\.probability: -0\.1"),
        (BackgroundNoise, {"volume": -0.1}, r"augment\.noise\.volume: -0\.1"),
        (Gain, {"gain_db": -3}, r"augment\.gain\.gain_db: -3"),
        (Speed, {"percent": 100}, r"augment\.speed\.percent: 100 makes no sense; give a number of at least 0 and below 100"),
        (TimeStretch, {"percent": -5}, r"augment\.stretch\.percent: -5"),
        (TimeStretch, {"percent": 100}, r"augment\.stretch\.percent: 100 makes no sense.*below 100"),
        (PitchShift, {"semitones": -2}, r"augment\.pitch\.semitones: -2"),
        (SpecAugment, {"time_masks": -1}, r"augment\.spec_augment\.time_masks: -1"),
        (SpecAugment, {"time_frames": -1}, r"augment\.spec_augment\.time_frames: -1"),
        (SpecAugment, {"bin_masks": -1}, r"augment\.spec_augment\.bin_masks: -1"),
        (SpecAugment, {"bins": -1}, r"augment\.spec_augment\.bins: -1 makes no sense; give a number of at least 0"),
    ],
)
def test_settings_that_make_no_sense(kind: type[nn.Module], setting: dict[str, float], message: str) -> None:
    with pytest.raises(KwsError, match=message):
        kind(**setting)
