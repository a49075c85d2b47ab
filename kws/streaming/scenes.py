"""Test streams: words at random times over background noise, and what was said when. NumPy only."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kws.errors import KwsError
from kws.labels import UNKNOWN
from kws.streaming.timeline import SpokenWord

# Pieces of noise, one every second, each half over the next, as in the original's generator.
_PIECE_S, _PIECE_STRIDE_S, _RAMP_S = 1.5, 1.0, 0.5


@dataclass(frozen=True)
class SceneSettings:
    """How a test stream is mixed; the defaults are the original's.

    Args:
        minutes: length.
        interval_s: one word in each such slot, at a random place in it.
        unknown_percentage: of the words, in percent; 100: none but other words.
        background_volume: each piece of noise has a random volume up to this.
        snr_db: level of the words over the noise, in dB (root mean squares over all of each); None: the volume as it comes.
        no_words: noise alone, to count false accepts.
        seed: of all draws.

    Raises:
        KwsError: a value that makes no sense.
    """

    minutes: float = 10.0
    interval_s: float = 3.0
    unknown_percentage: float = 30.0
    background_volume: float = 0.1
    snr_db: float | None = None
    no_words: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("minutes", "interval_s"):
            if not 0 < (value := getattr(self, name)) < math.inf:
                raise KwsError(f"{name}: {value:g} given; a time above 0 is expected")
        if not 0 <= self.unknown_percentage <= 100:
            raise KwsError(f"unknown_percentage: {self.unknown_percentage:g} given; 0 to 100 is expected")
        if not 0 <= self.background_volume <= 1:
            raise KwsError(f"background_volume: {self.background_volume:g} given; 0 to 1 is expected")
        if self.snr_db is not None and not math.isfinite(self.snr_db):
            raise KwsError(f"snr_db: {self.snr_db:g} given; a finite level in dB is expected")


@dataclass(frozen=True)
class ClipSource:
    """Clips to be spoken.

    Attributes:
        wanted, unknown: indices of the clips of wanted words and of others.
        labels: label of every wanted clip, by index.
        read: the sound of a clip by its index, int16 (samples,).
    """

    wanted: Sequence[int]
    unknown: Sequence[int]
    labels: Callable[[int], str]
    read: Callable[[int], NDArray[np.int16]]


@dataclass(frozen=True)
class Scene:
    """A mixed stream.

    Attributes:
        samples: int16 (samples,).
        truth: what was said; a word's time is where its clip of a second starts.
        clips: index of each word's clip.
        parts_rms: root mean square of the words and of the noise, full scale 1, before they were mixed.
    """

    samples: NDArray[np.int16]
    truth: tuple[SpokenWord, ...]
    clips: tuple[int, ...]
    parts_rms: dict[str, float] = field(default_factory=dict)


def make_scene(
    settings: SceneSettings, rate_hz: int, clip_samples: int, source: ClipSource, noises: Sequence[NDArray[np.int16]]
) -> Scene:
    """Mix a stream.

    Args:
        settings: see `SceneSettings`.
        rate_hz: samples a second.
        clip_samples: longest clip.
        source: the words.
        noises: recordings of noise, each at least 1.5 s.

    Raises:
        KwsError: an interval shorter than a clip, no clips to speak, no noise or too short a one.
    """
    length = round(settings.minutes * 60 * rate_hz)
    rng = np.random.default_rng(settings.seed)
    noise = _mix_noise(length, rate_hz, noises, rng)
    placed = [] if settings.no_words else _place_words(settings, length, rate_hz, clip_samples, source, rng)
    voices = [(start, source.read(clip).astype(np.float32) / 32768) for start, clip, _ in placed]
    spoken = math.sqrt(sum(float(np.square(sound).sum()) for _, sound in voices) / max(1, sum(len(sound) for _, sound in voices)))
    level = _rms(noise)
    gain = settings.background_volume
    if settings.snr_db is not None and spoken > 0:
        gain = spoken / 10 ** (settings.snr_db / 20) / max(level, 1e-12)
    noise *= np.float32(gain)
    for start, sound in voices:
        noise[start : start + len(sound)] += sound
    samples = np.clip(np.rint(noise * 32768), -32768, 32767).astype(np.int16)
    truth = tuple(SpokenWord(label, start * 1000 // rate_hz) for start, _, label in placed)
    return Scene(samples, truth, tuple(clip for _, clip, _ in placed), {"words": spoken, "noise": level * gain})


def _place_words(
    settings: SceneSettings, length: int, rate_hz: int, clip_samples: int, source: ClipSource, rng: np.random.Generator
) -> list[tuple[int, int, str]]:
    """First sample, clip and label of each word."""
    interval = round(settings.interval_s * rate_hz)
    if interval < clip_samples:
        raise KwsError(
            f"interval_s: {settings.interval_s:g} s is less than a clip of {clip_samples / rate_hz:g} s; words may not overlap"
        )
    share = settings.unknown_percentage / 100
    for name, clips, needed in (("wanted", source.wanted, share < 1), ("other", source.unknown, share > 0)):
        if needed and not len(clips):
            raise KwsError(f"unknown_percentage: {settings.unknown_percentage:g} given, but there is no clip of {name} words")
    words = []
    for slot in range(length // interval):
        unknown = rng.random() < share
        clips = source.unknown if unknown else source.wanted
        clip = clips[int(rng.integers(len(clips)))]
        start = slot * interval + int(rng.integers(interval - clip_samples + 1))
        words.append((start, clip, UNKNOWN if unknown else source.labels(clip)))
    return words


def _mix_noise(length: int, rate_hz: int, noises: Sequence[NDArray[np.int16]], rng: np.random.Generator) -> NDArray[np.float32]:
    """Noise over the whole stream at full volume: pieces that fade into each other, each with a volume of its own."""
    piece, stride, ramp = (round(seconds * rate_hz) for seconds in (_PIECE_S, _PIECE_STRIDE_S, _RAMP_S))
    if not noises or min(len(noise) for noise in noises) < piece:
        raise KwsError(f"background noise: recordings of at least {_PIECE_S:g} s are needed; put some into _background_noise_")
    fade = np.ones(piece, np.float32)
    fade[:ramp] = np.linspace(0, 1, ramp, endpoint=False)
    fade[-ramp:] = np.linspace(1, 0, ramp, endpoint=False)
    mixed = np.zeros(length + piece, np.float32)
    for start in range(0, length, stride):
        noise = noises[int(rng.integers(len(noises)))]
        first = int(rng.integers(len(noise) - piece + 1))
        volume = np.float32(rng.random() / 32768)
        mixed[start : start + piece] += noise[first : first + piece] * fade * volume
    return mixed[:length]


def _rms(sound: NDArray[np.float32]) -> float:
    # In blocks, for an hour in float64 would not be modest.
    blocks = (sound[first : first + 1_000_000] for first in range(0, len(sound), 1_000_000))
    return math.sqrt(sum(float(np.square(block, dtype=np.float64).sum()) for block in blocks) / max(1, len(sound)))
