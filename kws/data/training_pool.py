"""Composition of a training epoch: the number of clips of each kind, real ones and those of extra sources."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kws.data.sampling import SILENT_CLIP, ClipList, SplitPool
from kws.data.sources.speech_commands import WORDS as SPEECH_COMMANDS
from kws.errors import KwsError, checks
from kws.files.names import printable
from kws.labels import SILENCE_INDEX, UNKNOWN_INDEX, LabelSet, plain_word


@dataclass(frozen=True)
class TrainingShares:
    """Number of clips of each kind in an epoch of training.

    Args:
        unknown_percentage, silence_percentage: clips of each label, in percent of the real wanted ones (rounded up).
        training_unknown_percentage: unknown clips in training, where they differ from the other sets'; None:
            unknown_percentage.
        extra_percentage: keyword clips from the extra sources, in percent of the real ones.
        extra_unknown_percentage: of the unknown clips, those from the extra sources, in percent; what one side lacks,
            the other makes up.
        unknown_sampling_alpha: sampling exponent α: an unknown word with n clips is drawn in proportion to nᵅ. At 1
            words are as uneven as the data: a word with ten times the clips is drawn ten times as often, and all clips
            are equally likely. At 0 all words are drawn equally often, whatever clips they have; a word with fewer than
            its share repeats them.
        unknown_weights: how many times its share a word gets, for some unknown words: those that are taken for wanted
            ones.
        keyword_sampling_alpha: sampling exponent α of the keywords. 1: as uneven as the data, each real clip once an
            epoch; 0: all words equally often.
        max_clips_per_word: most real clips of a keyword an epoch, at any keyword_sampling_alpha; a word with more
            counts as one of so many; None: all.

    Raises:
        KwsError: an invalid share.
    """

    unknown_percentage: float = 10.0
    silence_percentage: float = 10.0
    training_unknown_percentage: float | None = None
    extra_percentage: float = 10.0
    extra_unknown_percentage: float = 50.0
    unknown_sampling_alpha: float = 1.0
    unknown_weights: Mapping[str, float] | None = None
    keyword_sampling_alpha: float = 1.0
    max_clips_per_word: int | None = None

    def __post_init__(self) -> None:
        percent = "at least 0, in percent of the wanted clips"
        expected = {
            "unknown_percentage": (math.inf, percent),
            "silence_percentage": (math.inf, percent),
            "extra_percentage": (math.inf, "at least 0, in percent of the real wanted clips"),
            "extra_unknown_percentage": (100, "0 to 100, in percent of the unknown clips"),
            "unknown_sampling_alpha": (1, "0 (words equally likely) to 1 (clips equally likely)"),
            "keyword_sampling_alpha": (1, "0 (words equally often) to 1 (clips equally often)"),
        }
        for name, (highest, what) in expected.items():
            checks.number(f"data.{name}", getattr(self, name), highest, what)
        if self.training_unknown_percentage is not None:
            value = self.training_unknown_percentage
            checks.number("data.training_unknown_percentage", value, math.inf, f"{percent}, or null for unknown_percentage")
        if self.max_clips_per_word is not None:
            checks.whole("data.max_clips_per_word", self.max_clips_per_word, 1, ", or null for all")
        if self.unknown_weights is None:
            return
        if not isinstance(self.unknown_weights, Mapping):
            given = checks.shown(self.unknown_weights)
            raise KwsError(f"data.unknown_weights: {given} given; words and their weights expected, such as {{bed:3}}, or null")
        for word, weight in self.unknown_weights.items():
            if not isinstance(word, str):
                given = checks.shown(word)
                raise KwsError(f"data.unknown_weights: {given} is no word; YAML reads yes, no, on and off so: quote such words")
            checks.number(f"data.unknown_weights.{word}", weight, math.inf, "at least 0, and 1 changes nothing")

    @property
    def unknown(self) -> float:
        """Unknown clips in training, in percent of the wanted ones."""
        return self.unknown_percentage if self.training_unknown_percentage is None else self.training_unknown_percentage


@dataclass(frozen=True)
class Draw:
    """Clips of which an epoch hears some.

    Attributes:
        kind: what they are, for the log.
        clips: all there are.
        count: how many an epoch hears.
        words: which word each clip is of, numbers from 0, where words have shares, and clips are repeated where a word
            has fewer; None: all clips are equally likely, none twice in an epoch.
        shares: of each word, relative to the others'.
    """

    kind: str
    clips: ClipList
    count: int
    words: NDArray[np.int64] | None = None
    shares: NDArray[np.float64] | None = None

    def take(self, rng: np.random.Generator) -> ClipList:
        """Draw the given number of clips, in corpus order."""
        shuffled = rng.permutation(len(self.clips))
        if self.words is None or self.shares is None:
            return self.clips.part(np.sort(shuffled[: self.count]))
        # Whole numbers whose means are the shares, with the sum asked: the same random offset before each is cut off.
        ends = np.floor(self.count * np.cumsum(self.shares) / self.shares.sum() + rng.random() * (1 - 1e-9) + 1e-9).astype(int)
        ends[-1] = self.count
        by_word = np.split(shuffled[np.argsort(self.words[shuffled], kind="stable")], np.cumsum(np.bincount(self.words))[:-1])
        taken = [np.resize(places, heard) for places, heard in zip(by_word, np.diff(ends, prepend=0), strict=True)]
        return self.clips.part(np.sort(np.concatenate(taken)))


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
        """Draw the clips of an epoch, in the order of the draws; silence last."""
        silence = ClipList(np.full(self.silence_count, SILENT_CLIP), np.full(self.silence_count, SILENCE_INDEX))
        parts = [self.always, *(draw.take(rng) for draw in self.draws), silence]
        clips, labels = (np.concatenate(arrays) for arrays in zip(*((part.clips, part.labels) for part in parts), strict=True))
        return ClipList(clips.astype(np.int64), labels.astype(np.int64))

    def to_text(self) -> str:
        """Describe in one line what an epoch holds."""
        counts = {"wanted": len(self.always)}
        for draw in self.draws:
            counts[draw.kind] = counts.get(draw.kind, 0) + draw.count
        counts["silence"] = self.silence_count
        return " · ".join(f"{count} {kind}" for kind, count in counts.items() if count)


def make_training_pool(
    real: SplitPool, words: Sequence[str], extra: NDArray[np.int64], labels: LabelSet, shares: TrainingShares
) -> TrainingPool:
    """Make the training set of the real clips and those of the extra sources.

    Args:
        real: the real clips for training.
        words: the word of every clip, real and extra.
        extra: indices of the extra sources' clips.
        labels: the label set.
        shares: clips of each kind.

    Raises:
        KwsError: unknown clips are asked, and there are no other words; or a weight is of a word that is not there.
    """
    weights = {plain_word(word): weight for word, weight in (shares.unknown_weights or {}).items()}
    _check_weights(weights, words)
    always, limited = _wanted(real.wanted, words, labels, shares)
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
        _drawn(kind, ClipList(clips, np.full(len(clips), UNKNOWN_INDEX)), count, words, shares.unknown_sampling_alpha, weights)
        for kind, clips, count in zip(("unknown", "extra unknown"), (real.unknown, other), counts, strict=True)
    )
    heard = min(len(spoken), math.ceil(number * shares.extra_percentage / 100))
    extra_wanted = Draw("extra wanted", ClipList(spoken, label[label != UNKNOWN_INDEX]), heard)
    silence_count = math.ceil(number * shares.silence_percentage / 100)
    return TrainingPool(always, (*limited, unknown, extra_wanted, extra_unknown), silence_count)


def _check_weights(weights: Mapping[str, float], words: Sequence[str]) -> None:
    # Of the words of Speech Commands any data may lack some: the recipes that come with kws weigh two of them.
    there = {*words, *SPEECH_COMMANDS}
    if absent := [word for word in weights if word not in there]:
        found = ", ".join(printable(word) for word in sorted(set(words))[:40])
        raise KwsError(
            f"data.unknown_weights: there are no clips of {', '.join(absent)}; the data has {found}. Mend or remove the name"
        )


def _wanted(
    wanted: ClipList, words: Sequence[str], labels: LabelSet, shares: TrainingShares
) -> tuple[ClipList, tuple[Draw, ...]]:
    """Wanted clips that every epoch hears, and those that are drawn."""
    most, alpha = shares.max_clips_per_word, shares.keyword_sampling_alpha
    if most is None and alpha == 1:
        return wanted, ()
    limit = len(wanted) if most is None else most
    heard = int(np.minimum(np.bincount(wanted.labels), limit).sum())
    if alpha < 1:
        return wanted.part(slice(0)), (_drawn("wanted", wanted, heard, words, alpha, {}, limit),)
    parts = [wanted.part(np.flatnonzero(wanted.labels == labels.index(word))) for word in labels.words]
    return wanted.part(slice(0)), tuple(Draw("wanted", part, min(most or 0, len(part))) for part in parts)


def _split(asked: int, extra_percentage: float, real: int, extra: int) -> tuple[int, int]:
    """Return how many unknown clips to take from the available `real` and `extra` ones."""
    from_real = min(asked - min(extra, round(asked * extra_percentage / 100)), real)
    return from_real, min(asked - from_real, extra)


def _drawn(
    kind: str,
    clips: ClipList,
    count: int,
    words: Sequence[str],
    alpha: float,
    weights: Mapping[str, float],
    limit: int | None = None,
) -> Draw:
    """Make a draw in which each word has its share; a word with more than `limit` clips counts as having `limit`."""
    if not count or (alpha == 1 and not weights):
        return Draw(kind, clips, count)
    names, word, sizes = np.unique([words[clip] for clip in clips.clips], return_inverse=True, return_counts=True)
    weight = np.array([weights.get(str(name), 1.0) for name in names])
    if alpha == 1 and (weight == 1).all():
        return Draw(kind, clips, count)
    # No share can then be above the limit: the sum asked is that of the limited sizes, and an exponent below 1 only
    # evens them.
    shares = np.minimum(sizes, limit or sizes.max()) ** alpha * weight
    if not shares.sum():
        raise KwsError("data.unknown_weights: all unknown words weigh 0; leave some, or set data.training_unknown_percentage=0")
    return Draw(kind, clips, count, word, shares)
