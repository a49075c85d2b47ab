"""The interface of every loaded model: score clips, give labels and settings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kws.audio.cutting import fit_clip
from kws.audio.framing import FeatureSpec
from kws.audio.io import read_audio, to_float
from kws.errors import InputError, KwsError
from kws.inference.metadata import Metadata
from kws.labels import LabelSet
from kws.streaming.scorer import ClipModel

Waveforms = NDArray[np.float32]
Scores = NDArray[np.float32]


class Model(ClipModel, Protocol):
    """A model that takes sound and gives scores: a checkpoint or any exported model."""

    @property
    def metadata(self) -> Metadata:
        """Labels and settings."""
        ...

    def __call__(self, waveform: Waveforms) -> Scores:
        """Score waveforms; see `score`."""
        ...

    def read(self, *paths: str | Path) -> Waveforms:
        """Read sound files as clips for `score`, (files, samples): see `read_clips`."""
        ...


class ExportedModel(ABC):
    """A model file, run by one of the runtimes.

    A pickle holds the path and the options; unpickling loads the file again.

    Args:
        path: the file.
        metadata: the model's own.
    """

    def __init__(self, path: Path, metadata: Metadata) -> None:
        self.path, self.metadata = path, metadata

    @property
    def labels(self) -> LabelSet:
        """The label set, in the order of the scores."""
        return self.metadata.labels

    @property
    def spec(self) -> FeatureSpec:
        """Rate and length of the clips it takes."""
        return self.metadata.spec

    def score(self, waveform: Waveforms) -> Scores:
        """Return the probabilities of clips.

        Args:
            waveform: float32 (batch, samples) in [-1, 1], at the model's rate and of its length.

        Returns:
            float32 (batch, labels).

        Raises:
            KwsError: another shape or type, or NaN or infinite samples.
        """
        return self.run(check_waveforms(waveform, self.spec))

    def __call__(self, waveform: Waveforms) -> Scores:
        """Score waveforms; see `score`."""
        return self.score(waveform)

    def read(self, *paths: str | Path) -> Waveforms:
        """Read sound files as clips for `score`, (files, samples): see `read_clips`."""
        return read_clips(paths, self.spec)

    @abstractmethod
    def run(self, waveform: Waveforms) -> Scores:
        """Run the file on waveforms (batch, …), unchecked."""


def read_clips(paths: Sequence[str | Path], spec: FeatureSpec) -> Waveforms:
    """Read sound files and fit each to a clip, as in training: float32 (files, samples) in [-1, 1).

    Raises:
        AudioError: as kws.audio.io.read_audio.
        KwsError: no file is given.
    """
    if not paths:
        raise KwsError("read: no sound file given; give one or more")
    return np.stack([to_float(fit_clip(read_audio(path, spec.sample_rate), spec.samples, spec.fit)) for path in paths])


def check_waveforms(waveform: Waveforms, spec: FeatureSpec) -> Waveforms:
    """Check waveforms against a model's spec; return them as float32 in C order.

    Raises:
        InputError: it can't; what was found and expected is said.
    """
    waveform = np.asarray(waveform)
    if not np.issubdtype(waveform.dtype, np.floating):
        raise InputError(
            f"waveform: {waveform.dtype} given; float in [-1, 1] expected (kws.audio.io.to_float turns int16 into it)"
        )
    if waveform.ndim != 2 or waveform.shape[1] != spec.samples:
        raise InputError(
            f"waveform: shape {waveform.shape} given; (batch, {spec.samples}) expected, {spec.clip_ms:g} ms at"
            f" {spec.sample_rate} Hz (`model.read(path)` reads a file so; kws.audio.fit_length cuts or pads samples)"
        )
    if not np.isfinite(waveform).all():
        raise InputError("waveform: holds NaN or infinite samples; a score of it would mean nothing")
    return np.ascontiguousarray(waveform, dtype=np.float32)
