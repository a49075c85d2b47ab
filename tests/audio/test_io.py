"""Sound files: what is read, bit for bit, and what is written."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from kws.audio.io import AudioError, find_audio, fit_length, read_audio, to_float, to_int16, write_wav

RATE_HZ = 16_000
clips = hnp.arrays(np.int16, st.integers(1, 400))


@pytest.fixture
def samples() -> NDArray[np.int16]:
    return np.random.default_rng(1).integers(-32768, 32768, 1000).astype(np.int16)


def sine(sample_rate: int, hz: float = 440.0, seconds: float = 0.5) -> NDArray[np.float64]:
    return 0.5 * np.sin(2 * np.pi * hz * np.arange(round(sample_rate * seconds)) / sample_rate)


def wav_bytes(samples: NDArray[np.int16], riff: int | None = None, data: int | None = None, order: str = "<") -> bytes:
    """A WAV file whose two sizes may lie."""
    body = samples.astype(order + "i2").tobytes()
    fmt = struct.pack(order + "IHHIIHH", 16, 1, 1, RATE_HZ, 2 * RATE_HZ, 2, 16)
    head = b"WAVEfmt " + fmt + b"data" + struct.pack(order + "I", len(body) if data is None else data)
    size = struct.pack(order + "I", len(head) + len(body) if riff is None else riff)
    return (b"RIFF" if order == "<" else b"RIFX") + size + head + body


# What is read


@pytest.mark.parametrize(
    ("suffix", "subtype"),
    [("wav", "PCM_16"), ("wav", "PCM_24"), ("wav", "PCM_32"), ("flac", "PCM_16"), ("flac", "PCM_24"), ("aiff", "PCM_16")],
)
def test_sixteen_bits_come_back_exactly(tmp_path: Path, samples: NDArray[np.int16], suffix: str, subtype: str) -> None:
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, samples, RATE_HZ, subtype=subtype)
    read = read_audio(path, RATE_HZ)
    assert read.dtype == np.int16
    np.testing.assert_array_equal(read, samples)


@pytest.mark.parametrize(
    ("container", "subtype"), [("WAVEX", "PCM_16"), ("RF64", "PCM_16"), ("RF64", "PCM_24"), ("W64", "PCM_16")]
)
def test_other_wav_containers(tmp_path: Path, samples: NDArray[np.int16], container: str, subtype: str) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, samples, RATE_HZ, format=container, subtype=subtype)
    np.testing.assert_array_equal(read_audio(str(path), RATE_HZ), samples)


def test_big_endian_wav(tmp_path: Path, samples: NDArray[np.int16]) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav_bytes(samples, order=">"))
    np.testing.assert_array_equal(read_audio(path, RATE_HZ), samples)


def test_chunks_before_and_after_the_sound_are_passed_over(tmp_path: Path, samples: NDArray[np.int16]) -> None:
    plain = wav_bytes(samples)
    odd = b"LIST" + struct.pack("<I", 5) + b"hello\0"
    path = tmp_path / "a.wav"
    path.write_bytes(plain[:12] + odd + plain[12:] + odd)
    np.testing.assert_array_equal(read_audio(path, RATE_HZ), samples)


def test_eight_bits(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.array([-1.0, -0.5, 0.0, 0.5]), RATE_HZ, subtype="PCM_U8")
    np.testing.assert_array_equal(read_audio(path, RATE_HZ), [-32768, -16384, 0, 16384])


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_float_beyond_full_scale_is_scaled_down_to_it(tmp_path: Path, subtype: str) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.array([-3.0, -1.0, 0.0, 100.4 / 32768, 1.0, 2.5]), RATE_HZ, subtype=subtype)
    np.testing.assert_array_equal(read_audio(path, RATE_HZ), [-32768, -10923, 0, 33, 10923, 27307])


def test_stereo_is_averaged(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.array([[1000, 3000], [-32768, -32768], [0, 10]], np.int16), RATE_HZ)
    np.testing.assert_array_equal(read_audio(path, RATE_HZ), [2000, -32768, 5])


@pytest.mark.parametrize("suffix", ["ogg", "mp3"])
def test_lossy_formats(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, sine(RATE_HZ), RATE_HZ)
    np.testing.assert_allclose(to_float(read_audio(path, RATE_HZ))[2000:6000], sine(RATE_HZ)[2000:6000], atol=0.05)


@pytest.mark.parametrize("sample_rate", [8_000, 11_025, 22_050, 44_100, 48_000])
def test_another_rate_is_resampled(tmp_path: Path, sample_rate: int) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, sine(sample_rate), sample_rate)
    read = to_float(read_audio(path, RATE_HZ))
    assert abs(read.size - RATE_HZ // 2) <= 1
    np.testing.assert_allclose(read[500:7000], sine(RATE_HZ)[500:7000], atol=2e-3)


@pytest.mark.parametrize("size", [0, 0x7FFFFFFF, 0x7FFFF000, 0x80000000, 0xFFFFFFFF])
@pytest.mark.parametrize("riff", [0, 0x7FFFFFFF, 0xFFFFFFFF])
def test_wav_of_unknown_length_from_a_pipe(tmp_path: Path, samples: NDArray[np.int16], riff: int, size: int) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav_bytes(samples, riff, size))
    np.testing.assert_array_equal(read_audio(path, RATE_HZ), samples)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
def test_stereo_of_unknown_length(tmp_path: Path, samples: NDArray[np.int16], subtype: str, size: int) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.stack([samples, samples], axis=1), RATE_HZ, subtype=subtype)
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, 4, size)
    struct.pack_into("<I", content, content.index(b"data") + 4, size)
    path.write_bytes(content)
    np.testing.assert_array_equal(read_audio(path, RATE_HZ), samples)


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes on Linux only")
def test_name_that_is_not_utf8(tmp_path: Path, samples: NDArray[np.int16]) -> None:
    path = tmp_path / "caf\udce9.flac"
    soundfile.write(tmp_path / "a.flac", samples, RATE_HZ)
    (tmp_path / "a.flac").rename(path)
    np.testing.assert_array_equal(read_audio(path, RATE_HZ), samples)


# Writing, laws, folders


@given(clips)
def test_int16_to_float_and_back_is_exact(samples: NDArray[np.int16]) -> None:
    waveform = to_float(samples)
    assert waveform.dtype == np.float32
    assert waveform.min() >= -1
    assert waveform.max() < 1
    np.testing.assert_array_equal(to_int16(waveform), samples)


@given(hnp.arrays(np.float32, st.integers(0, 50), elements=st.floats(-(2.0**99), 2.0**99, width=32)))
def test_to_int16_rounds_and_clips(waveform: NDArray[np.float32]) -> None:
    expected = np.clip(np.rint(waveform.astype(np.float64) * 32768), -32768, 32767)
    np.testing.assert_array_equal(to_int16(waveform), expected)


def test_to_int16_refuses_nan() -> None:
    with pytest.raises(AudioError, match="NaN"):
        to_int16(np.array([np.nan], np.float32))


@given(hnp.arrays(np.int16, hnp.array_shapes(max_dims=2, min_side=0, max_side=30)), st.integers(0, 60))
def test_fit_length_cuts_or_pads_the_end(samples: NDArray[np.int16], length: int) -> None:
    fitted = fit_length(samples, length)
    common = min(length, samples.shape[-1])
    assert fitted.shape == (*samples.shape[:-1], length)
    assert fitted.dtype == samples.dtype
    np.testing.assert_array_equal(fitted[..., :common], samples[..., :common])
    assert not fitted[..., common:].any()


@given(samples=clips, sample_rate=st.sampled_from([8_000, 16_000, 44_100]))
def test_written_and_read(tmp_path_factory: pytest.TempPathFactory, samples: NDArray[np.int16], sample_rate: int) -> None:
    path = tmp_path_factory.mktemp("wav") / "a.wav"
    write_wav(path, samples, sample_rate)
    np.testing.assert_array_equal(read_audio(path, sample_rate, resample=False), samples)
    info = soundfile.info(path)
    assert (info.samplerate, info.frames, info.subtype) == (sample_rate, samples.size, "PCM_16")


def test_writing_leaves_nothing_else(tmp_path: Path, samples: NDArray[np.int16]) -> None:
    write_wav(tmp_path / "a.wav", samples[:10], RATE_HZ)
    write_wav(str(tmp_path / "a.wav"), samples, RATE_HZ)
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]
    assert (tmp_path / "a.wav").read_bytes() == wav_bytes(samples)


def test_failed_writing(tmp_path: Path, samples: NDArray[np.int16]) -> None:
    with pytest.raises(AudioError, match=r"none/a\.wav: can't be written"):
        write_wav(tmp_path / "none" / "a.wav", samples, RATE_HZ)
    (tmp_path / "folder.wav").mkdir()
    with pytest.raises(AudioError, match=r"folder\.wav"):
        write_wav(tmp_path / "folder.wav", samples, RATE_HZ)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.wav"]
    (tmp_path / "file").touch()
    with pytest.raises(AudioError, match="Not a directory"):
        write_wav(tmp_path / "file" / "a.wav", samples, RATE_HZ)
    with pytest.raises(TypeError, match="float32"):
        write_wav(tmp_path / "a.wav", to_float(samples), RATE_HZ)  # type: ignore[arg-type]


def test_find_audio(tmp_path: Path) -> None:
    for name in ("b.WAV", "a.flac", "c.opus", ".hidden.wav", "._a.flac", "notes.txt", "wav"):
        (tmp_path / name).touch()
    (tmp_path / "folder.wav").mkdir()
    assert [path.name for path in find_audio(tmp_path)] == ["a.flac", "b.WAV", "c.opus"]
    with pytest.raises(AudioError, match="none: can't be listed"):
        find_audio(tmp_path / "none")


def test_no_torch_and_no_scipy_are_imported() -> None:
    code = "import sys, kws.audio.io; sys.exit(any(name in sys.modules for name in ('torch', 'scipy')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
