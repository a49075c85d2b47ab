"""Selection of the clips of a set, an epoch and a batch: pure functions of the seed and the step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kws.data.splits import SPLITS
from kws.errors import KwsError, checks
from kws.files.names import printable
from kws.labels import SILENCE_INDEX, UNKNOWN_INDEX, LabelSet

SILENT_CLIP = -1


@dataclass(frozen=True)
class ClipList:
    """List of clips, in order: the index in the corpus (`SILENT_CLIP` for silence) and the label of each."""

    clips: NDArray[np.int64]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.clips)

    def part(self, order: NDArray[np.int64] | slice) -> ClipList:
        """Return the clips at the given indices."""
        return ClipList(self.clips[order], self.labels[order])


@dataclass(frozen=True)
class SplitPool:
    """The clips of one set, and how many unknown and silence clips go with its wanted ones.

    Attributes:
        wanted: every clip of a keyword.
        unknown: corpus indices of all clips of other words.
        unknown_count, silence_count: clips of each in an epoch.
    """

    wanted: ClipList
    unknown: NDArray[np.int64]
    unknown_count: int
    silence_count: int

    def __len__(self) -> int:
        return len(self.wanted) + self.unknown_count + self.silence_count

    def draw(self, rng: np.random.Generator) -> ClipList:
        """All keyword clips, with unknown ones drawn without repetition, and silence."""
        unknown = np.sort(rng.permutation(self.unknown)[: self.unknown_count])
        clips = [self.wanted.clips, unknown, np.full(self.silence_count, SILENT_CLIP)]
        labels = [
            self.wanted.labels,
            np.full(self.unknown_count, UNKNOWN_INDEX),
            np.full(self.silence_count, SILENCE_INDEX),
        ]
        return ClipList(np.concatenate(clips).astype(np.int64), np.concatenate(labels).astype(np.int64))


def make_pools(
    words: Sequence[str],
    sets: NDArray[np.int8],
    labels: LabelSet,
    unknown_percentage: float,
    silence_percentage: float,
) -> tuple[SplitPool, SplitPool, SplitPool]:
    """Make the pools for training, validation and testing; see `make_pool`."""
    training, validation, testing = (
        make_pool(words, sets, code, labels, unknown_percentage, silence_percentage) for code in range(len(SPLITS))
    )
    return training, validation, testing


def make_pool(
    words: Sequence[str],
    sets: NDArray[np.int8],
    code: int,
    labels: LabelSet,
    unknown_percentage: float,
    silence_percentage: float,
    partial: bool = False,
) -> SplitPool:
    """Make the pool of one set.

    Args:
        words: the word of each clip of the corpus.
        sets: the set of each clip.
        code: the set wanted.
        labels: the label set.
        unknown_percentage, silence_percentage: clips of each, in percent of the wanted ones (rounded up).
        partial: some of the keywords may have no clips, if one has.

    Raises:
        KwsError: a percentage below 0, a keyword with no clips in the set, or no other words to draw unknown ones
            from.
    """
    _check_shares(unknown_percentage, silence_percentage)
    if not partial:
        _check_words(words, labels)
    label = np.array([labels.index(word) for word in words], dtype=np.int64)
    members = np.flatnonzero(sets == code)
    wanted, unknown = (members[(label[members] == UNKNOWN_INDEX) == other] for other in (False, True))
    empty = [word for word in labels.words if not np.any(label[wanted] == labels.index(word))]
    if empty and not (partial and len(wanted)):
        _check_words(words, labels)
        raise KwsError(
            f"words: {', '.join(empty)} has no clip in the {SPLITS[code]} set; record more speakers (a file's name up to"
            " `_nohash_` is its speaker, and a speaker is always in one set) or change split.*_percentage"
        )
    unknown_count = math.ceil(len(wanted) * unknown_percentage / 100)
    if unknown_count and not len(unknown):
        raise _no_other_words(unknown_percentage, SPLITS[code])
    silence_count = math.ceil(len(wanted) * silence_percentage / 100)
    return SplitPool(ClipList(wanted, label[wanted]), unknown, min(unknown_count, len(unknown)), silence_count)


def _no_other_words(unknown_percentage: float, split: str) -> KwsError:
    return KwsError(
        f"data.unknown_percentage: {unknown_percentage:g} % unknown words asked, but the {split} set has only wanted"
        " words. Add folders of other words (`kws synthesize` can speak them) or set data.unknown_percentage=0"
    )


def _check_shares(unknown_percentage: float, silence_percentage: float) -> None:
    for name, share in (("unknown_percentage", unknown_percentage), ("silence_percentage", silence_percentage)):
        checks.number(f"data.{name}", share, math.inf, "at least 0, in percent of the wanted clips")


def _check_words(words: Sequence[str], labels: LabelSet) -> None:
    there = set(words)
    missing = [word for word in labels.words if word not in there]
    if missing:
        found = ", ".join(printable(word) for word in sorted(there)[:40])
        raise KwsError(f"words: no clips of {', '.join(missing)}; the data has {found}. Mend the name or add a folder")


class Pool(Protocol):
    """Source of the clips of an epoch."""

    def __len__(self) -> int:
        """Clips in an epoch."""
        ...

    def draw(self, rng: np.random.Generator) -> ClipList:
        """Draw the clips of an epoch."""
        ...


@dataclass(frozen=True)
class TrainingOrder:
    """The order in which training hears its clips: each epoch a new draw, shuffled; a rest short of a batch is left.

    Args:
        pool: the training set.
        batch_size: clips a step on each of `world` processes.
        seed: of every draw.
        rank, world: this process and how many train together.

    Raises:
        KwsError: there are fewer clips than processes, so that one would have none to take the mean of.
    """

    pool: Pool
    batch_size: int
    seed: int
    rank: int = 0
    world: int = 1

    def __post_init__(self) -> None:
        if len(self.pool) < self.world:
            raise KwsError(
                f"trainer.devices: {self.world} processes share a training set of {len(self.pool)} clips, and each needs one;"
                " train with fewer, or add clips"
            )

    @property
    def steps_per_epoch(self) -> int:
        """Steps in an epoch; a set smaller than a batch makes one small step."""
        return max(1, len(self.pool) // (self.batch_size * self.world))

    def epoch(self, epoch: int) -> list[ClipList]:
        """Yield this process's batches of one epoch."""
        rng = np.random.default_rng([self.seed, epoch])
        drawn = self.pool.draw(rng)
        shuffled = drawn.part(rng.permutation(len(drawn)))
        size = self.batch_size * self.world
        return [
            shuffled.part(slice(step * size + self.rank, min((step + 1) * size, len(drawn)), self.world))
            for step in range(self.steps_per_epoch)
        ]
