"""Tune a threshold for each word: spend the allowed false alarms where they gain the most hits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from kws.evaluation.streams.operating_point import OperatingPoint, sort_key
from kws.streaming.decoder_settings import DecoderSettings

_ROUNDS = 3


@dataclass(frozen=True)
class _Option:
    """Effect of one word's threshold: changes in total hits and false alarms; distance from the current threshold."""

    threshold: float
    hits: int
    false_accepts: int
    distance: float


def refine(
    measure: Callable[[DecoderSettings], OperatingPoint],
    common: OperatingPoint,
    target_per_hour: float,
    thresholds: Sequence[float],
) -> tuple[OperatingPoint, int]:
    """Search for thresholds of single words that find more words within the allowed false alarms.

    Words affect each other only through suppression, so each word's thresholds are measured with the others fixed. The
    best combination within the budget is a knapsack problem with one choice per word, solved exactly and measured as a
    whole; this repeats from there while it improves. Moving one word at a time finds fewer words.

    Args:
        measure: scores settings.
        common: the best point with one threshold for all words, within the target.
        target_per_hour: allowed false alarms per hour.
        thresholds: values to try.

    Returns:
        The best point, `common` if none was better; and the number of measured settings.
    """
    best, tried, hours = common, 0, common.score.total.hours
    for _ in range(_ROUNDS):
        options = {word: _options(measure, best, word, thresholds) for word in common.score.words}
        tried += sum(map(len, options.values()))
        spare = int(target_per_hour * hours + 1e-9) - best.score.total.false_accepts
        better = None
        # Where words do affect each other, the whole costs more than its parts: try a smaller budget.
        for budget in range(spare, spare - 5, -1):
            chosen = _knapsack(options, budget)
            if chosen is None or all(best.settings.threshold_of(word) == value for word, value in chosen.items()):
                break
            point, tried = measure(_with(best.settings, chosen)), tried + 1
            within = point.score.total.false_accepts_per_hour.value <= target_per_hour
            if within and sort_key(point)[:3] < sort_key(better or best)[:3]:
                better = point
        if better is None:
            break
        best = better
    return best, tried


def _options(
    measure: Callable[[DecoderSettings], OperatingPoint], base: OperatingPoint, word: str, thresholds: Sequence[float]
) -> list[_Option]:
    """Measure each threshold of a word, the others fixed; keep the Pareto front, and of equals the nearest."""
    now, total = base.settings.threshold_of(word), base.score.total
    options = [_Option(now, 0, 0, 0.0)]
    for threshold in thresholds:
        if threshold != now:
            score = measure(_with(base.settings, {word: threshold})).score.total
            hits, false_accepts = score.hits - total.hits, score.false_accepts - total.false_accepts
            options.append(_Option(threshold, hits, false_accepts, abs(threshold - now)))
    options.sort(key=lambda option: (option.false_accepts, -option.hits, option.distance))
    kept: list[_Option] = []
    for option in options:
        if not kept or option.hits > kept[-1].hits:
            kept.append(option)
    return kept


def _knapsack(options: dict[str, list[_Option]], budget: int) -> dict[str, float] | None:
    """Choose a threshold per word: the most hits with at most `budget` more false alarms; None if impossible."""
    # By additional false alarms: most hits, minus the distance from the current thresholds, and the thresholds.
    states: dict[int, tuple[int, float, tuple[float, ...]]] = {0: (0, 0.0, ())}
    for word in options:
        after: dict[int, tuple[int, float, tuple[float, ...]]] = {}
        for spent, (hits, near, chosen) in states.items():
            for option in options[word]:
                key = spent + option.false_accepts
                state = (hits + option.hits, near - option.distance, (*chosen, option.threshold))
                if key not in after or state[:2] > after[key][:2]:
                    after[key] = state
        states = after
    within = [(hits, -spent, near, chosen) for spent, (hits, near, chosen) in states.items() if spent <= budget]
    return dict(zip(options, max(within)[3], strict=True)) if within else None


def _with(settings: DecoderSettings, chosen: dict[str, float]) -> DecoderSettings:
    """Return the settings with these thresholds; those equal to the common threshold are dropped."""
    own = {**dict(settings.word_thresholds), **chosen}
    return replace(settings, word_thresholds={word: value for word, value in own.items() if value != settings.threshold})
