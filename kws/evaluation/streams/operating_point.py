"""Score decoder settings on streams whose windows were scored."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from kws.evaluation.streams.offline_decoder import OfflineDecoder, ScoredStream
from kws.evaluation.streams.scoring import StreamScore, WordScore, score_detections
from kws.streaming.decoder_settings import DecoderSettings
from kws.streaming.events import Detection


@dataclass(frozen=True)
class OperatingPoint:
    """Decoder settings, and the score of their detections."""

    settings: DecoderSettings
    score: StreamScore


class OperatingPointEvaluator:
    """Scores settings; averages are computed once per window length, and equal detections are matched once."""

    def __init__(self, streams: Sequence[ScoredStream], tolerance_ms: int, confidence: float) -> None:
        self._streams, self._tolerance_ms, self._confidence = streams, tolerance_ms, confidence
        self._averages: list[OfflineDecoder] = []
        self._known: dict[tuple[int, tuple[Detection, ...]], StreamScore] = {}

    def point(self, settings: DecoderSettings) -> OperatingPoint:
        """Score settings over all streams."""
        # Only the latest averages are kept: those of an hour are large.
        if not self._averages or self._averages[0].window_ms != settings.average_window_ms:
            self._averages = [OfflineDecoder(stream, settings.average_window_ms) for stream in self._streams]
        scores = [self._score(place, averages.detect(settings)) for place, averages in enumerate(self._averages)]
        return OperatingPoint(settings, scores[0] if len(scores) == 1 else _together(scores))

    def _score(self, place: int, detections: tuple[Detection, ...]) -> StreamScore:
        if (place, detections) not in self._known:
            stream = self._streams[place]
            self._known[place, detections] = score_detections(
                stream.truth, detections, stream.duration_ms,
                tolerance_ms=self._tolerance_ms, confidence=self._confidence, labels=stream.labels,
            )  # fmt: skip
        return self._known[place, detections]


def _together(scores: Sequence[StreamScore]) -> StreamScore:
    """Add up the scores of several streams, each matched by itself."""
    names = list(dict.fromkeys(name for score in scores for name in score.words))
    hours = sum(score.total.hours for score in scores)
    words = {name: _sum([score.words[name] for score in scores if name in score.words], hours) for name in names}
    total = _sum([score.total for score in scores], hours)
    return StreamScore(total, words, sum(score.duration_ms for score in scores), scores[0].tolerance_ms)


def _sum(parts: Sequence[WordScore], hours: float) -> WordScore:
    return WordScore(
        hits=sum(part.hits for part in parts),
        wrong=sum(part.wrong for part in parts),
        missed=sum(part.missed for part in parts),
        false_accepts=sum(part.false_accepts for part in parts),
        substitutions_in=sum(part.substitutions_in for part in parts),
        latencies_ms=tuple(latency for part in parts for latency in part.latencies_ms),
        hours=hours,
        confidence=parts[0].confidence,
    )


def sort_key(point: OperatingPoint) -> tuple[float, ...]:
    """Return a sort key, best first: hits, then false alarms, substitutions, latency, distance from the defaults."""
    total, defaults = point.score.total, DecoderSettings()
    latency_ms = total.latency_ms(50)
    names = ("threshold", "average_window_ms", "suppression_ms", "minimum_count")
    distance = sum(abs(getattr(point.settings, name) / getattr(defaults, name) - 1) for name in names)
    return -total.hits, total.false_accepts, total.wrong, math.inf if latency_ms is None else latency_ms, distance
