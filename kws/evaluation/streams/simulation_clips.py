"""Clips and noise of a data folder, for simulated streams. NumPy only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kws.audio.framing import FeatureSpec
from kws.audio.io import find_audio
from kws.audio.long_recording import warn_of_conversion
from kws.data.background import load_background
from kws.data.corpus import BACKGROUND_FOLDER, open_corpus
from kws.data.splits import SPLITS, SplitRule
from kws.errors import KwsError
from kws.evaluation.streams.simulation import ClipSource
from kws.labels import UNKNOWN_INDEX, LabelSet


def open_clips(
    root: Path, labels: LabelSet, split: str, rule: SplitRule, spec: FeatureSpec, cache_dir: Path | None = None
) -> tuple[ClipSource, list[NDArray[np.int16]], tuple[str, ...]]:
    """Open the clips of one set, the noise recordings, and the names of all clips.

    Warns of noise that was resampled or mixed down to mono.

    Args:
        root: folder of word folders.
        labels: the keywords.
        split: `training`, `validation` or `testing`.
        rule: assigns clips to sets.
        spec: sample rate and length of the clips.
        cache_dir: folder of the packed corpus; None: in `root`.

    Raises:
        KwsError: the data can't be read or lack noise or a keyword.
    """
    corpus = open_corpus(root, spec.sample_rate, spec.samples, cache_dir=cache_dir, fit=spec.fit)
    background = load_background(root, spec.sample_rate, spec.samples)
    if background is None:
        raise KwsError(f"{root / BACKGROUND_FOLDER}: no such folder, so no noise for the stream; put recordings of noise there")
    for path in find_audio(root / BACKGROUND_FOLDER):
        warn_of_conversion(path, spec.sample_rate)
    words = corpus.words
    members = np.flatnonzero(rule.assign(root, corpus.names) == SPLITS.index(split))
    wanted = np.array([labels.index(words[clip]) != UNKNOWN_INDEX for clip in members], dtype=bool)
    missing = [word for word in labels.words if word not in {words[clip] for clip in members}]
    if missing:
        raise KwsError(f"{root}: no clips of {', '.join(missing)} in the {split} set; mend the name, or choose another split")
    noises = [
        background.samples[start : start + length] for start, length in zip(background.starts, background.lengths, strict=True)
    ]
    source = ClipSource(
        members[wanted].tolist(),
        members[~wanted].tolist(),
        lambda clip: words[clip],
        lambda clip: corpus.read(np.array([clip]))[0],
    )
    return source, noises, corpus.names
