"""Read and write sound: any file libsndfile knows in, mono int16 out; int16 ↔ float; fit to a length."""

from __future__ import annotations

import io
import math
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import numpy as np
import soundfile
from numpy.typing import NDArray

from kws.errors import KwsError
from kws.whole_file import whole_file

# Compared in lower case.
AUDIO_SUFFIXES = frozenset(
    {".wav", ".wave", ".rf64", ".w64", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au", ".snd", ".caf"}
)

FULL_SCALE = 32768
# Outside of these a header is damaged, and the resampling filter for an odd ratio would not fit in memory.
LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 1_000, 768_000
# Writers that cannot seek back (ffmpeg, sox, arecord in a pipe) leave 0 or a size near 2 or 4 GiB in the header.
_UNKNOWN_LENGTH = 0x7FFF0000
_BLOCK_FRAMES = 1 << 18
# Float sound lies in -1..1, and a mix may pass it; at a hundred times that it was stored in units of something else.
_LOUDEST_FLOAT = 100.0

_Scalar = TypeVar("_Scalar", bound=np.generic)


class AudioError(KwsError):
    """A sound file that can't be read, or is not what it says it is."""


@dataclass(frozen=True, slots=True)
class _WavLayout:
    """What a RIFF header says: the format, and where the sound lies in the file (bytes)."""

    plain: bool  # little-endian 16-bit PCM: the bytes in the file are the samples
    channels: int
    rate_hz: int
    offset: int
    size: int
    unclosed: bool  # the header says 0 bytes, but sound follows


def read_audio(path: Path | str, rate_hz: int, *, resample: bool = True) -> NDArray[np.int16]:
    """Read a sound file as mono 16-bit samples.

    Channels are averaged, another rate is resampled, values beyond full scale are clipped.
    16-bit mono at `rate_hz` comes bit-exact.

    Args:
        path: WAV, FLAC, Ogg, Opus, MP3 or whatever else libsndfile reads.
        resample: convert another rate; False refuses it.

    Returns:
        int16 (samples,), at least one sample.

    Raises:
        AudioError: missing, empty, truncated or no sound file; NaN or infinite samples; another rate while `resample` is False.
    """
    name = os.fspath(path)
    try:
        with io.FileIO(name) as file:  # unbuffered: the samples go straight into their array
            wav = _wav_layout(file, name)
            if wav is not None and wav.plain and wav.channels == 1 and wav.rate_hz == rate_hz:
                return _read_plain(file, wav, name)
            mended = _with_length(file, wav) if wav is not None and wav.unclosed else None
    except OSError as error:
        raise AudioError(f"{name}: can't be read: {error.strerror or error}; give an existing sound file") from error
    waveform, found_hz = _decode(name, mended)
    if found_hz != rate_hz:
        waveform = _at_rate(waveform, found_hz, rate_hz, resample, name)
    return to_int16(waveform)


def write_wav(path: Path | str, samples: NDArray[np.int16], rate_hz: int) -> None:
    """Write int16 (samples,) as mono 16-bit PCM; the file appears whole or not at all.

    Raises:
        AudioError: the place can't be written to, or the sound is over 4 GiB.
    """
    if samples.dtype != np.int16 or samples.ndim != 1:
        raise TypeError(f"samples: int16 of shape (samples,) expected, {samples.dtype} of shape {samples.shape} given")
    path = Path(path)
    if (size := samples.nbytes) > 0xFFFFFFFF - 36:
        raise AudioError(f"{path}: {size} bytes of sound don't fit in a WAV file (4 GiB); write it in parts")
    header = struct.pack("<4sI8sI", b"RIFF", 36 + size, b"WAVEfmt ", 16)
    header += struct.pack("<HHIIHH4sI", 1, 1, rate_hz, rate_hz * 2, 2, 16, b"data", size)
    try:
        with whole_file(path) as temporary:
            temporary.write_bytes(header + samples.astype("<i2", copy=False).tobytes())
    except OSError as error:
        raise AudioError(f"{path}: can't be written: {error.strerror or error}") from error


def fit_length(samples: NDArray[_Scalar], length: int) -> NDArray[_Scalar]:
    """Cut, or pad with zeros, at the end of the last axis: (…, samples) → (…, length). May be a view of `samples`."""
    missing = length - samples.shape[-1]
    if missing <= 0:
        return samples[..., :length]
    return np.pad(samples, [(0, 0)] * (samples.ndim - 1) + [(0, missing)])


def to_float(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """16-bit samples as float32 in [-1, 1): divided by 32768, which is exact."""
    return samples.astype(np.float32) * np.float32(1 / FULL_SCALE)


def to_int16(waveform: NDArray[np.floating[Any]]) -> NDArray[np.int16]:
    """Float samples as 16-bit: times 32768, rounded to the nearest (ties to even), clipped. Undoes `to_float` exactly.

    Raises:
        AudioError: NaN or infinite samples.
    """
    if not np.isfinite(waveform).all():
        raise AudioError("NaN or infinite samples can't be turned into 16-bit sound")
    scaled = np.rint(np.clip(waveform, -1, 1) * FULL_SCALE)
    samples: NDArray[np.int16] = np.minimum(scaled, FULL_SCALE - 1).astype(np.int16)
    return samples


def find_audio(folder: Path | str) -> list[Path]:
    """The sound files directly in a folder, by suffix (any case), sorted by name, without hidden ones.

    Raises:
        AudioError: no such folder.
    """
    folder = Path(folder)
    try:
        files = [path for path in folder.iterdir() if path.suffix.lower() in AUDIO_SUFFIXES and not path.name.startswith(".")]
    except OSError as error:
        raise AudioError(f"{folder}: can't be listed: {error.strerror or error}; give a folder of sound files") from error
    return sorted(path for path in files if path.is_file())


def _read_plain(file: io.FileIO, wav: _WavLayout, name: str) -> NDArray[np.int16]:
    if wav.size < 2:
        _refuse_empty(name)
    file.seek(wav.offset)
    samples = np.fromfile(file, "<i2", wav.size // 2)
    if samples.size != wav.size // 2:
        raise AudioError(f"{name}: {wav.size} bytes of sound expected, {samples.nbytes} read; is it still being written?")
    return samples.astype(np.int16, copy=False)


def _wav_layout(file: io.FileIO, name: str) -> _WavLayout | None:
    """Walk the chunks of a RIFF, RIFX or RF64 file up to the sound; None for every other file.

    libsndfile shortens a truncated file without a word, hence the walk.
    """
    length = os.fstat(file.fileno()).st_size
    if length == 0:
        raise AudioError(f"{name}: is empty (0 bytes); copy or record it again")
    head = file.read(12)
    if len(head) < 12 or head[:4] not in (b"RIFF", b"RIFX", b"RF64") or head[8:] != b"WAVE":
        return None
    order = ">" if head[:4] == b"RIFX" else "<"
    plain, channels, rate_hz, size64 = False, 0, 0, 0
    position = 12
    while len(header := file.read(8)) == 8:
        kind, size = header[:4], struct.unpack(order + "I", header[4:])[0]
        position += 8
        if kind == b"data":
            closed = 8 + struct.unpack(order + "I", head[4:8])[0] == length
            declared = size64 if size == 0xFFFFFFFF and size64 else size
            found = _sound_bytes(declared, length - position, closed, name)
            return _WavLayout(plain, channels, rate_hz, position, found, unclosed=declared == 0 < found)
        if kind == b"fmt " and size >= 16:
            fmt = file.read(26)
            code, channels, rate_hz, _, _, bits = struct.unpack(order + "HHIIHH", fmt[:16].ljust(16, b"\0"))
            # WAVE_FORMAT_EXTENSIBLE names the real format in the first two bytes of its GUID.
            code = fmt[24] if code == 0xFFFE and size >= 40 and len(fmt) == 26 else code
            plain = order == "<" and code == 1 and bits == 16
        elif kind == b"ds64":
            size64 = int.from_bytes(file.read(16)[8:], "little")
        position += size + size % 2
        file.seek(position)
    return None


def _sound_bytes(declared: int, found: int, closed: bool, name: str) -> int:
    """Bytes of sound that are there, given those the header declares; `closed`: the RIFF size fits the file."""
    if declared <= found and (declared or closed):
        return declared
    if declared == 0 or declared >= _UNKNOWN_LENGTH:
        return found
    raise AudioError(f"{name}: is truncated: its header declares {declared} bytes of sound, {found} are there; copy or record it")


def _with_length(file: io.FileIO, wav: _WavLayout) -> io.BytesIO:
    """The file with the size of its sound filled in, for libsndfile takes the 0 of an unclosed file at its word."""
    file.seek(0)
    content = bytearray(file.readall())
    struct.pack_into(">I" if content[:4] == b"RIFX" else "<I", content, wav.offset - 4, min(wav.size, 0xFFFFFFFF))
    return io.BytesIO(content)


def _decode(name: str, mended: io.BytesIO | None) -> tuple[NDArray[np.float32], int]:
    """Decode with libsndfile: float32 (samples,), the mean of the channels; and the file's rate, Hz."""
    blocks: list[NDArray[np.float32]] = []
    # As bytes, for soundfile can't encode a name that is not UTF-8.
    source = mended or (name if os.name == "nt" else os.fsencode(name))
    try:
        with soundfile.SoundFile(source) as file:
            # In blocks: a FLAC from a pipe does not know its length, and long stereo recordings are mixed down as they come.
            while len(block := file.read(_BLOCK_FRAMES, dtype="float32", always_2d=True)):
                blocks.append(block.mean(axis=1) if block.shape[1] > 1 else block[:, 0])
            rate_hz = int(file.samplerate)
    except (soundfile.SoundFileError, TypeError) as error:  # TypeError: soundfile takes *.raw for headerless sound
        reason = getattr(error, "error_string", str(error)).rstrip(".")
        raise AudioError(f"{name}: can't be read as sound ({reason}); convert it to WAV or FLAC, or leave it out") from error
    if not blocks:
        _refuse_empty(name)
    waveform = np.concatenate(blocks)
    if not np.isfinite(waveform).all():
        raise AudioError(f"{name}: holds NaN or infinite samples; write it again from the original sound")
    if (peak := float(np.abs(waveform).max())) > _LOUDEST_FLOAT:
        raise AudioError(f"{name}: its float samples reach {peak:g}; float sound lies in -1 to 1; scale it, or write 16-bit")
    return waveform, rate_hz


def _refuse_empty(name: str) -> NoReturn:
    raise AudioError(f"{name}: holds no sound (0 frames); record it again or leave it out")


def _at_rate(waveform: NDArray[np.float32], found_hz: int, rate_hz: int, resample: bool, name: str) -> NDArray[np.float32]:
    if not resample:
        raise AudioError(f"{name}: its rate is {found_hz} Hz, {rate_hz} Hz expected; set resample to true, or convert the file")
    if not LOWEST_RATE_HZ <= found_hz <= HIGHEST_RATE_HZ:
        raise AudioError(f"{name}: its header says {found_hz} Hz; {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} Hz can be resampled")
    if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
        raise AudioError(f"rate_hz: {rate_hz} given; {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} Hz can be resampled to")
    from scipy.signal import resample_poly  # here, for it takes half a second to import and most sound never needs it

    common = math.gcd(found_hz, rate_hz)
    resampled: NDArray[np.float32] = resample_poly(waveform, rate_hz // common, found_hz // common)
    return resampled
