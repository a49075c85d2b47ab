"""Background noise by signal-to-noise ratio, and the loudness that it goes by."""

from __future__ import annotations

import pytest
import torch
from sounds import bank_of, none, seeded
from torch import Tensor

from kws.augment.augment import BackgroundNoise, SnrNoise
from kws.augment.loudness import speech_middle, speech_rms
from kws.errors import KwsError

RATE = 16000


def word(start: int, length: int, level: float = 0.1) -> Tensor:
    """A clip of 1 s with a tone of an RMS, at a place."""
    clip = torch.zeros(RATE)
    clip[start : start + length] = level * 2**0.5 * torch.sin(torch.arange(length) * 0.3)
    return clip


def white(samples: int, level: float, seed: int = 0) -> Tensor:
    return 32768 * level * torch.randn(samples, generator=seeded(seed))


@pytest.mark.parametrize(("start", "length"), [(0, 4800), (3000, 6400), (9000, 7000), (0, RATE)])
def test_the_level_of_speech_is_that_of_its_loudest_part(start: int, length: int) -> None:
    clips = torch.stack([word(start, length), word(start, length, 0.4)])
    assert speech_rms(clips, RATE).tolist() == pytest.approx([0.1, 0.4], rel=0.05)


def test_clips_shorter_than_that_have_their_own_level() -> None:
    assert float(speech_rms(torch.full((1, 800), 0.2), RATE)) == pytest.approx(0.2)
    assert float(speech_rms(torch.full((1, 3), 0.2), RATE)) == pytest.approx(0.2)


def test_the_middle_of_speech_is_where_half_its_energy_has_passed() -> None:
    noise = 0.02 * torch.randn(3, RATE, generator=seeded())
    clips = torch.stack([word(2000, 6400), word(8000, 4000), word(2000, 4000) + word(6000, 1000, 0.3)]) + noise
    # The third: 40 units of energy in 4000 samples, then 90 in 1000: half has passed 278 samples after the loud part begins.
    assert speech_middle(clips, RATE).tolist() == pytest.approx([5200, 10000, 6278], abs=170)


@pytest.mark.parametrize("level", [0.01, 0.3])
def test_the_ratio_is_drawn_from_its_range_whatever_the_noise(level: float) -> None:
    clips = torch.stack([word(4000, 6400, 0.02 * (1 + row % 5)) for row in range(400)])
    noisy = SnrNoise(probability=1, snr_db=[5, 20])(clips, none(400), bank_of(white(40000, level)), seeded())
    ratio_db = 20 * (speech_rms(clips, RATE) / (noisy - clips).square().mean(dim=1).sqrt()).log10()
    assert ratio_db.min() == pytest.approx(5, abs=0.3)
    assert ratio_db.max() == pytest.approx(20, abs=0.3)
    assert float(ratio_db.mean()) == pytest.approx(12.5, abs=5 * 15 / (12 * 400) ** 0.5)


@pytest.mark.parametrize("probability", [0, 0.4, 1])
def test_so_many_clips_have_noise(probability: float) -> None:
    clips = word(4000, 6400)[None].expand(2000, -1)
    noisy = SnrNoise(probability)(clips, none(2000), bank_of(white(20000, 0.1)), seeded())
    share = float((noisy != clips).any(dim=1).float().mean())
    assert share == pytest.approx(probability, abs=5 * (probability * (1 - probability) / 2000) ** 0.5)


def test_silence_is_what_it_is_by_volume() -> None:
    bank, clips = bank_of(white(20000, 0.1)), torch.zeros(50, RATE)
    silent = torch.ones(50, dtype=torch.bool)
    by_ratio, by_volume = (noise(clips, silent, bank, seeded(3)) for noise in (SnrNoise(), BackgroundNoise()))
    torch.testing.assert_close(by_ratio, by_volume)
    assert (by_ratio != 0).any(dim=1).all()


def test_digital_silence_stays_finite() -> None:
    clips = torch.stack([torch.zeros(RATE), word(4000, 6400)])
    noisy = SnrNoise(1, [-10, -10])(clips, none(2), bank_of(torch.zeros(20000)), seeded())
    assert torch.equal(noisy, clips)


def test_the_sum_is_clipped() -> None:
    noisy = SnrNoise(1, [-20, -20])(word(0, RATE, 0.5)[None], none(1), bank_of(white(20000, 0.1)), seeded())
    assert (noisy.min(), noisy.max()) == (-1, 1)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"probability": 1.5}, r"augment\.noise\.probability: 1\.5 is no probability"),
        ({"snr_db": [10, 0]}, r"augment\.noise\.snr_db: \[10, 0\] given; two numbers expected"),
        ({"snr_db": [10]}, r"augment\.noise\.snr_db: \[10\] given"),
        ({"snr_db": [0, float("nan")]}, r"augment\.noise\.snr_db: \[0, nan\] given"),
    ],
)
def test_settings_that_make_no_sense_are_named(settings: dict[str, object], said: str) -> None:
    with pytest.raises(KwsError, match=said):
        SnrNoise(**settings)  # type: ignore[arg-type]
