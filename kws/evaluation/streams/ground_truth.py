"""Check that a ground truth belongs to a model and a sound. NumPy only."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from kws.errors import KwsError
from kws.streaming.events import SpokenWord, read_truth

_log = logging.getLogger(__name__)
# Nobody says words faster than one in this time.
_FASTEST_MS = 100


def read_truth_of(path: Path, labels: Sequence[str]) -> tuple[SpokenWord, ...]:
    """Read a ground truth and check that its labels are the model's.

    Raises:
        KwsError: it can't be read, or has a label that the model lacks.
    """
    truth = read_truth(path)
    strangers = sorted({word.label for word in truth} - set(labels))
    if strangers:
        known = ", ".join(labels)
        raise KwsError(f"{path}: labels {', '.join(strangers)} are not among the model's ({known}); call other words _unknown_")
    return truth


def check_times(path: Path, truth: Sequence[SpokenWord], sound: Path, duration_ms: int) -> None:
    """Refuse a ground truth of another stream, or one in seconds; warn if it may be in seconds.

    Args:
        path: of the ground truth.
        truth: the spoken words.
        sound: file of the sound.
        duration_ms: length of the sound.

    Raises:
        KwsError: a word lies outside the sound, or all words lie in its first thousandth and follow each other faster
            than anybody speaks.
    """
    for word in truth:
        if not 0 <= word.time_ms <= duration_ms:
            raise KwsError(
                f"{path}: a word at {word.time_ms} ms ({word.label}), but the sound of {sound} ends at {duration_ms} ms;"
                " is it of another stream, or in other units than milliseconds?"
            )
    last_ms = max((word.time_ms for word in truth), default=0)
    if not 0 < 1000 * last_ms <= duration_ms:
        return
    said = (
        f"{path}: all of its words lie in the first {last_ms} ms of the {duration_ms / 1000:.0f} s of {sound}, as if the times"
        " were seconds; milliseconds are expected (times 1000), or Audacity's labels (start<tab>end<tab>label, in seconds)"
    )
    if last_ms < _FASTEST_MS * (len(truth) - 1):
        raise KwsError(said)
    _log.warning("%s", said)
