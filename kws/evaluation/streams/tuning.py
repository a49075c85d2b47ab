"""Decoder settings by measurement: the most words found at no more than so many false accepts per hour."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from kws.errors import KwsError
from kws.evaluation.streams.offline_decoder import ScoredStream
from kws.evaluation.streams.operating_point import OperatingPoint, OperatingPointEvaluator, sort_key
from kws.evaluation.streams.tensorflow_accuracy import TOLERANCE_MS
from kws.evaluation.streams.word_thresholds import refine
from kws.labels import SILENCE, UNKNOWN
from kws.streaming.decoder import CommandDecoder
from kws.streaming.decoder_settings import DecoderSettings

# Networks are sure of themselves: the last hundredths matter as much as the middle.
_THRESHOLDS = (*(round(0.02 * step, 2) for step in range(10, 49)), 0.97, 0.98, 0.99, 0.995)


@dataclass(frozen=True)
class SearchSpace:
    """Values that are tried, each with each of the others; those of the settings to start from are tried as well.

    At an even stride `minimum_counts` matters only at the start of a stream, so that only the start's own is tried.
    """

    thresholds: tuple[float, ...] = _THRESHOLDS
    average_windows_ms: tuple[int, ...] = (250, 500, 750, 1000)
    suppressions_ms: tuple[int, ...] = (500, 1000, 1500)
    minimum_counts: tuple[int, ...] = ()

    def around(self, start: DecoderSettings) -> Iterator[list[DecoderSettings]]:
        """Yield all settings, grouped so that only thresholds vary within a group; the rest stays as in `start`."""
        windows = sorted({*self.average_windows_ms, start.average_window_ms})
        counts = sorted({*self.minimum_counts, start.minimum_count})
        suppressions = sorted({*self.suppressions_ms, start.suppression_ms})
        thresholds = sorted({*self.thresholds, start.threshold})
        if start.release_threshold is not None:
            thresholds = [threshold for threshold in thresholds if threshold >= start.release_threshold]
        for window_ms, count, suppression_ms in product(windows, counts, suppressions):
            steps = window_ms // start.stride_ms
            # What DecoderSettings refuses, for it would find nothing.
            if count > steps + 1 or steps * start.stride_ms < window_ms // 4:
                continue
            others = replace(start, average_window_ms=window_ms, minimum_count=count, suppression_ms=suppression_ms)
            yield [replace(others, threshold=threshold) for threshold in thresholds]


@dataclass(frozen=True)
class Tuning:
    """Result of a search.

    Args:
        target_per_hour: false accepts per hour that were allowed.
        before: the settings to start from.
        after: the chosen ones; where none reaches the target, those with the fewest false accepts.
        reached: the target was reached, with at least one word found.
        curve: the chosen settings at every threshold, rising; those with one threshold for all words.
        tried: settings that were measured.
        common: the best with one threshold for all words, where words have got their own after that; or None.
    """

    target_per_hour: float
    before: OperatingPoint
    after: OperatingPoint
    reached: bool
    curve: tuple[OperatingPoint, ...]
    tried: int
    common: OperatingPoint | None = None

    @property
    def proven(self) -> bool:
        """Return whether the whole confidence interval of the false accepts lies within the target."""
        return self.after.score.total.false_accepts_per_hour.high <= self.target_per_hour

    def to_dict(self) -> dict[str, Any]:
        """Convert to JSON types."""
        return {
            "target_false_accepts_per_hour": self.target_per_hour,
            "reached": self.reached,
            "proven": self.proven,
            "tried": self.tried,
            "before": _as_dict(self.before),
            "common": None if self.common is None else _as_dict(self.common),
            "after": _as_dict(self.after),
            "curve": [
                {
                    "threshold": point.settings.threshold,
                    "false_accepts_per_hour": point.score.total.false_accepts_per_hour.to_dict(),
                    "hit_rate": point.score.total.hit_rate.to_dict(),
                }
                for point in self.curve
            ],
        }


def tune(
    streams: Sequence[ScoredStream],
    start: DecoderSettings | None = None,
    *,
    false_accepts_per_hour: float = 0.5,
    space: SearchSpace | None = None,
    per_word: bool = False,
    tolerance_ms: int = TOLERANCE_MS,
    confidence: float = 0.95,
) -> Tuning:
    """Search for the settings that find the most words within a limit of false accepts per hour.

    Of equals: fewer false accepts, fewer words taken for others, lower median latency, closer to the defaults.

    Args:
        streams: all of the same labels.
        start: settings to start from and compare with; what is not searched (stride, thresholds of single words,
            repeats …) stays as in these.
        false_accepts_per_hour: the most allowed.
        space: values to try.
        per_word: then give each word its own threshold, if that finds more words at no more false accepts.
        tolerance_ms: farthest distance of a detection from its word.
        confidence: of the intervals.

    Raises:
        KwsError: no stream, streams of different labels, no keyword in them, or an invalid target.
    """
    start = start or DecoderSettings()
    _check(streams, start, false_accepts_per_hour)
    space, judge = space or SearchSpace(), OperatingPointEvaluator(streams, tolerance_ms, confidence)
    before = judge.point(start)
    if per_word:
        others = {label: value for label, value in dict(start.word_thresholds).items() if label in (SILENCE, UNKNOWN)}
        start = replace(start, word_thresholds=others)
    curves = [tuple(map(judge.point, settings)) for settings in space.around(start)]
    (after, curve, reached), tried = _best(curves, false_accepts_per_hour), sum(map(len, curves))
    if not (per_word and reached):
        return Tuning(false_accepts_per_hour, before, after, reached, curve, tried)
    refined, more = refine(judge.point, after, false_accepts_per_hour, [point.settings.threshold for point in curve])
    return Tuning(false_accepts_per_hour, before, refined, True, curve, tried + more, after)


def _best(
    curves: Sequence[tuple[OperatingPoint, ...]], target_per_hour: float
) -> tuple[OperatingPoint, tuple[OperatingPoint, ...], bool]:
    """Return the best point, the curve it lies on, and whether it reaches the target."""
    points = [(point, curve) for curve in curves for point in curve]
    # A decoder that finds nothing makes no false accepts either: that is no way to reach a target.
    useful = [(point, curve) for point, curve in points if point.score.total.hits]
    within = [pair for pair in useful if pair[0].score.total.false_accepts_per_hour.value <= target_per_hour]
    if within:
        return *min(within, key=lambda pair: sort_key(pair[0])), True
    return *min(useful or points, key=lambda pair: (pair[0].score.total.false_accepts, *sort_key(pair[0]))), False


def _as_dict(point: OperatingPoint) -> dict[str, Any]:
    return {"settings": point.settings.to_dict(), "score": point.score.to_dict()}


def _check(streams: Sequence[ScoredStream], start: DecoderSettings, target_per_hour: float) -> None:
    if not streams:
        raise KwsError("tuning: no stream given; at least one with wanted words in it is expected")
    labels = streams[0].labels
    if any(stream.labels != labels for stream in streams):
        raise KwsError(f"tuning: streams of different labels given; all must have {', '.join(labels)}")
    CommandDecoder(labels, start)  # refuses labels and thresholds that do not fit
    wanted = set(labels) - {SILENCE, UNKNOWN}
    if not any(word.label in wanted for stream in streams for word in stream.truth):
        raise KwsError(f"tuning: none of {', '.join(sorted(wanted))} is in the ground truth, so there is no hit rate to raise")
    if not 0 <= target_per_hour < math.inf:
        raise KwsError(f"false_accepts_per_hour: {target_per_hour} given; a number of at least 0 is expected")
