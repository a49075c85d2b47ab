"""Tune decoder settings by measurement: the most hits within a limit of false alarms per hour."""

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

# Networks are confident: the last hundredths matter as much as the middle.
_THRESHOLDS = (*(round(0.02 * step, 2) for step in range(10, 49)), 0.97, 0.98, 0.99, 0.995)


@dataclass(frozen=True)
class SearchSpace:
    """Grid of values to try; those of the starting settings are always included.

    At a constant stride `minimum_counts` matters only at the start of a stream, so by default only the starting value
    is tried.
    """

    thresholds: tuple[float, ...] = _THRESHOLDS
    average_windows_ms: tuple[int, ...] = (250, 500, 750, 1000)
    suppressions_ms: tuple[int, ...] = (500, 1000, 1500)
    minimum_counts: tuple[int, ...] = ()

    def around(self, start: DecoderSettings) -> Iterator[list[DecoderSettings]]:
        """Yield lists of settings that differ in the threshold only; what is not searched stays as in `start`."""
        windows = sorted({*self.average_windows_ms, start.average_window_ms})
        counts = sorted({*self.minimum_counts, start.minimum_count})
        suppressions = sorted({*self.suppressions_ms, start.suppression_ms})
        thresholds = sorted({*self.thresholds, start.threshold})
        if start.release_threshold is not None:
            thresholds = [threshold for threshold in thresholds if threshold >= start.release_threshold]
        for window_ms, count, suppression_ms in product(windows, counts, suppressions):
            steps = window_ms // start.stride_ms
            # DecoderSettings refuses these, for nothing would ever be detected.
            if count > steps + 1 or steps * start.stride_ms < window_ms // 4:
                continue
            others = replace(start, average_window_ms=window_ms, minimum_count=count, suppression_ms=suppression_ms)
            yield [replace(others, threshold=threshold) for threshold in thresholds]


@dataclass(frozen=True)
class Tuning:
    """Result of a search.

    Args:
        target_per_hour: allowed false alarms per hour.
        before: the starting settings.
        after: the chosen settings; if none reaches the target, those with the fewest false alarms.
        reached: the target was reached, with at least one hit.
        curve: the chosen settings at every threshold, ascending, with one threshold for all words.
        tried: number of measured settings.
        common: the best with one threshold for all words, if words then got their own thresholds; else None.
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
        """Whether the whole confidence interval of the false alarms is within the target: the sound was long enough."""
        return self.after.score.total.false_accepts_per_hour.high <= self.target_per_hour

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary for JSON."""
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
    """Search for the settings with the most hits within a limit of false alarms per hour over all streams.

    Ties: fewer false alarms, fewer substitutions, lower median latency, closer to the defaults.

    Args:
        streams: all with the same labels.
        start: settings to start from and compare with; what is not searched (stride, thresholds of single words,
            repeats …) stays as it is there.
        false_accepts_per_hour: largest allowed number.
        space: values to try.
        per_word: then give each word its own threshold, if that gains hits without more false alarms than allowed.
        tolerance_ms: largest distance of a detection from its word.
        confidence: of the intervals.

    Raises:
        KwsError: no stream, streams with different labels, no keyword in them, or a target out of range.
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
    """Return the best point, its curve, and whether it reaches the target."""
    points = [(point, curve) for curve in curves for point in curve]
    # A decoder that detects nothing makes no false alarms either, but is of no use.
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
    CommandDecoder(labels, start)  # raises if labels and thresholds do not fit
    wanted = set(labels) - {SILENCE, UNKNOWN}
    if not any(word.label in wanted for stream in streams for word in stream.truth):
        raise KwsError(f"tuning: none of {', '.join(sorted(wanted))} is in the ground truth, so there is no hit rate to raise")
    if not 0 <= target_per_hour < math.inf:
        raise KwsError(f"false_accepts_per_hour: {target_per_hour} given; a number of at least 0 is expected")
