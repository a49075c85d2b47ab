"""Settings of the decoder, stored in an exported model's metadata."""

from __future__ import annotations

import logging
import math
import operator
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from kws.errors import InputError

_log = logging.getLogger(__name__)
LONGEST_AVERAGE_MS = 10_000


@dataclass(frozen=True)
class DecoderSettings:
    """How scores over time become detections; the defaults are those of TensorFlow's test_streaming_accuracy.

    Args:
        average_window_ms: scores of this span, both ends included, are averaged, at most 10 s; 0: no averaging.
        threshold: a label is detected when its averaged score is above this (0 to 1).
        suppression_ms: after a detection, no other follows until more than this has passed; not after `_silence_`.
        minimum_count: windows that the averaging must hold before anything is decided.
        stride_ms: from one window's start to the next.
        word_thresholds: thresholds of single labels in place of `threshold`, as a mapping; 1: never. Kept as sorted
            pairs.
        consecutive_windows: the label must lead, above its threshold, in this many windows in a row; TensorFlow's is 1.
        release_threshold: hysteresis: a detected word is held until its averaged score falls to this or below, and
            while it is held nothing else is detected; None: no hold, as in TensorFlow's tutorial.
        repeat_words: detect a repeated word again, without another label between, once its averaged score fell to its
            threshold (`release_threshold` where set) or below and more than `suppression_ms` passed. False, as in the
            tutorial: the repetition is lost. `_silence_` and `_unknown_` never repeat: that would only suppress words.
        repeat_held_ms: with `repeat_words`, detect a word whose score never falls again each time this has passed, for
            words repeated so fast that their windows overlap; a steady sound mistaken for the word repeats too. None:
            the score must fall.

    Raises:
        InputError: a value out of range, or settings that together could never detect anything.
    """

    average_window_ms: int = 500
    threshold: float = 0.7
    suppression_ms: int = 1500
    minimum_count: int = 3
    stride_ms: int = 30
    word_thresholds: Mapping[str, float] | tuple[tuple[str, float], ...] = ()
    consecutive_windows: int = 1
    release_threshold: float | None = None
    repeat_words: bool = False
    repeat_held_ms: int | None = None

    def __post_init__(self) -> None:
        checked: dict[str, Any] = {
            "average_window_ms": _whole("average_window_ms", self.average_window_ms, 0),
            "threshold": _share("threshold", self.threshold),
            "suppression_ms": _whole("suppression_ms", self.suppression_ms, 0),
            "minimum_count": _whole("minimum_count", self.minimum_count, 1),
            "stride_ms": _whole("stride_ms", self.stride_ms, 1),
            "word_thresholds": _per_word(self.word_thresholds),
            "consecutive_windows": _whole("consecutive_windows", self.consecutive_windows, 1),
        }
        if self.release_threshold is not None:
            checked["release_threshold"] = _share("release_threshold", self.release_threshold)
        if self.repeat_held_ms is not None:
            checked["repeat_held_ms"] = _whole("repeat_held_ms", self.repeat_held_ms, 1)
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        if self.average_window_ms > LONGEST_AVERAGE_MS:
            raise InputError(
                f"average_window_ms: {self.average_window_ms} given; at most {LONGEST_AVERAGE_MS} is expected, for each result"
                " costs as much as the span holds, and a word is shorter"
            )
        self._check_window()
        self._check_extras()

    def threshold_of(self, label: str) -> float:
        """Return the threshold of a label: its own where it has one."""
        return dict(self.word_thresholds).get(label, self.threshold)

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary for JSON; `from_dict` reads it."""
        return {**asdict(self), "word_thresholds": dict(self.word_thresholds)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> DecoderSettings:
        """Build from the dictionary of `to_dict`; missing values take their defaults.

        Older files may hold a longer `average_window_ms` than is allowed now: the longest is taken, with a warning.

        Raises:
            InputError: an unknown name, or a value out of range.
        """
        if not isinstance(values, Mapping):
            raise InputError(f"decoder settings: {values!r} given; a mapping of names to values is expected")
        known = [field.name for field in fields(cls)]
        unknown = [str(name) for name in values if name not in known]
        if unknown:
            raise InputError(f"decoder settings: {', '.join(unknown)} unknown; {', '.join(known)} are known")
        return cls(**_shortened(values))

    def _check_window(self) -> None:
        steps = self.average_window_ms // self.stride_ms
        if self.minimum_count > steps + 1:
            raise InputError(
                f"minimum_count: {self.minimum_count} given, but a window of average_window_ms={self.average_window_ms} holds"
                f" {steps + 1} results at stride_ms={self.stride_ms}, so nothing would ever be found; give at most {steps + 1}"
            )
        # RecognizeCommands decides nothing before a quarter of the window has passed.
        if steps * self.stride_ms < self.average_window_ms // 4:
            raise InputError(
                f"stride_ms: {self.stride_ms} given, but average_window_ms={self.average_window_ms} is shorter,"
                f" so nothing would ever be found; give at most {self.average_window_ms}, or average_window_ms=0"
            )

    def _check_extras(self) -> None:
        if not isinstance(self.repeat_words, bool):
            raise InputError(f"repeat_words: {self.repeat_words!r} given; true or false is expected")
        if self.repeat_held_ms is not None and not self.repeat_words:
            raise InputError(f"repeat_held_ms: {self.repeat_held_ms} has no effect while repeat_words is false; set it to true")
        lowest = min(self.threshold, *dict(self.word_thresholds).values(), 1.0)
        if self.release_threshold is not None and self.release_threshold > lowest:
            raise InputError(
                f"release_threshold: {self.release_threshold} given; at most the lowest threshold, {lowest}, is expected"
            )


def _shortened(values: Mapping[str, Any]) -> dict[str, Any]:
    settings = dict(values)
    window_ms = settings.get("average_window_ms")
    if isinstance(window_ms, int) and window_ms > LONGEST_AVERAGE_MS:
        _log.warning(
            "average_window_ms: %d found in the model's settings; %d, the longest, is taken", window_ms, LONGEST_AVERAGE_MS
        )
        settings["average_window_ms"] = LONGEST_AVERAGE_MS
        stride_ms, count = settings.get("stride_ms", 30), settings.get("minimum_count", 3)
        if isinstance(stride_ms, int) and stride_ms > 0 and isinstance(count, int):
            settings["minimum_count"] = min(count, LONGEST_AVERAGE_MS // stride_ms + 1)
    return settings


def _whole(name: str, value: object, least: int) -> int:
    try:
        number = operator.index(value)  # type: ignore[arg-type]  # whether it can is what is asked
    except TypeError:
        number = least - 1
    if isinstance(value, bool) or number < least:
        raise InputError(f"{name}: {value!r} given; a whole number of at least {least} is expected")
    return number


def _share(name: str, value: object) -> float:
    try:
        number = math.nan if isinstance(value, (bool, str, bytes)) else float(value)  # type: ignore[arg-type]
    except TypeError:
        number = math.nan
    if not 0 <= number <= 1:
        raise InputError(f"{name}: {value!r} given; a number from 0 to 1 is expected")
    return number


def _per_word(given: object) -> tuple[tuple[str, float], ...]:
    try:
        pairs = [(word, value) for word, value in (given.items() if isinstance(given, Mapping) else given)]  # type: ignore[attr-defined]
    except (TypeError, ValueError) as error:
        raise InputError(f"word_thresholds: {given!r} given; a mapping of words to thresholds is expected") from error
    for word, _ in pairs:
        if not isinstance(word, str):
            raise InputError(f"word_thresholds: {word!r} is no word; YAML reads yes, no, on and off as truth values: quote them")
    if len({word for word, _ in pairs}) < len(pairs):
        raise InputError(f"word_thresholds: {given!r} names a word twice; give each one threshold")
    return tuple(sorted((word, _share(f"word_thresholds.{word}", value)) for word, value in pairs))
