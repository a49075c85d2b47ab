"""Sources beside a run's own data: clips that training alone hears."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kws.data.splits import TESTING, VALIDATION
from kws.errors import KwsError

_SPEAKER_END = "_nohash_"


class Source(Protocol):
    """Where the sound comes from: the user's folder, a download, the synthesiser."""

    def prepare(self) -> Path:
        """Make the folder of word folders, where it is not there yet, and return it."""
        ...


def prepare_extra(source: Source) -> Path:
    """Return an extra source's folder; an error says that training also works without it.

    Raises:
        KwsError: the source can't be made, for lack of a synthesiser or of room.
    """
    try:
        return source.prepare()
    except KwsError as error:
        raise KwsError(f"data.extra: {error}; or train without the extra sources: extra=none") from error


def heard_in_training(extra: Sequence[str], names: Sequence[str], sets: NDArray[np.int8]) -> NDArray[np.int64]:
    """Return the indices in `extra` of the clips by speakers who are in neither the validation nor the testing set.

    Two sets of made speech with one seed are by the same voices, and a voice known from training is no test.

    Args:
        extra: names `word/file` of the extra sources' clips; the speaker is what stands before `_nohash_`.
        names: those of the run's own clips.
        sets: the set of each of these.
    """
    held_out = {_speaker(name) for name, code in zip(names, sets, strict=True) if code in (VALIDATION, TESTING)} - {None}
    return np.array([place for place, name in enumerate(extra) if _speaker(name) not in held_out], dtype=np.int64)


def _speaker(name: str) -> str | None:
    speaker, end, _ = name.rpartition("/")[2].partition(_SPEAKER_END)
    return speaker if end else None
