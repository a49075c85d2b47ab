"""Test sets with one folder per label, silence and unknown words included; every clip is used, unchanged."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kws.audio.framing import START
from kws.data.corpus import BACKGROUND_FOLDER, open_corpus
from kws.data.sampling import ClipList
from kws.data.sets.clip_set import ClipSet
from kws.errors import KwsError
from kws.labels import SILENCE, UNKNOWN, LabelSet


def is_test_set(root: Path) -> bool:
    """Return whether a folder has `_silence_` and `_unknown_`, and no background noise to train with."""
    return all((root / name).is_dir() for name in (SILENCE, UNKNOWN)) and not (root / BACKGROUND_FOLDER).exists()


def open_test_set(
    root: Path,
    labels: LabelSet,
    sample_rate: int,
    clip_samples: int,
    resample: bool = True,
    cache_dir: Path | None = None,
    fit: str = START,
    warn: bool = True,
) -> ClipSet:
    """All clips of a test set, by its folders; a folder of a word that is not wanted is unknown.

    Args:
        root: the folder.
        labels: the model's.
        sample_rate, clip_samples: of the model's clips.
        resample: resample clips of another rate, or refuse them by name.
        cache_dir: where the packed corpus is kept; None: in `root`.
        fit: how a recording of another length is made a clip: see `kws.audio.cutting.fit_clip`.
        warn: log what is left out.

    Raises:
        KwsError: another layout, a keyword without clips, or whatever is wrong with the clips.
    """
    if not is_test_set(root):
        raise KwsError(
            f"{root}: is no test set; folders {SILENCE} and {UNKNOWN} and one a word are expected, and no {BACKGROUND_FOLDER}"
        )
    also = (SILENCE, UNKNOWN)
    corpus = open_corpus(root, sample_rate, clip_samples, resample=resample, cache_dir=cache_dir, also=also, fit=fit, warn=warn)
    words = corpus.words
    missing = [name for name in labels.names if name not in set(words)]
    if missing:
        raise KwsError(
            f"{root}: this test set has no clips of {', '.join(missing)}; it has {', '.join(sorted(set(words)))}. Test a model of"
            " those words with it, or take the testing split of the whole data"
        )
    indices = np.array([labels.index(word) for word in words], dtype=np.int64)
    return ClipSet(corpus, ClipList(np.arange(len(words)), indices), np.zeros((0, clip_samples), dtype=np.int16))
