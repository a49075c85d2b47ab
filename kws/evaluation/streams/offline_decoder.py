"""Decode a whole stream's scores with many settings: averages are computed once per window length."""

from __future__ import annotations

import math
import zipfile
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kws.errors import KwsError
from kws.labels import SILENCE, UNKNOWN
from kws.streaming.decoder_settings import DecoderSettings
from kws.streaming.events import Detection, SpokenWord
from kws.streaming.score_window import ScoreWindow


@dataclass(frozen=True, eq=False)
class ScoredStream:
    """Scores of a stream, with its ground truth.

    Args:
        times_ms: integers (windows,), start of each window, not decreasing; negative before the sound.
        scores: float32 (windows, labels), finite.
        labels: names of the scores.
        truth: the spoken words; empty for sound without keywords, whose false alarms count all the same.
        duration_ms: of the sound.

    Raises:
        KwsError: shapes that do not fit, times that decrease, or NaN or infinite scores.
    """

    times_ms: NDArray[np.int64]
    scores: NDArray[np.float32]
    labels: tuple[str, ...]
    truth: tuple[SpokenWord, ...]
    duration_ms: int

    def __post_init__(self) -> None:
        times, scores = np.asarray(self.times_ms), np.asarray(self.scores, dtype=np.float32)
        if times.ndim != 1 or scores.shape != (len(times), len(self.labels)):
            raise KwsError(
                f"scores of shape {scores.shape} with times of shape {times.shape} and {len(self.labels)} labels;"
                " (windows, labels) and (windows,) are expected"
            )
        if not np.issubdtype(times.dtype, np.integer) or (np.diff(times) < 0).any():
            raise KwsError("times_ms: whole milliseconds that do not run backwards are expected")
        if not np.isfinite(scores).all():
            raise KwsError("scores: NaN or infinite ones found; finite numbers are expected")
        object.__setattr__(self, "times_ms", times.astype(np.int64))
        object.__setattr__(self, "scores", scores)


