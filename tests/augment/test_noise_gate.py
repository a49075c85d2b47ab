"""Exact zeros around a word, as noise gates leave it: where they begin, how many clips have them, and what stays."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from sounds import bank_of, none, seeded
from torch import Tensor

from kws.augment.augment import Augment, BackgroundNoise, NoiseGate
from kws.errors import KwsError

RATE = 16000


def noisy_word(start: int, end: int, level: float = 0.3, noise: float = 1e-3) -> Tensor:
    """A clip of 1 s with a tone between two samples, in noise."""
    clip = noise * torch.randn(RATE, generator=seeded(start))
    clip[start:end] += level * torch.sin(torch.arange(end - start) * 0.3)
    return clip


@pytest.mark.parametrize(("start", "end"), [(4000, 9600), (0, 8000), (11200, RATE), (0, RATE)])
@pytest.mark.parametrize("level", [0.02, 0.9])
def test_zeros_before_and_after_the_word_and_the_word_as_it_was(start: int, end: int, level: float) -> None:
    clip = noisy_word(start, end, level, 1e-5)
    (gated,) = NoiseGate(1, [-30, -30], hold_ms=0)(clip[None], none(1), seeded())
    assert torch.equal(gated[start:end], clip[start:end])
    # The gate goes by 10 ms.
    assert not gated[: max(0, start - 160)].any()
    assert not gated[end + 160 :].any()


def test_a_pause_in_the_word_stays() -> None:
    clip = noisy_word(3000, 5000) + noisy_word(9000, 11000)
    (gated,) = NoiseGate(1, [-30, -30], hold_ms=0)(clip[None], none(1), seeded())
    assert torch.equal(gated[3000:11000], clip[3000:11000])


def test_the_gate_stays_open_for_up_to_its_hold() -> None:
    clips = noisy_word(4800, 9600)[None].expand(400, -1)
    gated = NoiseGate(1, [-30, -30], hold_ms=100)(clips, none(400), seeded())
    before = 4800 - (gated != 0).int().argmax(dim=1)
    after = RATE - 9600 - (gated.flip(1) != 0).int().argmax(dim=1)
    assert before.min() < 60
    assert 1540 < before.max() <= 1600
    assert ((before - after).abs() <= 2).all()


def test_the_threshold_is_drawn_from_its_range() -> None:
    # 100 ms at -40 dB, then the word, then 100 ms at -10 dB.
    clip = torch.zeros(RATE)
    for start, end, level_db in ((4800, 6400, -40), (6400, 9600, 0), (9600, 11200, -10)):
        clip[start:end] = 10 ** (level_db / 20)
    gated = NoiseGate(1, [-60, -20], hold_ms=0)(clip[None].expand(2000, -1), none(2000), seeded())
    assert (gated[:, 9600:11200] != 0).all()
    assert float((gated[:, 4800] != 0).float().mean()) == pytest.approx(0.5, abs=5 * 0.5 / 2000**0.5)


@pytest.mark.parametrize("probability", [0.3, 1])
def test_so_many_clips_are_gated_and_of_silence_clips_nothing_is_left(probability: float) -> None:
    clips = noisy_word(4800, 9600, noise=1e-5)[None].expand(2000, -1)
    silent = torch.arange(2000) % 2 == 0
    gated = NoiseGate(probability)(clips, silent, seeded())
    changed = (gated != clips).any(dim=1)
    for kind in (silent, ~silent):
        assert float(changed[kind].float().mean()) == pytest.approx(probability, abs=5 * 0.5 / 1000**0.5)
    assert not gated[changed & silent].any()
    assert (gated[changed & ~silent] != 0).any(dim=1).all()


def test_digital_silence_stays_what_it_is_and_nothing_is_drawn_at_0() -> None:
    clips = torch.zeros(3, RATE)
    assert torch.equal(NoiseGate(1)(clips, none(3), seeded()), clips)
    state, clip = seeded(), noisy_word(4800, 9600)[None]
    assert NoiseGate(0)(clip, none(1), state) is clip
    assert torch.equal(state.get_state(), seeded().get_state())


def test_clips_shorter_than_a_frame_and_of_no_whole_number_of_frames() -> None:
    for samples in (1, 7, 161, 1999):
        clip = torch.ones(2, samples)
        assert torch.equal(NoiseGate(1)(clip, none(2), seeded()), clip)


def test_it_comes_after_the_noise() -> None:
    clips = torch.zeros(40, RATE, dtype=torch.int16)
    clips[:20, 6000:9000] = 9000
    silent = torch.arange(40) >= 20
    bank = bank_of(torch.randint(-90, 90, (3 * RATE,), generator=seeded(5)))
    augment = Augment(noise=BackgroundNoise(1, 0.1), gate=NoiseGate(1, hold_ms=50))
    gated = augment(clips, silent, bank, seeded())
    assert not gated[:, :5000].any()
    assert not gated[:, 10000:].any()
    assert not gated[silent].any()
    assert torch.equal(gated, augment(clips, silent, bank, seeded()))
    assert not torch.equal(gated, augment(clips, silent, bank, seeded(1)))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"probability": 1.5}, r"augment\.gate\.probability: 1\.5 is no probability; give 0 to 1"),
        ({"threshold_db": [-20, -45]}, r"augment\.gate\.threshold_db: \[-20, -45\] given; two levels of at most 0 dB expected"),
        ({"threshold_db": [-20, 5]}, r"augment\.gate\.threshold_db: \[-20, 5\] given"),
        ({"threshold_db": [-20]}, r"augment\.gate\.threshold_db: \[-20\] given"),
        ({"hold_ms": -1}, r"augment\.gate\.hold_ms: -1 makes no sense; give a number of at least 0"),
        ({"hold_ms": float("nan")}, r"augment\.gate\.hold_ms: nan"),
    ],
)
def test_settings_that_make_no_sense_are_named(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(KwsError, match=said):
        NoiseGate(**settings)
