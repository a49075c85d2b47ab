"""Arrays as sound: what comes bit-exact, what is resampled and scaled, and what is refused."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from sounds import speech

from kws.audio.arrays import read_array
from kws.audio.io import read_audio, to_float
from kws.errors import InputError

RATE_HZ = 16_000
SOUND = np.rint(32767 * speech(0.3)).astype(np.int16)


def test_16_bit_sound_comes_bit_exact_as_integers_and_as_float() -> None:
    for samples in (SOUND, to_float(SOUND), to_float(SOUND).astype(np.float64), SOUND[::-1][::-1]):
        np.testing.assert_array_equal(read_array(samples, RATE_HZ, RATE_HZ), SOUND)


@pytest.mark.parametrize("found_hz", [8_000, 44_100, 48_000])
def test_another_rate_is_resampled_as_of_a_file(found_hz: int, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", SOUND, found_hz, subtype="PCM_16")
    expected = read_audio(tmp_path / "a.wav", RATE_HZ)
    np.testing.assert_array_equal(read_array(SOUND, found_hz, RATE_HZ), expected)
    np.testing.assert_array_equal(read_array(to_float(SOUND), found_hz, RATE_HZ), expected)


def test_float_beyond_full_scale_is_scaled_down_and_told(caplog: pytest.LogCaptureFixture) -> None:
    loud = 3 * to_float(SOUND) / abs(to_float(SOUND)).max()
    with caplog.at_level(logging.WARNING):
        scaled = read_array(loud, RATE_HZ, RATE_HZ)
    assert "reach 3 times full scale" in caplog.text
    np.testing.assert_allclose(to_float(scaled), loud / 3, atol=1 / 32768)


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        (np.zeros((2, 100), np.float32), r"samples: shape \(2, 100\) given; one channel"),
        (np.zeros((100, 2), np.int16), r"samples: shape \(100, 2\) given; one channel"),
        (np.float32(0.1), r"samples: shape \(\) given"),
        (np.zeros(0, np.int16), "samples: none given"),
        ([], "samples: none given"),
        (np.zeros(10, np.int32), "samples: int32 given; int16, or float"),
        (np.zeros(10, np.uint8), "samples: uint8 given"),
        (np.zeros(10, bool), "samples: bool given"),
        (np.zeros(10, np.complex64), "samples: complex64 given"),
        (None, "samples: object given"),
        ([[0.1], [0.1, 0.2]], "samples: can't be taken as an array"),
        (np.array([0.1, np.nan]), "samples: NaN or infinite"),
        (np.array([0.1, -np.inf]), "samples: NaN or infinite"),
        (SOUND.astype(np.float32), "samples: float that reaches .* given; float sound lies in -1 to 1"),
    ],
)
def test_what_is_no_sound_is_refused(samples: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_array(samples, RATE_HZ, RATE_HZ)


@pytest.mark.parametrize("found_hz", [0, -16_000, 999, 10**6, 16_000.5, True, "16000", None, float("nan")])
def test_a_rate_that_is_none_is_refused(found_hz: Any) -> None:
    with pytest.raises(InputError, match="sample_rate: "):
        read_array(SOUND, found_hz, RATE_HZ)
