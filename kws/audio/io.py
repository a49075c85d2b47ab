"""Read and write sound: any file libsndfile knows in, mono int16 out; int16 ↔ float; fit to a length."""

from __future__ import annotations

import io
import logging
import math
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from kws.audio.sound_decoder import decode, refuse_empty
from kws.audio.wav_header import MOST_WAV_BYTES, WavLayout, wav_header, wav_layout, with_length
from kws.audio.wav_header import AudioError as AudioError
from kws.files.atomic import atomic_write

# Compared in lower case.
AUDIO_SUFFIXES = frozenset(
    {".wav", ".wave", ".rf64", ".w64", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au", ".snd", ".caf"}
)

FULL_SCALE = 32768
# Outside of these a header is damaged, and the resampling filter for an odd ratio would not fit in memory.
LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 1_000, 768_000
_LONGEST_PIPE = 4 << 30
STANDARD_INPUT = "-"

_log = logging.getLogger(__name__)
_Scalar = TypeVar("_Scalar", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Sound:
    """A sound file, read.

    Attributes:
        samples: int16 (samples,), at the rate asked for.
        channels, sample_rate: of the file.
        notes: what was done to it that its owner may not expect, a sentence without the file's name each.
    """

    samples: NDArray[np.int16]
    channels: int
    sample_rate: int
    notes: tuple[str, ...] = ()


def read_audio(path: Path | str, sample_rate: int, *, resample: bool = True) -> NDArray[np.int16]:
    """Read a sound file as mono 16-bit samples.

    Channels are averaged, another rate is resampled; 16-bit mono at `sample_rate` comes bit-exact. Float sound beyond
    full scale is scaled down to it, and of channels that cancel each other the loudest is taken; both are said in a
    warning.

    Args:
        path: WAV, FLAC, Ogg, Opus, MP3 or whatever else libsndfile reads; a pipe is read to its end; "-" is standard
            input.
        resample: convert another rate; False refuses it.

    Returns:
        int16 (samples,), at least one sample.

    Raises:
        AudioError: missing, empty, truncated or no sound file; NaN or infinite samples; another rate while `resample`
            is False; over 4 GiB from a pipe.
    """
    sound = read_sound_file(path, sample_rate, resample=resample)
    for note in sound.notes:
        _log.warning("%s: %s", path, note)
    return sound.samples


def read_sound_file(path: Path | str, sample_rate: int, *, resample: bool = True) -> Sound:
    """Read like `read_audio`, and return the file's format and the conversions done; log nothing."""
    name = os.fspath(path)
    try:
        with _opened(name) as file:
            length = file.seek(0, io.SEEK_END)
            file.seek(0)
            wav = wav_layout(file, length, name)
            notes = (wav.note,) if wav is not None and wav.note else ()
            if wav is not None and wav.plain and wav.channels == 1 and wav.sample_rate == sample_rate:
                return Sound(_read_plain(file, wav, name), 1, sample_rate, notes)
            mended = with_length(file, wav) if wav is not None and wav.unclosed else None
            if mended is None and isinstance(file, io.BytesIO):
                mended = file
            # As bytes, for soundfile can't encode a name that is not UTF-8.
            decoded = decode(name, mended or (name if os.name == "nt" else os.fsencode(name)))
    except OSError as error:
        raise AudioError(f"{name}: can't be read: {error.strerror or error}; give an existing sound file") from error
    waveform = decoded.waveform
    if decoded.sample_rate != sample_rate:
        waveform = _at_rate(waveform, decoded.sample_rate, sample_rate, resample, name)
    return Sound(to_int16(waveform), decoded.channels, decoded.sample_rate, notes + decoded.notes)


def write_wav(path: Path | str, samples: NDArray[np.int16], sample_rate: int) -> None:
    """Write int16 (samples,) as mono 16-bit PCM; the file appears whole or not at all.

    Raises:
        AudioError: the path can't be written to, or the sound is over 4 GiB.
    """
    if samples.dtype != np.int16 or samples.ndim != 1:
        raise TypeError(f"samples: int16 of shape (samples,) expected, {samples.dtype} of shape {samples.shape} given")
    path = Path(path)
    if (size := samples.nbytes) > MOST_WAV_BYTES:
        raise AudioError(f"{path}: {size} bytes of sound don't fit in a WAV file (4 GiB); write it in parts")
    try:
        with atomic_write(path) as temporary:
            temporary.write_bytes(wav_header(size, sample_rate) + samples.astype("<i2", copy=False).tobytes())
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
    """List the sound files directly in a folder, by suffix (any case), sorted by name, without hidden ones.

    Raises:
        AudioError: no such folder.
    """
    folder = Path(folder)
    try:
        files = [path for path in folder.iterdir() if path.suffix.lower() in AUDIO_SUFFIXES and not path.name.startswith(".")]
    except OSError as error:
        raise AudioError(f"{folder}: can't be listed: {error.strerror or error}; give a folder of sound files") from error
    return sorted(path for path in files if path.is_file())


@contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    """Open the file unbuffered; read what is not seekable (a pipe, standard input) into memory whole."""
    with io.FileIO(name) if name != STANDARD_INPUT else io.FileIO(0, closefd=False) as file:
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode) and name != STANDARD_INPUT:
            yield cast(BinaryIO, file)
            return
        content = io.BytesIO()
        while piece := file.read(1 << 20):
            content.write(piece)
            if content.tell() > _LONGEST_PIPE:
                raise AudioError(f"{name}: over {_LONGEST_PIPE / 2**30:g} GiB came from this pipe; save such sound to a file")
        yield content


def _read_plain(file: BinaryIO, wav: WavLayout, name: str) -> NDArray[np.int16]:
    if wav.size < 2:
        refuse_empty(name)
    file.seek(wav.offset)
    count = wav.size // 2
    # A file goes straight into its array; what came from a pipe is in memory already.
    samples = np.frombuffer(file.read(2 * count), "<i2") if isinstance(file, io.BytesIO) else np.fromfile(file, "<i2", count)
    if samples.size != wav.size // 2:
        raise AudioError(f"{name}: {wav.size} bytes of sound expected, {samples.nbytes} read; is it still being written?")
    return samples.astype(np.int16, copy=False)


def _at_rate(waveform: NDArray[np.float32], found_hz: int, sample_rate: int, resample: bool, name: str) -> NDArray[np.float32]:
    if not resample:
        raise AudioError(f"{name}: its rate is {found_hz} Hz, {sample_rate} Hz expected; set resample=true or convert it")
    if not LOWEST_RATE_HZ <= found_hz <= HIGHEST_RATE_HZ:
        raise AudioError(f"{name}: its header says {found_hz} Hz; {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} Hz can be resampled")
    if not LOWEST_RATE_HZ <= sample_rate <= HIGHEST_RATE_HZ:
        raise AudioError(f"sample_rate: {sample_rate} given; {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} Hz can be resampled to")
    return resampled(waveform, found_hz, sample_rate)


def resampled(waveform: NDArray[np.float32], found_hz: int, sample_rate: int) -> NDArray[np.float32]:
    """Resample a whole waveform (samples,); `kws.audio.resampler.Resampler` takes it in chunks."""
    from scipy.signal import resample_poly  # here, for it takes half a second to import and most sound never needs it

    common = math.gcd(found_hz, sample_rate)
    outputs: NDArray[np.float32] = resample_poly(waveform, sample_rate // common, found_hz // common)
    return outputs
