"""Acoustics between a synthesiser and a recording: room, microphone, level, noise; and noise alone."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.signal import firwin, resample_poly

Waveform = NDArray[np.float64]

# The word starts and ends at least this far from the ends of its clip.
MARGIN_MS = 30
_SILENT_DB = -50.0
_KEPT_MS = 8
_RING_MS = 400
_LOUDEST = 0.97
_PEAK_SILENT = 0.01


def resample(samples: NDArray[np.int16], from_hz: int, to_hz: int) -> Waveform:
    """int16 (samples,) at one rate → float in [-1, 1] at another."""
    common = math.gcd(from_hz, to_hz)
    up, down = to_hz // common, from_hz // common
    resampled: Waveform = resample_poly(samples / 32768.0, up, down, window=_low_pass(max(up, down)))
    return resampled


@lru_cache(maxsize=64)
def _low_pass(factor: int) -> Any:
    # What resample_poly would design anew at each call, which costs more than the filtering.
    return firwin(20 * factor + 1, 1 / factor, window=("kaiser", 5.0))


def trim(waveform: Waveform, sample_rate: int) -> Waveform:
    """Cut the silence off both ends, leaving 8 ms and a short fade; empty when all is silent (peak below -40 dBFS)."""
    level = np.abs(waveform)
    if not level.size or level.max() < _PEAK_SILENT:
        return waveform[:0]
    heard = np.flatnonzero(level > level.max() * 10 ** (_SILENT_DB / 20))
    kept = sample_rate * _KEPT_MS // 1000
    cut = waveform[max(0, heard[0] - kept) : heard[-1] + kept + 1].copy()
    fade = np.sin(np.linspace(0, math.pi / 2, min(kept // 2, len(cut) // 2), endpoint=False)) ** 2
    cut[: len(fade)] *= fade
    cut[len(cut) - len(fade) :] *= fade[::-1]
    return cut


def record(
    speech: Waveform,
    length: int,
    sample_rate: int,
    rng: np.random.Generator,
    noise: Waveform,
    *,
    room_probability: float = 0.5,
    noise_floor_db: tuple[float, float] = (-80.0, -44.0),
    level_db: tuple[float, float] = (-31.0, -13.0),
) -> Waveform:
    """Play dry speech into a random room, in front of a random microphone, and record a clip of it.

    Args:
        speech: (samples,), not longer than `length` less the margin at each end.
        length: samples of the clip.
        noise: what the microphone hears when all is quiet, RMS 1, at least (length,); a random piece of it is taken.
        room_probability: share of clips with the echo of the room.
        noise_floor_db: range of the noise floor's RMS, dB of full scale.
        level_db: range of the speech's RMS where it sounds, dB of full scale; lowered where the peak would clip.

    Returns:
        (length,), in [-1, 1].
    """
    spare = length - len(speech) - 2 * (sample_rate * MARGIN_MS // 1000)
    start = (length - spare - len(speech)) // 2 + round(max(0, spare) * rng.beta(2, 2))
    clip = np.zeros(length)
    clip[start : start + len(speech)] = speech
    level, floor, in_room = rng.uniform(*level_db), rng.uniform(*noise_floor_db), rng.random() < room_probability
    size = fft.next_fast_len(length + sample_rate * _RING_MS // 1000, real=True)
    spectrum = fft.rfft(clip, size) * _microphone(size, sample_rate, rng)
    if in_room:
        spectrum *= fft.rfft(_room(sample_rate, rng), size)
    heard = fft.irfft(spectrum, size)[:length]
    clip = heard * 10 ** (level / 20) / max(1e-9, _rms(heard[start : start + len(speech)]))
    clip *= min(1.0, _LOUDEST / max(1e-9, float(np.abs(clip).max())))
    piece = int(rng.integers(len(noise) - length + 1))
    sound: NDArray[np.float64] = np.clip(clip + 10 ** (floor / 20) * noise[piece : piece + length], -1, 1)
    return sound


def _rms(waveform: Waveform) -> float:
    return float(np.sqrt(np.mean(np.square(waveform)))) if waveform.size else 0.0


def _room(sample_rate: int, rng: np.random.Generator) -> Waveform:
    """Draw an impulse response: the direct sound, then noise that decays by 60 dB in 0.08 to 0.5 s."""
    decay_s, direct_db = rng.uniform(0.08, 0.5), rng.uniform(3, 15)
    time_s = np.arange(sample_rate * _RING_MS // 1000) / sample_rate
    tail = rng.standard_normal(len(time_s)) * 10 ** (-3 * time_s / decay_s)
    tail[: rng.integers(sample_rate // 1000, sample_rate // 100)] = 0
    tail *= 10 ** (-direct_db / 20) / max(1e-9, float(np.sqrt(np.square(tail).sum())))
    tail[0] = 1
    return tail


def _microphone(size: int, sample_rate: int, rng: np.random.Generator) -> Waveform:
    """Draw a gentle frequency response (size // 2 + 1,): ±4 dB at six points, weaker at both ends."""
    # Few points: the curve is smooth, and a clip should take about a millisecond.
    coarse_hz = np.geomspace(20, sample_rate / 2, 64)
    octaves = np.log2(coarse_hz)
    gain_db = np.interp(octaves, np.linspace(octaves[0], octaves[-1], 6), rng.uniform(-4, 4, 6))
    bass_hz, treble_hz = rng.uniform(40, 180), rng.uniform(0.3, 0.9) * sample_rate
    gain_db -= 10 * np.log10(1 + (bass_hz / coarse_hz) ** 4) + 10 * np.log10(1 + (coarse_hz / treble_hz) ** 4)
    response: Waveform = np.interp(fft.rfftfreq(size, 1 / sample_rate), coarse_hz, 10 ** (gain_db / 20))
    return response


def coloured_noise(length: int, tilt: float, rng: np.random.Generator, lowest_bin: float = 4.0) -> Waveform:
    """Noise of RMS 1, (length,), whose amplitude falls as frequency ** -tilt: 0 white, 0.5 pink, 1 brown."""
    size = fft.next_fast_len(length, real=True)
    spectrum = fft.rfft(rng.standard_normal(size))
    # The lowest bins of brown noise would be one slow wave that holds all its power.
    spectrum *= np.maximum(np.arange(len(spectrum)), lowest_bin) ** -tilt
    spectrum[0] = 0
    noise: Waveform = fft.irfft(spectrum, size)[:length]
    return noise / max(1e-12, _rms(noise))


def hum(length: int, sample_rate: int, rng: np.random.Generator) -> Waveform:
    """Mains hum with its harmonics over a low rumble, RMS 1, (length,)."""
    time_s = np.arange(length) / sample_rate
    mains_hz = rng.choice([50.0, 60.0])
    noise = 0.3 * coloured_noise(length, 1.0, rng, lowest_bin=30 * length / sample_rate)
    for order in range(1, 25):
        phase, strength = rng.random(), rng.uniform(0.2, 1) / order
        if mains_hz * order < sample_rate / 2:
            noise += strength * np.sin(2 * math.pi * (mains_hz * order * time_s + phase))
    return noise / _rms(noise)


def clatter(length: int, sample_rate: int, rng: np.random.Generator) -> Waveform:
    """Things knocked together, about four knocks a second over a low murmur, RMS 1, (length,)."""
    noise = 0.02 * coloured_noise(length, 0.5, rng)
    for _ in range(max(1, round(4 * length / sample_rate))):
        begin, ring_s = int(rng.integers(length)), 10 ** rng.uniform(-2.2, -0.9)
        time_s = np.arange(min(length - begin, int(sample_rate * ring_s * 7))) / sample_rate
        pitch_hz = rng.uniform(0.02, 0.4) * sample_rate
        body = np.sin(2 * math.pi * pitch_hz * time_s) + 0.7 * rng.standard_normal(len(time_s))
        noise[begin : begin + len(time_s)] += 10 ** (rng.uniform(-25, 0) / 20) * body * np.exp(-time_s / ring_s)
    return noise / _rms(noise)


def babble(voices: list[Waveform]) -> Waveform:
    """Many people talking at once: voices of one length over each other, each at the same RMS; RMS 1, (length,)."""
    mixed: Waveform = np.sum([voice / max(1e-9, _rms(voice)) for voice in voices], axis=0)
    return mixed / max(1e-9, _rms(mixed))
