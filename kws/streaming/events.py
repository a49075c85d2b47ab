"""Spoken words and detections over time, and their files: TensorFlow's text, JSON lines, Audacity labels."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

from kws.errors import KwsError
from kws.files.atomic import atomic_write
from kws.files.table import pad

_log = logging.getLogger(__name__)
# The formats of a line of ground truth.
_ORIGINAL = "<label>, <ms>"
_AUDACITY = "start<tab>end<tab>label, in seconds"
# Starts an extra line after a label: the frequencies of a selection in Audacity's spectral view.
_SPECTRAL = "\\"


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word of the ground truth.

    Args:
        label: the word, or `_unknown_`.
        time_ms: when it starts.
    """

    label: str
    time_ms: int


@dataclass(frozen=True, slots=True)
class Detection:
    """A word found by the decoder.

    Args:
        label: the word.
        time_ms: start of the window that decided; 0 where that begins before the sound.
        score: its averaged score.
    """

    label: str
    time_ms: int
    score: float

    @property
    def keyword(self) -> str:
        """The word: `label`."""
        return self.label

    @property
    def time(self) -> float:
        """`time_ms` in seconds."""
        return self.time_ms / 1000

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary for JSON."""
        return asdict(self)


def read_truth(path: Path | str) -> tuple[SpokenWord, ...]:
    """Read ground truth, rounded to whole ms, sorted by time.

    The format is the tutorial's (TensorFlow's test_streaming_accuracy), `<label>, <ms>` a line, or a label track of
    Audacity, `start<tab>end<tab>label` in seconds; the first line decides. Empty lines and lines that start with `#`
    are skipped. TensorFlow skips every line that it can't read; here that is an error. Lines out of order are sorted,
    as there, with a warning.

    Raises:
        KwsError: the file can't be read, or a line is malformed or in the other format; names file and line.
    """
    words: list[SpokenWord] = []
    in_order, form = True, ""
    for place, line in _lines(path):
        if line.lstrip().startswith("#") or (form == _AUDACITY and line.startswith(_SPECTRAL)):
            continue
        of_line = _AUDACITY if _is_audacity(line) else _ORIGINAL
        form = form or of_line
        if of_line != form:
            raise KwsError(f"{place}: {line[:80]!r}; the lines before it are such as {form}: write all lines alike")
        word = _audacity_word(place, line) if form == _AUDACITY else _original_word(place, line)
        if in_order and words and word.time_ms < words[-1].time_ms:
            in_order = False
            _log.warning(
                "%s: %d ms after %d ms; the words are put in order: see that the times are right",
                place,
                word.time_ms,
                words[-1].time_ms,
            )
        words.append(word)
    return tuple(sorted(words, key=_time))


def write_truth(path: Path | str, words: Sequence[SpokenWord]) -> None:
    """Write ground truth as `read_truth` and TensorFlow read it.

    Raises:
        KwsError: a label with a comma or a line break, or that starts with `#`; or the file can't be written.
    """
    for word in words:
        if not _listable(word.label, ",") or word.label.startswith("#"):
            raise KwsError(
                f"{path}: the label {word.label!r} can't be listed: no comma, line break, space around it, or # at its start"
            )
    _write(path, [f"{word.label}, {word.time_ms}" for word in words])


def read_detections(path: Path | str) -> tuple[Detection, ...]:
    """Read detections from JSON lines: objects with `label`, `time_ms` and `score`; other keys are ignored.

    Raises:
        KwsError: the file can't be read, or a line is malformed; names file and line.
    """
    expected = '{"label": "yes", "time_ms": 1230, "score": 0.9}'
    detections = []
    for place, line in _lines(path):
        try:
            content = json.loads(line)
            label, time_ms, score = content["label"], content["time_ms"], content["score"]
        except (ValueError, KeyError, TypeError) as error:
            raise KwsError(f"{place}: {line[:80]!r}; a line such as {expected} is expected") from error
        if not isinstance(label, str) or any(isinstance(value, (bool, str)) for value in (time_ms, score)):
            _refuse(place, line, expected)
        time_ms, score = _number(time_ms, place, line, expected), _number(score, place, line, expected)
        detections.append(Detection(label, round(time_ms), score))
    return tuple(detections)


def write_detections(path: Path | str, detections: Sequence[Detection]) -> None:
    """Write detections as JSON lines.

    Raises:
        KwsError: the file can't be written.
    """
    _write(path, [json_line(detection) for detection in detections])


def read_audacity(path: Path | str) -> tuple[SpokenWord, ...]:
    """Read an Audacity label track (`start<tab>end<tab>label`, seconds) as ground truth, sorted by start.

    Raises:
        KwsError: the file can't be read, or a line is malformed; names file and line.
    """
    words = [_audacity_word(place, line) for place, line in _lines(path) if not line.startswith(_SPECTRAL)]
    return tuple(sorted(words, key=_time))


def write_audacity(path: Path | str, items: Sequence[SpokenWord | Detection], length_ms: float = 1000) -> None:
    """Write words or detections as an Audacity label track.

    Args:
        length_ms: length of each label, such as the model's window.

    Raises:
        KwsError: a label with a tab or a line break; or the file can't be written.
    """
    for item in items:
        if not _listable(item.label, "\t"):
            raise KwsError(f"{path}: the label {item.label!r} can't be listed: no tab, line break or space around it")
    _write(path, [audacity_line(item, length_ms) for item in items])


def json_line(found: Detection) -> str:
    """Return a detection as a line of JSON."""
    return json.dumps(found.to_dict(), ensure_ascii=False)


def audacity_line(item: SpokenWord | Detection, length_ms: float) -> str:
    """Return a word or a detection as a line of an Audacity label track, `length_ms` long."""
    return f"{item.time_ms / 1000:.6f}\t{(item.time_ms + length_ms) / 1000:.6f}\t{item.label}"


def text_line(found: Detection) -> str:
    """Return a detection as a line for people to read."""
    return f"{found.time_ms / 1000:9.2f} s  {pad(found.label, 16)} {found.score:.3f}"


def _is_audacity(line: str) -> bool:
    start, tab, _ = line.partition("\t")
    try:
        float(start)
    except ValueError:
        return False
    return bool(tab)


def _original_word(place: str, line: str) -> SpokenWord:
    parts = [part.strip() for part in line.split(",")]
    if len(parts) != 2 or not parts[0]:
        _refuse(place, line, _ORIGINAL)
    return SpokenWord(parts[0], round(_number(parts[1], place, line, _ORIGINAL)))


def _audacity_word(place: str, line: str) -> SpokenWord:
    parts = line.split("\t")
    if len(parts) != 3 or not parts[2].strip():
        _refuse(place, line, _AUDACITY)
    start_s, _ = (_number(part, place, line, _AUDACITY) for part in parts[:2])
    return SpokenWord(parts[2].strip(), round(1000 * start_s))


def _listable(label: str, separator: str) -> bool:
    return label.strip() == label and separator not in label and len(label.splitlines()) == 1


def _time(item: SpokenWord) -> int:
    return item.time_ms


def _lines(path: Path | str) -> Iterator[tuple[str, str]]:
    """Yield the non-empty lines, each with its location, `file:line`."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")  # editors on Windows write a byte order mark
    except OSError as error:
        raise KwsError(f"{path}: can't be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise KwsError(f"{path}: is no UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8") from error
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield f"{path}:{number}", line.rstrip("\r")


def _number(value: Any, place: str, line: str, expected: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        _refuse(place, line, expected)
    return number


def _refuse(place: str, line: str, expected: str) -> NoReturn:
    raise KwsError(f"{place}: {line[:80]!r}; a line such as {expected} is expected")


def _write(path: Path | str, lines: Sequence[str]) -> None:
    path = Path(path)
    try:
        with atomic_write(path) as temporary:
            temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    except OSError as error:
        raise KwsError(f"{path}: can't be written: {error.strerror or error}") from error
