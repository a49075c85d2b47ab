"""Words that training never hears: their clips, and the checks that nothing else lets them in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kws.data.corpus import Corpus
from kws.data.sampling import ClipList
from kws.data.sets.clip_set import ClipSet
from kws.data.splits import SplitRule
from kws.errors import KwsError
from kws.labels import UNKNOWN_INDEX, LabelSet


@dataclass(frozen=True)
class UnseenSet:
    """Clips of words that training never hears, and the word of each."""

    clips: ClipSet
    words: tuple[str, ...]


def unseen_set(root: Path, corpus: Corpus, rule: SplitRule, labels: LabelSet) -> UnseenSet | None:
    """Open the clips that test a split rule's unseen words; None if the rule has none.

    Raises:
        KwsError: an unseen word is wanted, or has no clips to measure with.
    """
    if not rule.unseen_words:
        return None
    wanted = [word for word in rule.unseen_words if word in labels.names]
    if wanted:
        raise KwsError(f"unseen_words: {', '.join(wanted)} is a wanted word; a word is wanted or unseen, not both")
    clips = rule.unseen(root, corpus.names)
    words = corpus.words
    missing = sorted(set(rule.unseen_words) - {words[clip] for clip in clips})
    if missing:
        raise KwsError(
            f"unseen_words: there are no clips of {', '.join(missing)} to measure with in {root}; mend the name, or measure with"
            " other clips (split.unseen_from in training, --split of `kws evaluate`)"
        )
    silence = np.zeros((0, corpus.samples), dtype=np.int16)
    heard = ClipSet(corpus, ClipList(clips, np.full(len(clips), UNKNOWN_INDEX, dtype=np.int64)), silence)
    return UnseenSet(heard, tuple(words[clip] for clip in clips))


def check_extra(corpus: Corpus, unseen_words: Sequence[str]) -> None:
    """Make sure that an extra source says no unseen word.

    Raises:
        KwsError: it does.
    """
    heard = sorted(set(unseen_words) & set(corpus.words))
    if heard:
        raise KwsError(
            f"data.extra: {corpus.root} has clips of {', '.join(heard)}, which split.unseen_words keeps out of training;"
            " take them out of the one or of the other"
        )
