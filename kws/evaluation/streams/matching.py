"""Match detections to spoken words, one to one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kws.streaming.events import Detection, SpokenWord


@dataclass(frozen=True)
class Matching:
    """Words and detections, matched one to one; each belongs to exactly one of the four groups.

    Args:
        hits: pairs with the same label.
        wrong: substitutions: pairs with different labels.
        missed: words without a detection.
        false_accepts: false alarms: detections without a word.
    """

    hits: tuple[tuple[SpokenWord, Detection], ...]
    wrong: tuple[tuple[SpokenWord, Detection], ...]
    missed: tuple[SpokenWord, ...]
    false_accepts: tuple[Detection, ...]


def match_detections(words: Sequence[SpokenWord], detections: Sequence[Detection], tolerance_ms: int) -> Matching:
    """Match words and detections at most `tolerance_ms` apart.

    First the maximum number of hits, preferring the smallest distances in time; then, from the rest, the maximum number
    of substitutions. So a second detection of a word is a false alarm, and never takes a neighbouring word, as it may
    in TensorFlow's count.
    """
    hits: list[tuple[int, int]] = []
    for label in {word.label for word in words}:
        said = [index for index, word in enumerate(words) if word.label == label]
        found = [index for index, detection in enumerate(detections) if detection.label == label]
        pairs = match_times([words[i].time_ms for i in said], [detections[i].time_ms for i in found], tolerance_ms)
        hits += [(said[row], found[column]) for row, column in pairs]
    said = _without(len(words), {row for row, _ in hits})
    found = _without(len(detections), {column for _, column in hits})
    pairs = match_times([words[i].time_ms for i in said], [detections[i].time_ms for i in found], tolerance_ms)
    wrong = [(said[row], found[column]) for row, column in pairs]
    return Matching(
        hits=tuple((words[row], detections[column]) for row, column in sorted(hits)),
        wrong=tuple((words[row], detections[column]) for row, column in sorted(wrong)),
        missed=tuple(words[i] for i in _without(len(words), {row for row, _ in hits + wrong})),
        false_accepts=tuple(detections[i] for i in _without(len(detections), {column for _, column in hits + wrong})),
    )


def match_times(first: Sequence[int], second: Sequence[int], tolerance: int) -> list[tuple[int, int]]:
    """Return pairs of indices (into `first`, into `second`) of times at most `tolerance` apart, each used at most once.

    The matching is maximum, and of all maximum matchings the one with the smallest sum of distances.
    """
    from scipy.optimize import linear_sum_assignment  # here, for it is slow to import

    one, two = np.array(first, np.int64), np.array(second, np.int64)
    rows, columns = np.argsort(one, kind="stable"), np.argsort(two, kind="stable")
    # Gaps longer than the tolerance split the problem: many small tables instead of one of all words by all detections.
    times = np.sort(np.concatenate([one, two]))
    edges = times[1:][np.diff(times) > tolerance]
    parts = (np.split(order, np.searchsorted(values[order], edges)) for order, values in ((rows, one), (columns, two)))
    pairs: list[tuple[int, int]] = []
    for row, column in zip(*parts, strict=True):
        distances = np.abs(one[row, None] - two[column])
        near = distances <= tolerance
        # One more pair outweighs any sum of distances.
        found = linear_sum_assignment(np.where(near, distances - (min(near.shape) + 1) * (tolerance + 1), 0))
        pairs += [(int(row[i]), int(column[j])) for i, j in zip(*found, strict=True) if near[i, j]]
    return pairs


def _without(size: int, taken: set[int]) -> list[int]:
    return [index for index in range(size) if index not in taken]
