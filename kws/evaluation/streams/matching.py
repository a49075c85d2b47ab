"""Which detection answers which word: each at most once."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from kws.streaming.events import Detection, SpokenWord


@dataclass(frozen=True)
class Matching:
    """Words and detections, paired one to one; each is in exactly one place.

    Args:
        hits: pairs of the same label.
        wrong: pairs of different labels: another word was heard.
        missed: words without a detection.
        false_accepts: detections without a word.
    """

    hits: tuple[tuple[SpokenWord, Detection], ...]
    wrong: tuple[tuple[SpokenWord, Detection], ...]
    missed: tuple[SpokenWord, ...]
    false_accepts: tuple[Detection, ...]


def match_detections(words: Sequence[SpokenWord], detections: Sequence[Detection], tolerance_ms: int) -> Matching:
    """Pair words and detections at most `tolerance_ms` apart.

    As many hits as there can be, and of those the ones nearest in time; then as many wrong pairs as there can be of what is left.
    So a second detection of a word is a false accept, and never takes its neighbour's word (in the original's count it may).
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
    """Pairs of indices (into `first`, into `second`) of times at most `tolerance` apart, each in at most one pair.

    A maximum matching, and of those the one with the smallest sum of distances. Takes time and memory in proportion to the
    pairs within the tolerance.
    """
    rows, columns = sorted(range(len(first)), key=first.__getitem__), sorted(range(len(second)), key=second.__getitem__)
    times = [second[column] for column in columns]
    # On a line some best matching never crosses, so a table of best values of prefixes finds it; outside of the band of
    # columns within the tolerance a row repeats the row before it. One pair more outweighs every distance.
    pair = (min(len(first), len(second)) + 1) * (tolerance + 1)
    bands = [(bisect_left(times, first[row] - tolerance), bisect_right(times, first[row] + tolerance)) for row in rows]
    table: list[list[int]] = []
    for index, (row, (low, high)) in enumerate(zip(rows, bands, strict=True)):
        best = [_best(table, bands, index, low)]
        for column in range(low, high):
            joined = _best(table, bands, index, column) + pair - abs(first[row] - times[column])
            best.append(max(best[-1], _best(table, bands, index, column + 1), joined))
        table.append(best)
    pairs, row, column = [], len(rows), len(columns)
    while row and column:
        if column <= bands[row - 1][0] or _best(table, bands, row, column) == _best(table, bands, row - 1, column):
            row -= 1
        elif _best(table, bands, row, column) == _best(table, bands, row, column - 1):
            column -= 1
        else:
            row, column = row - 1, column - 1
            pairs.append((rows[row], columns[column]))
    return pairs[::-1]


def _best(table: list[list[int]], bands: list[tuple[int, int]], rows: int, columns: int) -> int:
    """The best value of the first so many rows and columns; columns not left of the last row's band."""
    if not rows:
        return 0
    low, high = bands[rows - 1]
    return table[rows - 1][min(columns, high) - low]


def _without(size: int, taken: set[int]) -> list[int]:
    return [index for index in range(size) if index not in taken]
