"""Made-up scores of a stream, and what the decoder itself finds in them."""

from __future__ import annotations

import numpy as np

from kws.evaluation.streams.offline_decoder import ScoredStream
from kws.streaming.decoder import CommandDecoder
from kws.streaming.decoder_settings import DecoderSettings
from kws.streaming.events import Detection, SpokenWord

LABELS = ("_silence_", "_unknown_", "yes", "no")


def decoded(stream: ScoredStream, decoder_settings: DecoderSettings) -> tuple[Detection, ...]:
    """What the decoder itself finds, result by result; in windows that begin before the sound, at its beginning."""
    decoder = CommandDecoder(stream.labels, decoder_settings)
    decisions = [decoder.step(row, int(time_ms)) for row, time_ms in zip(stream.scores, stream.times_ms, strict=True)]
    return tuple(Detection(d.label, max(d.time_ms, 0), d.score) for d in decisions if d.is_new)


def made(minutes: float, seed: int = 0, words: bool = True, labels: int = 4) -> ScoredStream:
    """Scores as of a network that is often right: a word every 3 s, and now and then a short burst of one where none was."""
    rng = np.random.default_rng(seed)
    names = (*LABELS, *(f"word{index}" for index in range(labels - len(LABELS))))
    times_ms = np.arange(0, round(60_000 * minutes) - 1000, 30)
    logits = rng.normal(0, 0.7, (len(times_ms), labels))
    logits[:, 0] += 3
    truth = []
    for start_ms in range(1000, len(times_ms) * 30 - 3000, 3000):
        spoken, heard = int(rng.integers(2, labels)), rng.random()
        length_ms = int(rng.integers(250, 800)) if heard < 0.8 else 150
        inside = (times_ms >= start_ms - 300) & (times_ms < start_ms - 300 + length_ms)
        if words or heard > 0.8:
            logits[inside, spoken] += 7
        if words and (heard < 0.8 or heard > 0.95):
            truth.append(SpokenWord(names[spoken], start_ms))
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return ScoredStream(times_ms, scores.astype(np.float32), names, tuple(truth), round(60_000 * minutes))
