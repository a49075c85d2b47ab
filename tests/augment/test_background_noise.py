"""Background noise: which recordings, where from, how often, how loud, and for silence always."""

from __future__ import annotations

import pytest
import torch
from sounds import bank_of, none, seeded
from torch import Tensor

from kws.augment.augment import BackgroundNoise


@pytest.mark.parametrize("samples", [10, 40])
def test_noise_never_crosses_from_one_recording_into_the_next(samples: int) -> None:
    levels = [1000, -3000, 7000, 20000]
    bank = bank_of(*(torch.full((length,), level) for level, length in zip(levels, (40, 41, 55, 300), strict=True)))
    noisy = BackgroundNoise(probability=1, volume=1)(torch.zeros(4000, samples), none(4000), bank, seeded())
    assert torch.equal(noisy, noisy[:, :1].expand_as(noisy))
    # Every recording is drawn as often: the two quiet ones are told from the loud by sign and by size.
    assert float((noisy[:, 0] < 0).float().mean()) == pytest.approx(0.25, abs=0.035)
    assert float((noisy[:, 0] > 7000 / 32768).float().mean()) == pytest.approx(0.25 * (1 - 7 / 20), abs=0.035)


def test_every_segment_is_reached() -> None:
    bank = bank_of(torch.arange(100, 100 + 13 * 100, 100))
    noisy = BackgroundNoise(1, 1)(torch.zeros(3000, 8), none(3000), bank, seeded()).double()
    step = noisy[:, 1] - noisy[:, 0]
    start = (noisy[:, 0] / step).round().long() - 1
    counts = start.bincount()
    assert len(counts) == 13 - 8 + 1
    assert (counts - 500).abs().max() < 5 * (3000 / 6 * 5 / 6) ** 0.5
    torch.testing.assert_close(noisy, step[:, None] * (start[:, None] + torch.arange(1, 9)), rtol=1e-5, atol=1e-7)


def volumes(augmentation: BackgroundNoise, silent: Tensor) -> Tensor:
    bank = bank_of(torch.full((500,), 16384))
    return augmentation(torch.zeros(len(silent), 20), silent, bank, seeded())[:, 0] * 2


@pytest.mark.parametrize("probability", [0, 0.3, 0.8, 1])
def test_so_many_clips_have_noise(probability: float) -> None:
    drawn = volumes(BackgroundNoise(probability, 0.1), none(5000))
    share = float((drawn != 0).float().mean())
    assert share == pytest.approx(probability, abs=5 * (probability * (1 - probability) / 5000) ** 0.5 + 1e-3 * probability)
    loud = drawn[drawn != 0]
    if probability:
        assert 0 < loud.min() < 0.001
        assert 0.099 < loud.max() < 0.1
        assert float(loud.mean()) == pytest.approx(0.05, abs=5 * 0.1 / (12 * len(loud)) ** 0.5)


@pytest.mark.parametrize(("probability", "volume"), [(0, 0), (0.8, 0.1)])
def test_silence_always_has_noise_of_any_volume(probability: float, volume: float) -> None:
    silent = torch.arange(8000) % 2 == 0
    drawn = volumes(BackgroundNoise(probability, volume), silent)
    assert (drawn[~silent] <= volume).all()
    loud = drawn[silent]
    assert (loud != 0).float().mean() > 0.999
    assert loud.max() < 1
    assert loud.max() > 0.998
    assert loud.min() < 0.002
    assert float(loud.mean()) == pytest.approx(0.5, abs=5 / (12 * 4000) ** 0.5)


def test_noise_is_added_and_the_sum_clipped() -> None:
    clips = torch.full((200, 4), 0.9)
    clips[:, 1] = -0.9
    before = clips.clone()
    noisy = BackgroundNoise(1, 1)(clips, none(200), bank_of(torch.full((4,), 32767)), seeded())
    volume = noisy[:, 1] + 0.9
    torch.testing.assert_close(noisy[:, 0], (0.9 + volume).clamp(max=1))
    assert (noisy[:, 0] == 1).any()
    assert (volume > 0.5).any()
    assert torch.equal(clips, before)
    low = BackgroundNoise(1, 1)(clips, none(200), bank_of(torch.full((4,), -32768)), seeded())
    assert low[:, 1].min() == -1


def test_a_bank_moves_to_a_device() -> None:
    bank = bank_of(torch.arange(5)).to(torch.device("meta"))
    assert {part.device.type for part in (bank.samples, bank.starts, bank.lengths)} == {"meta"}
