"""A trained model as a program uses it: one class, whatever kind of file it comes from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kws.audio.arrays import read_array
from kws.audio.cutting import fit_clip
from kws.audio.framing import FeatureSpec
from kws.audio.io import read_audio, to_float
from kws.errors import InputError, KwsError
from kws.inference.loading import SUFFIXES, load
from kws.inference.metadata import Metadata
from kws.inference.model import ExportedModel, Model, Scores, Waveforms
from kws.inference.prediction import Prediction
from kws.labels import LabelSet

if TYPE_CHECKING:
    from kws.inference.checkpoint import WaveformModel


class KeywordModel:
    """A trained model that labels clips; `load_model` makes it.

    Args:
        loaded: what `kws.inference.loading.load` gives.
        path: of its file; None: it was made in memory.

    Attributes:
        loaded, path: as given.
    """

    def __init__(self, loaded: Model, path: Path | None = None) -> None:
        self.loaded, self.path = loaded, path

    def __repr__(self) -> str:
        return f"KeywordModel({str(self.path)!r}, keywords={list(self.labels.words)})"

    @property
    def labels(self) -> LabelSet:
        """The labels in the order of the scores: `labels.names` are all of them, `labels.words` the keywords."""
        return self.loaded.labels

    @property
    def sample_rate(self) -> int:
        """Samples a second of the sound it takes."""
        return self.spec.sample_rate

    @property
    def clip_duration(self) -> float:
        """Length of a clip in seconds."""
        return self.spec.clip_ms / 1000

    @property
    def spec(self) -> FeatureSpec:
        """Rate, length and frames of a clip."""
        return self.loaded.spec

    @property
    def metadata(self) -> Metadata:
        """Labels and settings, as the file carries them."""
        return self.loaded.metadata

    @property
    def module(self) -> WaveformModel:
        """The torch module of a checkpoint, waveform in, probabilities out.

        Raises:
            AttributeError: the model is no checkpoint, so that it has none.
        """
        if isinstance(self.loaded, ExportedModel):
            raise AttributeError(f"{self.path}: has no torch module; load the checkpoint (.ckpt) that it was exported from")
        return cast("WaveformModel", self.loaded)

    def predict(self, sound: str | Path | ArrayLike, sample_rate: int | None = None) -> Prediction:
        """Label one sound, of any length: it is made a clip by the model's own rule, `spec.fit`.

        Args:
            sound: a sound file, or int16 or float in [-1, 1], (samples,).
            sample_rate: of an array; None: the model's. A file says its own.

        Raises:
            InputError: an array of another type or shape, without samples, or with NaN or infinite ones; a rate that is
                none.
            AudioError: a file that can't be read.
        """
        samples = read_any(sound, sample_rate, self.spec)
        clip = to_float(fit_clip(samples, self.spec.samples, self.spec.fit))
        scores = self.loaded.score(clip[None])[0]
        return Prediction.of(dict(zip(self.labels.names, scores.tolist(), strict=True)))

    def predict_proba(self, batch: ArrayLike) -> Scores:
        """Probabilities of clips that are cut already: (batch, samples) to float32 (batch, labels).

        Args:
            batch: int16, or float in [-1, 1], at the model's rate, each of `spec.samples` samples; `read` makes it of
                files.

        Raises:
            InputError: another type or shape, or NaN or infinite samples.
        """
        try:
            clips = np.asarray(batch)
        except (TypeError, ValueError, RuntimeError) as error:  # clips of unequal length; tensors that need a gradient
            raise InputError(
                f"batch: can't be taken as an array ({error}); int16 or float (batch, {self.spec.samples}) is expected"
            ) from error
        return self.loaded.score(to_float(clips) if clips.dtype == np.int16 else clips)

    def read(self, *paths: str | Path) -> Waveforms:
        """Read sound files as clips that `predict_proba` takes: float32 (files, samples).

        Raises:
            AudioError: a file that can't be read.
        """
        return self.loaded.read(*paths)


# What a function takes for a model.
AnyModel = KeywordModel | Model | str | Path


def load_model(path_or_name: str | Path, threads: int | None = None) -> KeywordModel:
    """Load a trained model, ready to use.

    Args:
        path_or_name: a `.ckpt`, `.onnx`, `.pt`, `.ptl` or `.pte` file. An `.onnx` file needs no torch.
        threads: CPU threads of ONNX Runtime or ExecuTorch; None: one for each core.

    Raises:
        KwsError: the file is missing, broken, or holds no model of kws; what runs it is not installed.
    """
    if not isinstance(path_or_name, str | os.PathLike):
        raise InputError(f"path_or_name: {path_or_name!r} given; the path of a model is expected, such as best.onnx")
    path = Path(path_or_name)
    if not path.suffix and not path.is_file():
        raise KwsError(f"{path_or_name}: no such file; the path of a model is expected, ending in {', '.join(SUFFIXES)}")
    return KeywordModel(load(path, threads), path)


def as_keyword_model(model: AnyModel, threads: int | None = None) -> KeywordModel:
    """Whatever a function takes for a model, as one; a path is loaded.

    Raises:
        KwsError: as for `load_model`.
    """
    if isinstance(model, KeywordModel):
        return model
    if isinstance(model, str | Path) or not hasattr(model, "score"):
        return load_model(cast("str | Path", model), threads)
    return KeywordModel(model, getattr(model, "path", None))


def read_any(sound: str | Path | ArrayLike, sample_rate: int | None, spec: FeatureSpec) -> NDArray[np.int16]:
    """A sound file or an array as int16 (samples,) at the rate of the model with this spec; errors as for `predict`."""
    if isinstance(sound, str | Path):
        if sample_rate is not None:
            raise InputError(f"sample_rate: {sample_rate} given with a file, {sound}, which says its own rate; leave it out")
        return read_audio(sound, spec.sample_rate)
    return read_array(sound, spec.sample_rate if sample_rate is None else sample_rate, spec.sample_rate)
