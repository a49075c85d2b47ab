from __future__ import annotations

import numpy as np
import pytest

from kws.synthesis import acoustics

RATE_HZ = 16_000


def tone(length: int, frequency_hz: float = 500.0) -> acoustics.Waveform:
    return np.sin(2 * np.pi * frequency_hz * np.arange(length) / RATE_HZ)


def test_trim_keeps_the_sound_and_a_little_around_it() -> None:
    sound = np.concatenate([np.zeros(3000), tone(4000), np.zeros(5000)])
    assert len(acoustics.trim(sound, RATE_HZ)) == pytest.approx(4000 + 2 * 128, abs=16)
    assert not len(acoustics.trim(np.full(4000, 1e-4), RATE_HZ))
    assert not len(acoustics.trim(np.zeros(0), RATE_HZ))


def test_resample_keeps_pitch_and_level() -> None:
    native = np.rint(16384 * np.sin(2 * np.pi * 500 * np.arange(22050) / 22050)).astype(np.int16)
    sound = acoustics.resample(native, 22050, RATE_HZ)
    assert len(sound) == RATE_HZ
    np.testing.assert_allclose(sound[500:-500], 0.5 * tone(RATE_HZ)[500:-500], atol=2e-3)


@pytest.mark.parametrize("length", [1, 8000, 16000 - 2 * 480])
def test_a_recording_holds_all_of_the_speech(length: int) -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        clip = acoustics.record(tone(length), RATE_HZ, RATE_HZ, rng, np.zeros(RATE_HZ), room_probability=0)
        assert clip.shape == (RATE_HZ,)
        assert np.abs(clip).max() <= 1
        assert np.abs(clip[:200]).max() < 0.01


def test_level_and_floor_of_a_recording() -> None:
    rng = np.random.default_rng(0)
    noise = acoustics.coloured_noise(2 * RATE_HZ, 0.5, rng)
    clip = acoustics.record(
        tone(4000), RATE_HZ, RATE_HZ, rng, noise, room_probability=1, noise_floor_db=(-60, -60), level_db=(-20, -20)
    )
    quiet = min(np.sqrt(np.mean(piece**2)) for piece in clip.reshape(20, -1))
    assert 20 * np.log10(quiet) == pytest.approx(-60, abs=3)
    assert 20 * np.log10(np.abs(clip).max()) == pytest.approx(-17, abs=3)


def test_the_room_rings_on() -> None:
    dry, wet = (
        acoustics.record(tone(4000), RATE_HZ, RATE_HZ, np.random.default_rng(1), np.zeros(RATE_HZ), room_probability=share)
        for share in (0.0, 1.0)
    )
    assert (np.abs(wet) > 1e-4).sum() > (np.abs(dry) > 1e-4).sum() + 1000


@pytest.mark.parametrize(("tilt", "slope_db"), [(0.0, 0.0), (0.5, -3.01), (1.0, -6.02)])
def test_the_colour_of_noise(tilt: float, slope_db: float) -> None:
    noise = acoustics.coloured_noise(2**18, tilt, np.random.default_rng(0))
    power = np.abs(np.fft.rfft(noise)) ** 2
    octaves = [10 * np.log10(power[2**n : 2 ** (n + 1)].mean()) for n in range(9, 17)]
    assert np.polyfit(range(8), octaves, 1)[0] == pytest.approx(slope_db, abs=0.2)
    assert np.sqrt(np.mean(noise**2)) == pytest.approx(1)


def test_hum_clatter_and_babble_have_unit_level() -> None:
    rng = np.random.default_rng(0)
    noises = [acoustics.hum(RATE_HZ, RATE_HZ, rng), acoustics.clatter(RATE_HZ, RATE_HZ, rng)]
    noises.append(acoustics.babble([tone(RATE_HZ), 0.01 * tone(RATE_HZ, 300)]))
    assert [np.sqrt(np.mean(noise**2)) for noise in noises] == pytest.approx([1, 1, 1])
    assert np.isfinite(acoustics.babble([np.zeros(100)])).all()
