"""Sound files that can't be used: each is refused by name, with what was found."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from kws.audio.io import AudioError, read_audio
from kws.errors import KwsError

RATE_HZ = 16_000


@pytest.fixture
def samples() -> NDArray[np.int16]:
    return np.random.default_rng(1).integers(-32768, 32768, 1000).astype(np.int16)


def refusal(path: Path, resample: bool = True) -> str:
    with pytest.raises(AudioError) as caught:
        read_audio(path, RATE_HZ, resample=resample)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_another_rate_is_refused_where_set(tmp_path: Path, samples: NDArray[np.int16]) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, samples, 8_000)
    message = refusal(path, resample=False)
    assert "8000 Hz" in message
    assert "16000 Hz" in message
    assert "resample" in message


@pytest.mark.parametrize("sample_rate", [1, 4_000_000])
def test_absurd_rate(tmp_path: Path, samples: NDArray[np.int16], sample_rate: int) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, samples, sample_rate)
    assert f"{sample_rate} Hz" in refusal(path)


def test_truncated(tmp_path: Path, samples: NDArray[np.int16]) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, samples, RATE_HZ)
    path.write_bytes(path.read_bytes()[:1044])
    message = refusal(path)
    assert "truncated" in message
    assert "2000 bytes" in message
    assert "1000 are there" in message


def test_truncated_stereo(tmp_path: Path, samples: NDArray[np.int16]) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, samples.reshape(-1, 2), RATE_HZ, subtype="PCM_24")
    path.write_bytes(path.read_bytes()[:-1])
    assert "truncated" in refusal(path)


def test_truncated_in_the_header(tmp_path: Path, samples: NDArray[np.int16]) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, samples, RATE_HZ)
    whole = path.read_bytes()
    for length in (1, 11, 12, 20, 36, 40):
        path.write_bytes(whole[:length])
        assert "can't be read as sound" in refusal(path)


def test_truncated_flac(tmp_path: Path, samples: NDArray[np.int16]) -> None:
    path = tmp_path / "a.flac"
    soundfile.write(path, samples, RATE_HZ)
    path.write_bytes(path.read_bytes()[:-300])
    assert "can't be read as sound" in refusal(path)


@pytest.mark.parametrize("suffix", ["wav", "aiff", "au"])
def test_no_frames(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, np.empty(0, np.int16), RATE_HZ)
    assert "0 frames" in refusal(path)


def test_no_frames_and_a_chunk_behind(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    fmt = struct.pack("<IHHIIHH", 16, 1, 1, RATE_HZ, 2 * RATE_HZ, 2, 16)
    chunks = b"WAVEfmt " + fmt + b"data\0\0\0\0" + b"LIST\4\0\0\0abcd"
    path.write_bytes(b"RIFF" + struct.pack("<I", len(chunks)) + chunks)
    assert "0 frames" in refusal(path)


def test_no_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.touch()
    assert "is empty (0 bytes)" in refusal(path)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.raw", "a"])
def test_text_under_the_name_of_sound(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("this is no sound\n" * 20)
    assert "can't be read as sound" in refusal(path)


def test_missing_and_folder(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "none.wav")
    assert "directory" in refusal(tmp_path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_not_finite(tmp_path: Path, value: float) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.array([0.0, value, 0.0]), RATE_HZ, subtype="FLOAT")
    assert "NaN or infinite" in refusal(path)


def test_float_in_units_of_int16(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.array([0.0, 20_000.0]), RATE_HZ, subtype="FLOAT")
    assert "reach 20000" in refusal(path)


def test_the_error_is_one_the_user_can_mend() -> None:
    assert issubclass(AudioError, KwsError)