def read_scores(path: Path, truth: tuple[SpokenWord, ...], clip_ms: float) -> ScoredStream:
    """Read the scores that `kws stream --scores` wrote.

    Args:
        path: an `.npz` file with `times_ms`, `scores`, `labels` and `duration_ms`.
        truth: the spoken words.
        clip_ms: length of a window; older files lack `duration_ms`: there the sound ends with the last window.

    Raises:
        KwsError: the file can't be read, or is no such file.
    """
    try:
        with np.load(path, allow_pickle=False) as content:
            names, times_ms = tuple(str(name) for name in content["labels"]), content["times_ms"]
            duration_ms = int(content["duration_ms"] if "duration_ms" in content else times_ms[-1] + clip_ms)
            return ScoredStream(times_ms, content["scores"], names, truth, duration_ms)
    except KwsError as error:
        raise KwsError(f"{path}: {error}; `kws stream --scores` writes such files") from error
    except (OSError, ValueError, LookupError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise KwsError(f"{path}: can't be read as scores of a stream ({error}); `kws stream --scores` writes them") from error


class OfflineDecoder:
    """Averaged scores of a stream for one averaging window; `detect` then gives what CommandDecoder gives, but faster.

    Args:
        stream: scores over time.
        window_ms: span of the averaging.
    """

    def __init__(self, stream: ScoredStream, window_ms: int) -> None:
        self.labels, self.window_ms, self.times_ms = stream.labels, window_ms, stream.times_ms
        self._means = np.zeros_like(stream.scores)
        self._known = np.zeros(len(self.times_ms), dtype=np.bool_)
        window = ScoreWindow(len(self.labels), window_ms, 1)
        for index, time_ms in enumerate(self.times_ms.tolist()):
            mean = window.add(stream.scores[index], time_ms)
            if mean is not None:
                self._means[index], self._known[index] = mean, True
        # The number of scores in a mean does not depend on the settings; only the required number does.
        first = np.searchsorted(self.times_ms, self.times_ms - window_ms, side="left")
        self._counts = np.arange(1, len(first) + 1) - first
        self._tops = self._means.argmax(axis=1)
        self._best = self._means.max(axis=1, initial=-np.inf)

    def detect(self, settings: DecoderSettings) -> tuple[Detection, ...]:
        """Return CommandDecoder's detections in the stream, looking only at windows above their threshold.

        Raises:
            KwsError: the settings have another `average_window_ms`.
        """
        if settings.average_window_ms != self.window_ms:
            raise KwsError(f"average_window_ms: {settings.average_window_ms} given; these averages are of {self.window_ms}")
        known = self._known & (self._counts >= settings.minimum_count)
        thresholds = np.array([settings.threshold_of(label) for label in self.labels], dtype=np.float32)
        above = known & (self._best > thresholds[self._tops])
        if settings.consecutive_windows > 1:
            above = self._in_a_row(above, settings.consecutive_windows)
        held = _Held(self._means, known, thresholds, settings)
        places = np.flatnonzero(above)
        found = _walk(places, self.times_ms[places], self._tops[places], self.labels, settings, held)
        times, best = self.times_ms, self._best
        return tuple(Detection(self.labels[self._tops[i]], max(int(times[i]), 0), float(best[i])) for i in found)

    def _in_a_row(self, above: NDArray[np.bool_], least: int) -> NDArray[np.bool_]:
        """Mark the windows at which one label led, above its threshold, in at least `least` windows in a row."""
        places = np.arange(len(above))
        starts = above.copy()
        starts[1:] &= ~(above[:-1] & (self._tops[1:] == self._tops[:-1]))
        started: NDArray[np.int64] = np.maximum.accumulate(np.where(starts, places, 0))
        result: NDArray[np.bool_] = above & (places - started + 1 >= least)
        return result


class _Held:
    """Tells how long a detected word is held (`release_threshold`, `repeat_words`)."""

    def __init__(
        self, means: NDArray[np.float32], known: NDArray[np.bool_], thresholds: NDArray[np.float32], settings: DecoderSettings
    ) -> None:
        release = settings.release_threshold
        self.matters = settings.repeat_words or release is not None
        if self.matters:
            releases = thresholds if release is None else np.full_like(thresholds, release)
            low = (means <= releases) | ~known[:, None]
            self._ends = [np.flatnonzero(column).tolist() for column in low.T]

    def until(self, place: int, label: int) -> float:
        """Return the first window after `place` at which the label is no longer held."""
        ends = self._ends[label]
        following = bisect_right(ends, place)
        return ends[following] if following < len(ends) else math.inf


def _walk(
    places: NDArray[np.int64],
    times_ms: NDArray[np.int64],
    tops: NDArray[np.int64],
    labels: tuple[str, ...],
    settings: DecoderSettings,
    held: _Held,
) -> list[int]:
    """Return the indices of new detections among windows above threshold: CommandDecoder's rules, skipping ahead."""
    silence = labels.index(SILENCE) if SILENCE in labels else -1
    reserved = {silence, labels.index(UNKNOWN) if UNKNOWN in labels else -1}
    other = _next_other(tops)
    where, when, which = places.tolist(), times_ms.tolist(), tops.tolist()
    found, found_ms, held_until, new, step = silence, 0, -1.0, [], 0
    while step < len(where):
        passed_ms = when[step] - found_ms
        if found != silence and passed_ms <= settings.suppression_ms:
            step = bisect_right(when, found_ms + settings.suppression_ms)
            continue
        label, released = which[step], where[step] >= held_until
        if label == found:
            if not settings.repeat_words or found in reserved:
                step = other[step]
                continue
            is_new = released or (settings.repeat_held_ms is not None and passed_ms >= settings.repeat_held_ms)
        else:
            is_new = released or settings.release_threshold is None
        if is_new:
            new.append(where[step])
            found, found_ms = label, when[step]
            held_until = held.until(where[step], label) if held.matters and label not in reserved else -1.0
        step += 1
    return new


def _next_other(tops: NDArray[np.int64]) -> list[int]:
    """Return, for each position, the next position with another label."""
    stops = np.append(np.flatnonzero(np.diff(tops)) + 1, len(tops))
    return np.repeat(stops, np.diff(stops, prepend=0)).tolist() if len(tops) else []
