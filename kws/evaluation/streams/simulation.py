"""Simulate test streams: words at random times over background noise, with their ground truth. NumPy only."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kws.audio.wav_header import MOST_WAV_BYTES
from kws.errors import KwsError
from kws.evaluation.streams.simulation_settings import SimulationSettings
from kws.labels import UNKNOWN
from kws.streaming.events import SpokenWord

# As TensorFlow's generate_streaming_test_wav: every second a 1.5 s piece of noise starts, so neighbours overlap by half
# a second; noise fades over 250 ms, a word over 500 samples (at 16 kHz).
_PIECE_S, _PIECE_STRIDE_S, _PIECE_FADE_S, _WORD_FADE_S = 1.5, 1.0, 0.25, 500 / 16_000
# A stream is mixed in blocks, so that an hour needs little more memory than its 16-bit samples.
_BLOCK_S = 30


@dataclass(frozen=True)
class ClipSource:
    """Clips to place in a stream.

    Attributes:
        wanted, unknown: indices of the clips of keywords and of other words.
        labels: maps the index of a keyword's clip to its label.
        read: maps a clip's index to its sound, int16 (samples,), at most `clip_samples` long.
    """

    wanted: Sequence[int]
    unknown: Sequence[int]
    labels: Callable[[int], str]
    read: Callable[[int], NDArray[np.int16]]


@dataclass(frozen=True)
class SimulatedStream:
    """A simulated stream.

    Attributes:
        samples: int16 (samples,).
        truth: the spoken words. As in TensorFlow's tutorial, a word's time is the start of its clip; the word itself
            starts later, and the window of sound that starts at this time holds the whole clip.
        clips: index of each word's clip.
        parts_rms: root mean square of the `words` (over their clips) and of the `noise`, full scale 1, before mixing.
        clipped: number of samples whose sum exceeded full scale; they saturate.
    """

    samples: NDArray[np.int16]
    truth: tuple[SpokenWord, ...]
    clips: tuple[int, ...]
    parts_rms: dict[str, float]
    clipped: int


@dataclass(frozen=True)
class _Track:
    """Sounds at known times, read only when they are mixed.

    Attributes:
        starts: first sample of each sound, ascending.
        longest: length of the longest sound, in samples.
        read: maps a sound's index to its samples, float32, full scale 1.
    """

    starts: Sequence[int]
    longest: int
    read: Callable[[int], NDArray[np.float32]]

    def mix(self, first: int, last: int) -> NDArray[np.float32]:
        """Mix the track from one sample to another."""
        block = np.zeros(last - first, np.float32)
        for number in range(bisect_right(self.starts, first - self.longest), bisect_left(self.starts, last)):
            start, sound = self.starts[number], self.read(number)
            low, high = max(start, first), min(start + len(sound), last)
            if low < high:
                block[low - first : high - first] += sound[low - start : high - start]
        return block


def simulate_stream(
    settings: SimulationSettings, sample_rate: int, clip_samples: int, source: ClipSource, noises: Sequence[NDArray[np.int16]]
) -> SimulatedStream:
    """Simulate a stream as TensorFlow's generate_streaming_test_wav does.

    Args:
        settings: see `SimulationSettings`.
        sample_rate: in Hz.
        clip_samples: longest length of a clip, in samples.
        source: the words' clips.
        noises: noise recordings, each at least 1.5 s long.

    Raises:
        KwsError: an interval shorter than a clip, a stream shorter than an interval, no clips, no noise or a recording
            that is too short, or only digital silence where `snr_db` is given.
    """
    length = _length(settings.minutes, sample_rate, clip_samples)
    rng = np.random.default_rng(settings.seed)
    noise = _noise_track(length, sample_rate, noises, rng)
    placed = [] if settings.no_words else _place_words(settings, length, sample_rate, clip_samples, source, rng)
    words = _word_track(placed, sample_rate, clip_samples, source)
    blocks = [(first, min(first + _BLOCK_S * sample_rate, length)) for first in range(0, length, _BLOCK_S * sample_rate)]
    spoken = _rms(words.read(number) for number in range(len(placed)))
    level = _rms(noise.mix(first, last) for first, last in blocks)
    gain = settings.background_volume if settings.snr_db is None else _gain(settings.snr_db, spoken, level)
    samples, clipped = np.empty(length, np.int16), 0
    for first, last in blocks:
        mixed = np.rint(32768 * (words.mix(first, last) + np.float32(gain) * noise.mix(first, last)))
        clipped += int(np.count_nonzero((mixed < -32768) | (mixed > 32767)))
        samples[first:last] = np.clip(mixed, -32768, 32767)
    truth = tuple(SpokenWord(label, start * 1000 // sample_rate) for start, _, label in placed)
    return SimulatedStream(
        samples, truth, tuple(clip for _, clip, _ in placed), {"words": spoken, "noise": level * gain}, clipped
    )


def _length(minutes: float, sample_rate: int, clip_samples: int) -> int:
    """Return the length of a stream in samples.

    Raises:
        KwsError: shorter than a clip, or longer than a WAV file holds.
    """
    most = MOST_WAV_BYTES // 2 / (60 * sample_rate)
    if minutes > most:
        raise KwsError(f"minutes: {minutes:g} given; a WAV file holds at most {most:.0f} at {sample_rate} Hz; make several")
    length = round(minutes * 60 * sample_rate)
    if length < clip_samples:
        raise KwsError(f"minutes: {minutes:g} is less than a clip of {clip_samples / sample_rate:g} s; give more")
    return length


def _place_words(
    settings: SimulationSettings, length: int, sample_rate: int, clip_samples: int, source: ClipSource, rng: np.random.Generator
) -> list[tuple[int, int, str]]:
    """Return first sample, clip and label of each word: labels are drawn first, so that rare words are as frequent."""
    interval = round(settings.interval_s * sample_rate)
    if interval < clip_samples:
        raise KwsError(
            f"interval_s: {settings.interval_s:g} s is less than a clip of {clip_samples / sample_rate:g} s; words can't overlap"
        )
    if length < interval:
        raise KwsError(
            f"minutes: {settings.minutes:g} is less than one interval_s of {settings.interval_s:g} s, so no word has a place"
        )
    share = settings.unknown_percentage / 100
    for name, among, needed in (("wanted", source.wanted, share < 1), ("other", source.unknown, share > 0)):
        if needed and not len(among):
            raise KwsError(f"unknown_percentage: {settings.unknown_percentage:g} given, but there is no clip of {name} words")
    clips: dict[str, list[int]] = {}
    for clip in source.wanted:
        clips.setdefault(source.labels(clip), []).append(clip)
    labels = sorted(clips)
    words = []
    for slot in range(length // interval):
        label = UNKNOWN if rng.random() < share else labels[rng.integers(len(labels))]
        among = source.unknown if label == UNKNOWN else clips[label]
        start = slot * interval + int(rng.integers(interval - clip_samples + 1))
        words.append((start, int(among[int(rng.integers(len(among)))]), label))
    return words


def _word_track(placed: Sequence[tuple[int, int, str]], sample_rate: int, clip_samples: int, source: ClipSource) -> _Track:
    def read(number: int) -> NDArray[np.float32]:
        sound = source.read(placed[number][1])
        return sound * _envelope(len(sound), round(_WORD_FADE_S * sample_rate)) / np.float32(32768)

    return _Track([start for start, _, _ in placed], clip_samples, read)


def _noise_track(length: int, sample_rate: int, noises: Sequence[NDArray[np.int16]], rng: np.random.Generator) -> _Track:
    """Build the noise of the whole stream: overlapping pieces, each with a random volume."""
    piece, stride = round(_PIECE_S * sample_rate), round(_PIECE_STRIDE_S * sample_rate)
    shortest = min((len(noise) for noise in noises), default=0)
    if shortest < piece:
        raise KwsError(
            f"background noise: recordings of at least {_PIECE_S:g} s are needed, {shortest / sample_rate:g} s found;"
            " put longer ones into _background_noise_"
        )
    starts: Sequence[int] = range(0, length, stride)
    which = rng.integers(len(noises), size=len(starts))
    room = np.array([len(noise) - piece + 1 for noise in noises])[which]
    offsets = (rng.random(len(starts)) * room).astype(np.int64)
    volumes = rng.random(len(starts), dtype=np.float32) / np.float32(32768)
    envelope = _envelope(piece, round(_PIECE_FADE_S * sample_rate))

    def read(number: int) -> NDArray[np.float32]:
        sound: NDArray[np.float32] = noises[which[number]][offsets[number] :][:piece] * envelope * volumes[number]
        return sound

    return _Track(starts, piece, read)


def _envelope(length: int, fade: int) -> NDArray[np.float32]:
    """Build an envelope that rises from 0 over `fade` samples, and falls over the same number at the end."""
    place = np.arange(length, dtype=np.float32)
    envelope: NDArray[np.float32] = np.minimum(np.float32(1), np.minimum(place, length - place) / np.float32(max(1, fade)))
    return envelope


def _rms(sounds: Iterator[NDArray[np.float32]]) -> float:
    total, count = 0.0, 0
    for sound in sounds:
        total += float(np.square(sound, dtype=np.float64).sum())
        count += len(sound)
    return math.sqrt(total / max(1, count))


def _gain(snr_db: float, spoken: float, level: float) -> float:
    """Return the gain of the noise that puts words of one level `snr_db` above it."""
    for name, found in (("words", spoken), ("noise", level)):
        if found == 0:
            raise KwsError(
                f"snr_db: {snr_db:g} given, but the {name} drawn are digital silence; mend the recordings, or leave it out"
            )
    return spoken / level * math.pow(10, -snr_db / 20)
