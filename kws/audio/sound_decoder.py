"""Decode a sound file with libsndfile, to one channel within full scale."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import soundfile
from numpy.typing import NDArray

from kws.audio.wav_header import AudioError

_BLOCK_FRAMES = 1 << 18
# Float sound lies in -1..1, and a mix may pass it; at a hundred times that it was stored in units of something else.
LOUDEST_FLOAT = 100.0
_NO_NEWS = 10 ** (1 / 20)
# Of the channels' mean energy: a mix with less has lost its sound to channels that cancel each other.
_CANCELLED = 0.02


@dataclass(frozen=True, slots=True)
class Decoded:
    """What libsndfile gave: float32 (samples,) within -1..1 at the file's rate."""

    waveform: NDArray[np.float32]
    channels: int
    sample_rate: int
    notes: tuple[str, ...]


def decode(name: str, source: io.BytesIO | str | bytes) -> Decoded:
    """Decode with libsndfile: the mean of the channels, or the loudest where they cancel."""
    try:
        waveform, energies, sample_rate = _mixed(source)
        if not waveform.size:
            refuse_empty(name)
        notes: tuple[str, ...] = ()
        # Also of channels that do not resemble each other at all, or all but one are silent, 1 / channels of the energy is left.
        if len(energies) > 1 and np.var(waveform, dtype=np.float64) < min(_CANCELLED, 0.1 / len(energies)) * energies.mean():
            loudest = int(energies.argmax())
            waveform, _, _ = _mixed(source, loudest)
            notes = (f"its {len(energies)} channels cancel each other (one is inverted); channel {loudest + 1} alone was taken",)
    except (soundfile.SoundFileError, TypeError) as error:  # TypeError: soundfile takes *.raw for headerless sound
        reason = getattr(error, "error_string", str(error)).rstrip(".")
        raise AudioError(f"{name}: can't be read as sound ({reason}); convert it to WAV or FLAC, or leave it out") from error
    if not np.isfinite(waveform).all():
        raise AudioError(f"{name}: holds NaN or infinite samples; write it again from the original sound")
    if (peak := float(np.abs(waveform).max())) > LOUDEST_FLOAT:
        raise AudioError(f"{name}: its float samples reach {peak:g}; float sound lies in -1 to 1; scale it, or write 16-bit")
    waveform, scaled = within_full_scale(waveform, peak)
    return Decoded(waveform, len(energies), sample_rate, notes + scaled)


def within_full_scale(waveform: NDArray[np.float32], peak: float) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Sound (samples,) that reaches this peak, scaled down to -1..1 if need be; and what is to be said of it, if anything."""
    if peak <= 1:
        return waveform, ()
    # A mix passes full scale, and so do MP3 and Ogg by a little: the wave keeps its shape, and within 1 dB it is no news.
    note = f"its samples reach {peak:.3g} times full scale; all of it was scaled down to full scale"
    return waveform / np.float32(peak), (note,) * (peak > _NO_NEWS)


def _mixed(source: io.BytesIO | str | bytes, channel: int | None = None) -> tuple[NDArray[np.float32], NDArray[np.float64], int]:
    """The mean of the channels or one of them, (samples,); each channel's variance, (channels,); and the rate, Hz."""
    if isinstance(source, io.BytesIO):
        source.seek(0)
    blocks: list[NDArray[np.float32]] = []
    with soundfile.SoundFile(source) as file:
        sums = np.zeros((2, file.channels))
        # In blocks: a FLAC from a pipe does not know its length, and long stereo recordings are mixed down as they come.
        while len(block := file.read(_BLOCK_FRAMES, dtype="float32", always_2d=True)):
            if channel is not None or block.shape[1] == 1:
                blocks.append(block[:, channel or 0])
            else:
                blocks.append(block.mean(axis=1))
                sums += block.sum(axis=0, dtype=np.float64), np.einsum("fc,fc->c", block, block, dtype=np.float64)
        sample_rate = int(file.samplerate)
    waveform = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
    mean, square = sums / max(len(waveform), 1)
    return waveform, square - mean**2, sample_rate


def refuse_empty(name: str) -> NoReturn:
    """Refuse a file without sound."""
    raise AudioError(f"{name}: holds no sound (0 frames); record it again or leave it out")
