"""Assignment of clips to sets: the hashed rule of Speech Commands, or its published lists."""

from __future__ import annotations

import codecs
import hashlib
import logging
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kws.errors import KwsError, checks
from kws.files.names import clip_key, composed, printable
from kws.labels import plain_word

TRAINING, VALIDATION, TESTING = 0, 1, 2
SPLITS = ("training", "validation", "testing")
# Of a clip that no set has: an unseen word's that is not for testing.
LEFT_OUT = len(SPLITS)
_HASH_RANGE = 2**27 - 1
# Of lines that name no clip, those that are shown.
_SHOWN = 3
_log = logging.getLogger(__name__)


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
    """Base of the split rules: can keep words out of training and validation, to test on unseen words.

    The testing set keeps their clips among the unknown ones, so that accuracies stay comparable.

    Args:
        unseen_words: the words; none of the wanted ones.
        unseen_from: the clips that measure them: those of the `testing` set, of the `validation` set, or `all` their
            clips.

    Raises:
        KwsError: an invalid word, or another set.
    """

    unseen_words: Sequence[str] = ()
    unseen_from: str = "testing"

    def __post_init__(self) -> None:
        words = self.unseen_words
        if not isinstance(words, Sequence) or isinstance(words, str) or not all(isinstance(word, str) for word in words):
            raise KwsError(
                f"split.unseen_words: {self.unseen_words} given; a list of words expected, such as [bird,dog]. YAML reads yes,"
                " no, on and off as truth values: quote them"
            )
        object.__setattr__(self, "unseen_words", tuple(plain_word(word) for word in self.unseen_words))
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
        folders = [name.split("/", 1)[0] for name in names]
        mine = {folder for folder in set(folders) if plain_word(folder) in unseen}
        return np.array([folder in mine for folder in folders], dtype=np.bool_)


@dataclass(frozen=True)
class HashedSplit(UnseenWords):
    """TensorFlow's rule: the hash of the speaker's name decides, so that a speaker is always in one set.

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
        if any(isinstance(share, bool) or not isinstance(share, Real) for share in shares):
            raise KwsError(
                f"split: validation_percentage={checks.shown(shares[0])} and testing_percentage={checks.shown(shares[1])} given;"
                " numbers expected, in percent of the speakers"
            )
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

    Lists of every system are read: with a byte-order mark, backslashes, `./` before the name, any ends of lines. A part
    of a data set may keep the lists of the whole: lines that name no clip are logged, with their count.

    Args:
        validation_list, testing_list: paths, relative to the data folder.
        unseen_words, unseen_from: see `UnseenWords`.

    Raises:
        KwsError (from `assign` and `unseen`): a list is missing or can't be read, or none of its lines names a clip.
    """

    validation_list: str = "validation_list.txt"
    testing_list: str = "testing_list.txt"

    def assign(self, root: Path, names: Sequence[str]) -> NDArray[np.int8]:
        """Set of each clip by its name `word/file` under `root`; logs what the lists name and is not there."""
        there = {clip_key(name) for name in names}
        lists = [_ClipList.read(root / file) for file in (self.validation_list, self.testing_list)]
        for listed in lists:
            listed.report(there)
        if twice := lists[0].lines.keys() & lists[1].lines.keys() & there:
            _log.warning(
                "%s: %d clips are in %s too, such as %s; they are taken for testing",
                lists[0].path, len(twice), lists[1].path.name, printable(min(twice)),
            )  # fmt: skip
        return super().assign(root, names)

    def place(self, root: Path, names: Sequence[str]) -> NDArray[np.int8]:
        """Set of each clip by its name in the lists."""
        sets = np.full(len(names), TRAINING, dtype=np.int8)
        keys = [clip_key(name) for name in names]
        for code, file in ((VALIDATION, self.validation_list), (TESTING, self.testing_list)):
            listed = _ClipList.read(root / file)
            sets[[key in listed.lines for key in keys]] = code
        return sets


@dataclass(frozen=True)
class _ClipList:
    """A list of clips.

    Attributes:
        path: the file.
        lines: number of the line of each clip, by `clip_key` of its name.
    """

    path: Path
    lines: dict[str, int]

    @classmethod
    def read(cls, path: Path) -> _ClipList:
        """Read a list, one clip a line; blank lines are passed over."""
        if not path.is_file():
            raise KwsError(f"{path}: this list of clips is missing; use split=hashed if the data has none")
        try:
            content = path.read_bytes()
            wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))  # what PowerShell's > writes
            # Names of clips may be no UTF-8, and are read from the disk in the same way.
            text = content.decode("utf-16") if wide else content.decode("utf-8-sig", "surrogateescape")
        except (OSError, UnicodeDecodeError) as error:
            raise KwsError(
                f"{path}: this list of clips can't be read ({error}); write it as UTF-8, a word/file a line"
            ) from error
        # Not splitlines(), which also cuts at characters that a name may have.
        lines = (line.strip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
        return cls(path, {clip_key(line): number for number, line in enumerate(lines, 1) if line})

    def report(self, there: set[str]) -> None:
        """Log how many lines name no clip.

        Raises:
            KwsError: none does.
        """
        absent = [f"line {number}: {printable(name)}" for name, number in self.lines.items() if name not in there]
        if not absent:
            return
        first = ", ".join(absent[:_SHOWN]) + (", …" if len(absent) > _SHOWN else "")
        if len(absent) == len(self.lines):
            raise KwsError(
                f"{self.path}: none of its {len(absent)} lines names a clip ({first}); give paths of clips in the data folder"
                + (f", such as {printable(min(there))}" if there else "")
            )
        _log.warning("%s: %d of %d lines name no clip that is there (%s)", self.path, len(absent), len(self.lines), first)


def _speaker_percentage(name: str) -> float:
    speaker = re.sub(r"_nohash_.*$", "", composed(name).rsplit("/", 1)[-1])
    # SHA-1 spreads names evenly; nothing here is secret.
    digest = hashlib.sha1(speaker.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()
    return int(digest, 16) % (_HASH_RANGE + 1) * (100.0 / _HASH_RANGE)
