"""A set of a data folder for a model's labels, without training: what `kws evaluate` scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kws.audio.framing import START
from kws.data.background import load_background
from kws.data.corpus import BACKGROUND_FOLDER, open_corpus
from kws.data.sampling import make_pool
from kws.data.sets.clip_set import ClipSet
from kws.data.sets.unseen_words import UnseenSet, unseen_set
from kws.data.splits import SPLITS, SplitRule
from kws.errors import KwsError
from kws.labels import LabelSet


def open_split(
    root: Path,
    labels: LabelSet,
    split: str,
    rule: SplitRule,
    *,
    sample_rate: int,
    clip_samples: int,
    unknown_percentage: float,
    silence_percentage: float,
    seed: int,
    cache_dir: Path | None = None,
    fit: str = START,
    partial: bool = False,
) -> ClipSet:
    """One set of a folder: the same clips that train.py tests with the same settings and seed.

    Args:
        root: folder of word folders.
        labels: the model's.
        split: `training`, `validation`, `testing`, or `all` clips.
        rule: which clip is in which set.
        sample_rate, clip_samples: of the model's clips.
        unknown_percentage, silence_percentage: clips of each, in percent of the wanted ones.
        seed: of their choice.
        cache_dir: where the packed corpus is kept; None: in `root`.
        fit: how a recording of another length is made a clip: see `kws.audio.cutting.fit_clip`.
        partial: some of the keywords may have no clips, if one has.

    Raises:
        KwsError: whatever is wrong with the data.
    """
    corpus = open_corpus(root, sample_rate, clip_samples, cache_dir=cache_dir, fit=fit)
    background = load_background(root, sample_rate, clip_samples)
    if background is None and silence_percentage > 0:
        raise _no_background(root)
    sets = np.zeros(len(corpus.names), np.int8) if split == "all" else rule.assign(root, corpus.names)
    code = SPLITS.index(split) if split in SPLITS else 0
    pool = make_pool(corpus.words, sets, code, labels, unknown_percentage, silence_percentage, partial)
    return ClipSet.draw(corpus, pool, background, [seed, code])


def _no_background(root: Path) -> KwsError:
    advice = "Put recordings of noise there, or ask for none with --silence-percentage 0"
    return KwsError(f"{root / BACKGROUND_FOLDER}: no such folder, so no noise for silence clips. {advice}")


def open_unseen(
    root: Path,
    labels: LabelSet,
    rule: SplitRule,
    *,
    sample_rate: int,
    clip_samples: int,
    cache_dir: Path | None = None,
    fit: str = START,
) -> UnseenSet | None:
    """Open the clips of a split rule's unseen words; arguments are those of `open_split`.

    Raises:
        KwsError: a word is wanted, or has no clips.
    """
    # `open_split` warns of what is left out.
    corpus = open_corpus(root, sample_rate, clip_samples, cache_dir=cache_dir, fit=fit, warn=False)
    return unseen_set(root, corpus, rule, labels)
