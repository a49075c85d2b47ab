"""Which set a clip belongs to: the hashed rule of Speech Commands, or its published lists."""

from __future__ import annotations

import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kws.errors import KwsError

TRAINING, VALIDATION, TESTING = 0, 1, 2
SPLITS = ("training", "validation", "testing")
# Of a clip that no set has: an unseen word's that is not for testing.
LEFT_OUT = len(SPLITS)
_HASH_RANGE = 2**27 - 1


class SplitRule(Protocol):
    """Assigns every clip of a corpus to one set."""

    def assign(self, root: Path, names: Sequence[str]) -> NDArray[np.int8]:
        """Set of each clip (`TRAINING`, `VALIDATION`, `TESTING`, `LEFT_OUT`) by its name `word/file` under `root`."""
        ...

    @property
    def unseen_words(self) -> Sequence[str]:
        """Words that are in neither training nor validation."""
        ...

    def unseen(self, root: Path, names: Sequence[str]) -> NDArray[np.int64]:
        """Places in `names` of the clips that measure what becomes of the unseen words."""
        ...


@dataclass(frozen=True, kw_only=True)
class UnseenWords(ABC):
    """What every rule can do: keep words out of training and validation, so that testing shows what becomes of unseen ones.

    The testing set keeps their clips among the unknown ones, so that accuracies stay comparable.

    Args:
        unseen_words: the words; none of the wanted ones.
        unseen_from: the clips that measure them: those of the `testing` set, of the `validation` set, or `all` their clips.

    Raises:
        KwsError: a word that is none, or another set.
    """

    unseen_words: Sequence[str] = ()
    unseen_from: str = "testing"

    def __post_init__(self) -> None:
        if isinstance(self.unseen_words, str) or not all(isinstance(word, str) for word in self.unseen_words):
            raise KwsError(
                f"split.unseen_words: {self.unseen_words} given; a list of words expected, such as [bird,dog]. YAML reads yes,"
                " no, on and off as truth values: quote them"
            )
        if self.unseen_from not in (*SPLITS[1:], "all"):
            raise KwsError(f"split.unseen_from: {self.unseen_from} given; testing, validation or all expected")

    @abstractmethod
    def place(self, root: Path, names: Sequence[str]) -> NDArray[np.int8]:
        """Set of each clip, were there no unseen words."""

    def assign(self, root: Path, names: Sequence[str]) -> NDArray[np.int8]:
        """Set of each clip by its name `word/file` under `root`."""
        sets = self.place(root, names)
        sets[self._is_unseen(names) & (sets != TESTING)] = LEFT_OUT
        return sets

    def unseen(self, root: Path, names: Sequence[str]) -> NDArray[np.int64]:
        """Places in `names` of the clips that measure what becomes of the unseen words."""
        mine = self._is_unseen(names)
        if self.unseen_from != "all":
            mine &= self.place(root, names) == SPLITS.index(self.unseen_from)
        return np.flatnonzero(mine)

    def _is_unseen(self, names: Sequence[str]) -> NDArray[np.bool_]:
        unseen = set(self.unseen_words)
        return np.array([name.split("/", 1)[0] in unseen for name in names], dtype=np.bool_)


@dataclass(frozen=True)
class HashedSplit(UnseenWords):
    """The original's rule: the hash of the speaker's name decides, so that a speaker is always in one set.

    Args:
        validation_percentage, testing_percentage: shares of speakers, in percent.
        unseen_words, unseen_from: see `UnseenWords`.

    Raises:
        KwsError: shares below 0, or above 100 together.
    """

    validation_percentage: float = 10.0
    testing_percentage: float = 10.0

    def __post_init__(self) -> None:
        super().__post_init__()
        shares = (self.validation_percentage, self.testing_percentage)
        if not (min(shares) >= 0 and sum(shares) <= 100):
            raise KwsError(
                f"split: validation_percentage={shares[0]:g} and testing_percentage={shares[1]:g} make no sense;"
                " each is at least 0, and together they are at most 100"
            )

    def place(self, root: Path, names: Sequence[str]) -> NDArray[np.int8]:
        """Set of each clip by its name alone."""
        share = np.array([_speaker_percentage(name) for name in names], dtype=np.float64)
        limits = (self.validation_percentage, self.validation_percentage + self.testing_percentage)
        return np.where(share < limits[0], VALIDATION, np.where(share < limits[1], TESTING, TRAINING)).astype(np.int8)


@dataclass(frozen=True)
class ListedSplit(UnseenWords):
    """The data set's own lists, one `word/file` a line; every other clip is for training.

    Args:
        validation_list, testing_list: paths, relative to the data folder.
        unseen_words, unseen_from: see `UnseenWords`.

    Raises:
        KwsError (from `assign` and `unseen`): a list is missing.
    """

    validation_list: str = "validation_list.txt"
    testing_list: str = "testing_list.txt"

    def place(self, root: Path, names: Sequence[str]) -> NDArray[np.int8]:
        """Set of each clip by its name in the lists."""
        sets = np.full(len(names), TRAINING, dtype=np.int8)
        for code, file in ((VALIDATION, self.validation_list), (TESTING, self.testing_list)):
            path = root / file
            if not path.is_file():
                raise KwsError(f"{path}: this list of clips is missing; use split=hashed if the data has none")
            listed = {line.strip() for line in path.read_text(encoding="utf-8").splitlines()}
            sets[[name in listed for name in names]] = code
        return sets


def _speaker_percentage(name: str) -> float:
    speaker = re.sub(r"_nohash_.*$", "", name.rsplit("/", 1)[-1])
    # SHA-1 spreads names evenly; nothing here is secret.
    digest = hashlib.sha1(speaker.encode("utf-8"), usedforsecurity=False).hexdigest()
    return int(digest, 16) % (_HASH_RANGE + 1) * (100.0 / _HASH_RANGE)
