"""What an epoch of training is made of: so many clips of each kind, real ones and those of extra sources."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kws.data.sampling import SILENT_CLIP, ClipList, SplitPool
from kws.errors import KwsError
from kws.labels import SILENCE_INDEX, UNKNOWN_INDEX, LabelSet


@dataclass(frozen=True)
class TrainingShares:
    """How many clips of each kind go into an epoch of training.

    Args:
        unknown_percentage, silence_percentage: clips of each label, in percent of the real wanted ones (rounded up).
        training_unknown_percentage: unknown clips in training, where they differ from the other sets'; None: unknown_percentage.
        extra_percentage: wanted clips from the extra sources, in percent of the real ones.
        extra_unknown_percentage: of the unknown clips, those from the extra sources, in percent; what one side lacks, the other
            makes up.
        unknown_evenness: a word weighs the number of its clips to the power of this. 1: all unknown clips are equally likely;
            0: all unknown words are, until a word's clips run out.
        max_clips_per_word: the most real clips of a wanted word; None: all.

    Raises:
        KwsError: a share that makes no sense.
    """

    unknown_percentage: float = 10.0
    silence_percentage: float = 10.0
    training_unknown_percentage: float | None = None
    extra_percentage: float = 10.0
    extra_unknown_percentage: float = 50.0
    unknown_evenness: float = 1.0
    max_clips_per_word: int | None = None

    def __post_init__(self) -> None:
        most = self.max_clips_per_word
        checks = {
            "unknown_percentage": (self.unknown_percentage, math.inf, "at least 0, in percent of the wanted clips"),
            "training_unknown_percentage": (self.unknown, math.inf, "at least 0, in percent of the wanted clips, or null"),
            "silence_percentage": (self.silence_percentage, math.inf, "at least 0, in percent of the wanted clips"),
            "extra_percentage": (self.extra_percentage, math.inf, "at least 0, in percent of the real wanted clips"),
            "extra_unknown_percentage": (self.extra_unknown_percentage, 100, "0 to 100, in percent of the unknown clips"),
            "unknown_evenness": (self.unknown_evenness, 1, "0 (words equally likely) to 1 (clips equally likely)"),
        }
        for name, (value, highest, expected) in checks.items():
            if not (0 <= value <= highest and value < math.inf):
                raise KwsError(f"data.{name}: {value:g} makes no sense; it is {expected}")
        if most is not None and most < 1:
            raise KwsError(f"data.max_clips_per_word: {most} makes no sense; give at least 1, or null for all")

    @property
    def unknown(self) -> float:
        """Unknown clips in training, in percent of the wanted ones."""
        return self.unknown_percentage if self.training_unknown_percentage is None else self.training_unknown_percentage


@dataclass(frozen=True)
class Draw:
    """Clips of which an epoch hears some, none of them twice.

    Attributes:
        kind: what they are, for the log.
        clips: all there are.
        count: how many an epoch hears.
        odds: of each clip, relative to the others'; None: all alike.
    """

    kind: str
    clips: ClipList
    count: int
    odds: NDArray[np.float64] | None = None

    def take(self, rng: np.random.Generator) -> ClipList:
        """As many clips as asked, in the order that they have in the corpus."""
        if self.odds is None:
            places = rng.permutation(len(self.clips))[: self.count]
        else:
            # The first of many bells to ring, each at its own rate: drawing one by one without putting back (Efraimidis and
            # Spirakis 2006).
            places = np.argsort(rng.exponential(size=len(self.clips)) / self.odds)[: self.count]
        return self.clips.part(np.sort(places))


@dataclass(frozen=True)
class TrainingPool:
    """The training set: what every epoch hears, and what is drawn for each.

    Attributes:
        always: clips of every epoch.
        draws: the others, each kind by itself.
        silence_count: silence clips in an epoch.
    """

    always: ClipList
    draws: tuple[Draw, ...]
    silence_count: int

    def __len__(self) -> int:
        return len(self.always) + sum(draw.count for draw in self.draws) + self.silence_count

    def draw(self, rng: np.random.Generator) -> ClipList:
        """The clips of an epoch, in the order of the draws; silence last."""
        silence = ClipList(np.full(self.silence_count, SILENT_CLIP), np.full(self.silence_count, SILENCE_INDEX))
        parts = [self.always, *(draw.take(rng) for draw in self.draws), silence]
        clips, labels = (np.concatenate(arrays) for arrays in zip(*((part.clips, part.labels) for part in parts), strict=True))
        return ClipList(clips.astype(np.int64), labels.astype(np.int64))

    def to_text(self) -> str:
        """A line that says what an epoch holds."""
        counts = {"wanted": len(self.always)}
        for draw in self.draws:
            counts[draw.kind] = counts.get(draw.kind, 0) + draw.count
        counts["silence"] = self.silence_count
        return " · ".join(f"{count} {kind}" for kind, count in counts.items() if count)


def make_training_pool(
    real: SplitPool, words: Sequence[str], extra: NDArray[np.int64], labels: LabelSet, shares: TrainingShares
) -> TrainingPool:
    """The training set of the real clips and those of the extra sources.

    Args:
        real: the real clips for training.
        words: the word of every clip, real and extra.
        extra: indices of the extra sources' clips.
        labels: the label set.
        shares: clips of each kind.

    Raises:
        KwsError: unknown clips are asked, and there are no other words.
    """
    always, limited = _wanted(real.wanted, labels, shares.max_clips_per_word)
    number = len(always) + sum(draw.count for draw in limited)
    label = np.array([labels.index(words[clip]) for clip in extra], dtype=np.int64)
    spoken, other = extra[label != UNKNOWN_INDEX], extra[label == UNKNOWN_INDEX]
    asked = math.ceil(number * shares.unknown / 100)
    if asked and not len(real.unknown) + len(other):
        raise KwsError(
            f"data.training_unknown_percentage: {shares.unknown:g} % unknown words asked, but there are only wanted"
            " words. Add folders of other words, or a source in data.extra, or set it to 0"
        )
    counts = _split(asked, shares.extra_unknown_percentage, len(real.unknown), len(other))
    unknown, extra_unknown = (
        Draw(kind, ClipList(clips, np.full(len(clips), UNKNOWN_INDEX)), count, _odds(words, clips, shares.unknown_evenness))
        for kind, clips, count in zip(("unknown", "extra unknown"), (real.unknown, other), counts, strict=True)
    )
    heard = min(len(spoken), math.ceil(number * shares.extra_percentage / 100))
    extra_wanted = Draw("extra wanted", ClipList(spoken, label[label != UNKNOWN_INDEX]), heard)
    silence_count = math.ceil(number * shares.silence_percentage / 100)
    return TrainingPool(always, (*limited, unknown, extra_wanted, extra_unknown), silence_count)


def _wanted(wanted: ClipList, labels: LabelSet, most: int | None) -> tuple[ClipList, tuple[Draw, ...]]:
    """Wanted clips that every epoch hears, and those that are drawn, word by word."""
    if most is None:
        return wanted, ()
    parts = [wanted.part(np.flatnonzero(wanted.labels == labels.index(word))) for word in labels.words]
    return wanted.part(slice(0)), tuple(Draw("wanted", part, min(most, len(part))) for part in parts)


def _split(asked: int, extra_percentage: float, real: int, extra: int) -> tuple[int, int]:
    """How many unknown clips come from the `real` and the `extra` ones there are."""
    from_real = min(asked - min(extra, round(asked * extra_percentage / 100)), real)
    return from_real, min(asked - from_real, extra)


def _odds(words: Sequence[str], clips: NDArray[np.int64], evenness: float) -> NDArray[np.float64] | None:
    if evenness == 1 or not len(clips):
        return None
    _, word, counts = np.unique([words[clip] for clip in clips], return_inverse=True, return_counts=True)
    odds: NDArray[np.float64] = counts[word].astype(np.float64) ** (evenness - 1.0)
    return odds
