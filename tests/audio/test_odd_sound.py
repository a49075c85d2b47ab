"""Sound files that recorders and editors write otherwise than they should: read whole, scaled or by one channel, and said."""

from __future__ import annotations

import logging
import os
import struct
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from kws.audio import io as audio
from kws.audio.cutting import fit_clip
from kws.audio.io import AudioError, read_audio, read_sound_file, write_wav
from kws.audio.long_recording import read_sound
from kws.data.corpus import open_corpus
from kws.errors import KwsError

RATE_HZ = 16_000


@pytest.fixture
def samples() -> NDArray[np.int16]:
    return np.random.default_rng(1).integers(-9000, 9000, 16_000).astype(np.int16)


def with_data_size(path: Path, more: int, riff_more: int = 0) -> None:
    """Let the header of a plain WAV declare `more` bytes of sound than there are."""
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, 40, len(content) - 44 + more)
    struct.pack_into("<I", content, 4, len(content) - 8 + riff_more)
    path.write_bytes(content)


@pytest.mark.parametrize(("more", "riff_more"), [(8, 0), (36, 0), (44, 0), (8, 8), (36, 36), (44, 44)])
def test_a_header_that_counts_itself(
    more: int, riff_more: int, tmp_path: Path, samples: NDArray[np.int16], caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.wav"
    write_wav(path, samples, RATE_HZ)
    with_data_size(path, more, riff_more)
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(read_audio(path, RATE_HZ), samples)
    assert str(path) in caplog.text


@pytest.mark.parametrize("lost", [10, 100, 1000, 20_000])
def test_a_real_loss_is_still_refused(lost: int, tmp_path: Path, samples: NDArray[np.int16]) -> None:
    path = tmp_path / "a.wav"
    write_wav(path, samples, RATE_HZ)
    path.write_bytes(path.read_bytes()[:-lost])
    with pytest.raises(AudioError, match="truncated"):
        read_audio(path, RATE_HZ)


@pytest.mark.parametrize("gain", [1.0, 0.9])
def test_of_inverted_stereo_one_channel_is_taken(
    gain: float, tmp_path: Path, samples: NDArray[np.int16], caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.stack([samples, np.rint(-gain * samples).astype(np.int16)], axis=1), RATE_HZ)
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(read_audio(path, RATE_HZ), samples)
    assert "a.wav: its 2 channels cancel each other" in caplog.text


@pytest.mark.parametrize("channels", [2, 16])
def test_channels_that_do_not_cancel_are_averaged(channels: int, tmp_path: Path, samples: NDArray[np.int16]) -> None:
    sound = np.zeros((len(samples), channels), np.int16)
    sound[:, -1] = samples
    soundfile.write(tmp_path / "a.wav", sound, RATE_HZ)
    found = read_sound_file(tmp_path / "a.wav", RATE_HZ)
    assert found.notes == ()
    np.testing.assert_array_equal(found.samples, np.rint(samples / channels))


@pytest.mark.parametrize(("peak", "said"), [(1.05, False), (1.2, True), (15.0, True)])
def test_float_beyond_full_scale_keeps_its_shape(peak: float, said: bool, tmp_path: Path, samples: NDArray[np.int16]) -> None:
    wave = samples / np.abs(samples).max()
    soundfile.write(tmp_path / "a.wav", peak * wave, RATE_HZ, subtype="FLOAT")
    found = read_sound_file(tmp_path / "a.wav", RATE_HZ)
    assert np.abs(found.samples - np.clip(np.rint(32768 * wave), -32768, 32767)).max() <= 1
    assert any("full scale" in note for note in found.notes) == said


def test_odd_files_of_a_corpus_are_said_in_one_line(
    tmp_path: Path, samples: NDArray[np.int16], caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "yes").mkdir()
    for number in range(6):
        sound = np.roll(samples, number)
        soundfile.write(tmp_path / "yes" / f"{number}.wav", np.stack([sound, -sound], axis=1), RATE_HZ)
    with caplog.at_level(logging.WARNING):
        open_corpus(tmp_path, RATE_HZ, RATE_HZ, progress=False)
    (line,) = caplog.messages
    assert "and 3 more such" in line


def test_a_pipe_is_read_whole(tmp_path: Path, samples: NDArray[np.int16]) -> None:
    for name, kind in (("a.wav", "PCM_16"), ("b.flac", "PCM_16"), ("c.wav", "PCM_24")):
        soundfile.write(tmp_path / name, samples, RATE_HZ, subtype=kind)
        pipe = tmp_path / f"pipe-{name}"
        os.mkfifo(pipe)
        writer = threading.Thread(target=pipe.write_bytes, args=((tmp_path / name).read_bytes(),))
        writer.start()
        np.testing.assert_array_equal(read_audio(pipe, RATE_HZ), samples)
        writer.join()


def test_a_pipe_with_too_much_is_refused(tmp_path: Path, samples: NDArray[np.int16], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio, "_LONGEST_PIPE", 1000)
    write_wav(tmp_path / "a.wav", samples, RATE_HZ)
    code = (
        "import sys; from kws.audio import io as audio; audio._LONGEST_PIPE = 1000\n"
        "try: audio.read_audio('-', 16000)\nexcept audio.AudioError as error: print(error)"
    )
    content = (tmp_path / "a.wav").read_bytes()
    out = subprocess.run([sys.executable, "-c", code], input=content, capture_output=True, check=True, timeout=60).stdout
    assert out.startswith(b"-: over ")
    assert b"save such sound to a file" in out


def test_streaming_says_of_inverted_stereo_only_that(
    tmp_path: Path, samples: NDArray[np.int16], caplog: pytest.LogCaptureFixture
) -> None:
    from kws.audio.framing import FeatureSpec

    soundfile.write(tmp_path / "a.wav", np.stack([samples, -samples], axis=1), RATE_HZ)
    with caplog.at_level(logging.WARNING):
        read_sound(tmp_path / "a.wav", FeatureSpec())
    assert len(caplog.messages) == 1


def test_the_rule_decides_what_of_a_recording_is_the_clip() -> None:
    late = np.zeros(300, np.int16)
    late[200:250] = 1000
    assert not fit_clip(late, 100, "start").any()
    assert fit_clip(late, 100, "loudest").astype(int).sum() == 50_000
    short = np.ones(50, np.int16)
    assert fit_clip(short, 100, "start").nonzero()[0].tolist() == list(range(50))
    assert fit_clip(short, 100, "loudest").nonzero()[0].tolist() == list(range(25, 75))
    with pytest.raises(KwsError, match=r"features\.fit: 'end'"):
        fit_clip(short, 100, "end")


def test_each_rule_has_its_pack_and_long_recordings_are_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "yes").mkdir()
    late = np.zeros(300, np.int16)
    late[200:250] = 1000
    for number in range(3):
        write_wav(tmp_path / "yes" / f"{number}.wav", late[number * 90 :], RATE_HZ)
    with caplog.at_level(logging.WARNING):
        start = open_corpus(tmp_path, RATE_HZ, 150, progress=False, fit="start")
        loudest = open_corpus(tmp_path, RATE_HZ, 150, progress=False, fit="loudest")
    np.testing.assert_array_equal(start.clips[0], fit_clip(late, 150, "start"))
    np.testing.assert_array_equal(loudest.clips[0], fit_clip(late, 150, "loudest"))
    assert len(list((tmp_path / ".kws-cache").glob("pack-*-*"))) == 2
    assert [message.split(": ", 1)[1] for message in caplog.messages] == [
        f"2 of 3 recordings are longer than 0.009375 s: the {part} 0.009375 s of each are taken" for part in ("first", "loudest")
    ]
