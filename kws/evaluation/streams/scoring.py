"""Score detections against the ground truth: one-to-one rates with confidence intervals, and latencies."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kws.errors import KwsError
from kws.evaluation.streams.intervals import Estimate, check_confidence, per_hour, share
from kws.evaluation.streams.matching import Matching, match_detections
from kws.evaluation.streams.tensorflow_accuracy import TOLERANCE_MS
from kws.files.table import text_table
from kws.labels import SILENCE, UNKNOWN
from kws.streaming.events import Detection, SpokenWord

_MS_PER_HOUR = 3_600_000


@dataclass(frozen=True)
class WordScore:
    """Score of one word, or of all words together.

    Args:
        hits: times the word was spoken and detected.
        wrong: substitutions: times it was spoken and another word was detected.
        missed: times it was spoken and nothing was detected.
        false_accepts: false alarms: detections where no word was, or one that already had its detection.
        substitutions_in: substitutions in which this keyword was detected in place of another.
        latencies_ms: of the hits, detection minus word. Both are starts, of a window and of a word, so a latency can be
            negative; the decision is available a window's length later.
        hours: length of the sound.
        confidence: of the intervals.
    """

    hits: int
    wrong: int
    missed: int
    false_accepts: int
    substitutions_in: int
    latencies_ms: tuple[int, ...]
    hours: float
    confidence: float

    @property
    def said(self) -> int:
        """Times the word was spoken."""
        return self.hits + self.wrong + self.missed

    @property
    def hit_rate(self) -> Estimate:
        """Share of spoken words that were detected, with its Wilson interval."""
        return share(self.hits, self.said, self.confidence)

    @property
    def wrong_rate(self) -> Estimate:
        """Share of spoken words that were mistaken for another, with its Wilson interval."""
        return share(self.wrong, self.said, self.confidence)

    @property
    def miss_rate(self) -> Estimate:
        """Share of spoken words at which nothing was detected, with its Wilson interval."""
        return share(self.missed, self.said, self.confidence)

    @property
    def false_accepts_per_hour(self) -> Estimate:
        """False alarms per hour of sound, with their exact Poisson interval."""
        return per_hour(self.false_accepts, self.hours, self.confidence)

    def latency_ms(self, percentile: float) -> float | None:
        """Return a percentile (0 to 100) of the latencies, interpolated; None without hits."""
        return float(np.percentile(self.latencies_ms, percentile)) if self.latencies_ms else None

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary for JSON: counts, rates with intervals, latency p50 and p95; null for missing values."""
        return {
            "said": self.said,
            "hits": self.hits,
            "wrong": self.wrong,
            "missed": self.missed,
            "false_accepts": self.false_accepts,
            "heard_for_another": self.substitutions_in,
            "hit_rate": self.hit_rate.to_dict(),
            "wrong_rate": self.wrong_rate.to_dict(),
            "miss_rate": self.miss_rate.to_dict(),
            "false_accepts_per_hour": self.false_accepts_per_hour.to_dict(),
            "latency_p50_ms": self.latency_ms(50),
            "latency_p95_ms": self.latency_ms(95),
        }


@dataclass(frozen=True)
class StreamScore:
    """Score of the detections in a stream.

    Args:
        total: all words together.
        words: each word.
        duration_ms: length of the sound.
        tolerance_ms: largest distance of a detection from its word.
    """

    total: WordScore
    words: Mapping[str, WordScore]
    duration_ms: int
    tolerance_ms: int

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary for JSON."""
        return {
            "duration_ms": self.duration_ms,
            "tolerance_ms": self.tolerance_ms,
            "confidence": self.total.confidence,
            **self.total.to_dict(),
            "words": {word: score.to_dict() for word, score in self.words.items()},
        }

    def to_text(self) -> str:
        """Format a table: a row for each word and one for all, rates with their intervals."""
        header = ("", "said", "hits", "wrong", "missed", "false", "hit rate", "false accepts an hour", "latency p50, p95")
        rows = []
        for name, score in (*self.words.items(), ("all words", self.total)):
            latency = [score.latency_ms(percentile) for percentile in (50, 95)]
            spread = ", ".join("–" if value is None else f"{value:.0f} ms" for value in latency)
            counts = (score.said, score.hits, score.wrong, score.missed, score.false_accepts)
            rows.append((name, *counts, _as_text(score.hit_rate, 100, " %"), _as_text(score.false_accepts_per_hour), spread))
        note = f"intervals of {100 * self.total.confidence:g} %; a detection answers a word within {self.tolerance_ms} ms"
        return f"{text_table(header, rows, align='<>>>>><<>')}\n{note}"


def score_detections(
    words: Sequence[SpokenWord],
    detections: Sequence[Detection],
    duration_ms: int,
    *,
    tolerance_ms: int = TOLERANCE_MS,
    confidence: float = 0.95,
    labels: Sequence[str] = (),
) -> StreamScore:
    """Score detections one to one.

    `_silence_` and `_unknown_` are not keywords: as detections they are ignored, and as ground truth they need no
    detection, so that a keyword detected at an unknown word is a false alarm.

    Args:
        words: the spoken words, in any order.
        detections: in any order.
        duration_ms: length of the sound.
        tolerance_ms: largest distance of a detection from its word.
        confidence: of the intervals.
        labels: words to list first, even without counts; others follow, sorted.

    Raises:
        KwsError: a duration, tolerance or confidence out of range, or a word after the end of the sound.
    """
    check_confidence(confidence)
    _check(words, duration_ms, tolerance_ms)
    reserved = (SILENCE, UNKNOWN)
    said = [word for word in words if word.label not in reserved]
    found = [detection for detection in detections if detection.label not in reserved]
    matching = match_detections(said, found, tolerance_ms)
    names = [*labels, *sorted({word.label for word in said} | {detection.label for detection in found})]
    hours = duration_ms / _MS_PER_HOUR
    scores = {name: _score(matching, {name}, hours, confidence) for name in names if name not in reserved}
    return StreamScore(_score(matching, set(names), hours, confidence), scores, duration_ms, tolerance_ms)


def _score(matching: Matching, names: set[str], hours: float, confidence: float) -> WordScore:
    return WordScore(
        hits=sum(word.label in names for word, _ in matching.hits),
        wrong=sum(word.label in names for word, _ in matching.wrong),
        missed=sum(word.label in names for word in matching.missed),
        false_accepts=sum(detection.label in names for detection in matching.false_accepts),
        substitutions_in=sum(detection.label in names for _, detection in matching.wrong),
        latencies_ms=tuple(found.time_ms - said.time_ms for said, found in matching.hits if said.label in names),
        hours=hours,
        confidence=confidence,
    )


def _as_text(estimate: Estimate, factor: float = 1, unit: str = "") -> str:
    if math.isnan(estimate.value):
        return "–"
    return f"{factor * estimate.value:.1f}{unit} ({factor * estimate.low:.1f}–{factor * estimate.high:.1f})"


def _check(words: Sequence[SpokenWord], duration_ms: int, tolerance_ms: int) -> None:
    if not duration_ms > 0:
        raise KwsError(f"duration_ms: {duration_ms} given; rates an hour need the length of the sound, above 0")
    if tolerance_ms < 0:
        raise KwsError(f"tolerance_ms: {tolerance_ms} given; at least 0 is expected")
    last_ms = max((word.time_ms for word in words), default=0)
    if last_ms > duration_ms:
        raise KwsError(f"ground truth: a word at {last_ms} ms, but the sound ends at {duration_ms} ms; is it of another stream?")
