"""A threshold of its own for each word: false accepts are spent where they find the most words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from kws.evaluation.streams.operating_point import OperatingPoint, sort_key
from kws.streaming.decoder_settings import DecoderSettings

_ROUNDS = 3


@dataclass(frozen=True)
class _Option:
    """Effect of one word's threshold: change of all hits and false accepts, and distance from the former threshold."""

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
    """Search for thresholds of single words that find more words at no more than the allowed false accepts.

    Words hardly touch each other (only by suppression), so the thresholds of each are measured with the others held.
    The best combination within the budget is then a knapsack with one choice a word, solved exactly, and measured as a
    whole, again and again while it gets better. Moving one word at a time instead lost up to two hits a stream.

    Args:
        measure: gives what settings are worth.
        common: the best with one threshold for all, within the target.
        target_per_hour: false accepts per hour that are allowed.
        thresholds: to try.

    Returns:
        The best, `common` where nothing was better; and how many settings were measured.
    """
    best, tried, hours = common, 0, common.score.total.hours
    for _ in range(_ROUNDS):
        options = {word: _options(measure, best, word, thresholds) for word in common.score.words}
        tried += sum(map(len, options.values()))
        spare = int(target_per_hour * hours + 1e-9) - best.score.total.false_accepts
        better = None
        # Where words do touch each other the whole costs more than its parts: then with less to spend.
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
    """Measure each threshold of a word, the others held; keep the nearest of equals, drop dominated ones."""
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
    """Choose one threshold per word for the most hits within `budget` more false accepts; None if impossible."""
    # False accepts so far: the most hits with them, how near the thresholds are to those before, and which they are.
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
    """Return the settings with these thresholds; a word with the common one has none of its own."""
    own = {**dict(settings.word_thresholds), **chosen}
    return replace(settings, word_thresholds={word: value for word, value in own.items() if value != settings.threshold})
