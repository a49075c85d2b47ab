"""What every loaded model can do, whatever runs it: score clips, and say its labels and settings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kws.artefacts.metadata import Metadata
from kws.errors import KwsError
from kws.framing import FeatureSpec
from kws.labels import LabelSet

Waveforms = NDArray[np.float32]
Scores = NDArray[np.float32]


class Model(Protocol):
    """A model that takes sound and gives scores: a checkpoint or any artefact."""

    @property
    def metadata(self) -> Metadata:
        """Labels and settings."""
        ...

    @property
    def labels(self) -> LabelSet:
        """The label set, in the order of the scores."""
        ...

    @property
    def spec(self) -> FeatureSpec:
        """Rate and length of the clips it takes."""
        ...

    def score(self, waveform: Waveforms) -> Scores:
        """Probabilities (batch, labels) of waveforms (batch, samples) in [-1, 1]."""
        ...

    def __call__(self, waveform: Waveforms) -> Scores:
        """As `score`."""
        ...


class Artefact(ABC):
    """A model file, run by one of the runtimes. Pickling keeps where the file is and how it was loaded: it is loaded anew.

    Args:
        path: the file.
        metadata: what it says of itself.
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
        """Probabilities of clips.

        Args:
            waveform: float32 (batch, samples) in [-1, 1], at the model's rate and of its length.

        Returns:
            float32 (batch, labels).

        Raises:
            KwsError: another shape or type, or NaN or infinite samples.
        """
        return self.run(check_waveforms(waveform, self.spec))

    def __call__(self, waveform: Waveforms) -> Scores:
        """As `score`."""
        return self.score(waveform)

    @abstractmethod
    def run(self, waveform: Waveforms) -> Scores:
        """Whatever the file computes of (batch, …), unchecked."""


def check_waveforms(waveform: Waveforms, spec: FeatureSpec) -> Waveforms:
    """The waveforms as float32 in C order, if a model with this spec can score them.

    Raises:
        KwsError: it can't; what was found and expected is said.
    """
    waveform = np.asarray(waveform)
    if not np.issubdtype(waveform.dtype, np.floating):
        raise KwsError(f"waveform: {waveform.dtype} given; float in [-1, 1] expected (kws.audio.to_float turns int16 into it)")
    if waveform.ndim != 2 or waveform.shape[1] != spec.samples:
        raise KwsError(
            f"waveform: shape {waveform.shape} given; (batch, {spec.samples}) expected, {spec.clip_ms:g} ms at {spec.rate_hz} Hz"
            " (kws.audio.fit_length cuts or pads a clip, kws.audio.read_audio resamples a file)"
        )
    if not np.isfinite(waveform).all():
        raise KwsError("waveform: holds NaN or infinite samples; a score of it would mean nothing")
    return np.ascontiguousarray(waveform, dtype=np.float32)
