"""Scores of whole windows, one per stride, from chunks of any size. NumPy only: the model is passed in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kws.audio.framing import FeatureSpec
from kws.errors import InputError, KwsError
from kws.labels import LabelSet

Samples = NDArray[np.float32]
Scores = NDArray[np.float32]
States = Sequence[NDArray[np.float32]]
# Strides of new samples and the states in; scores (strides, labels) and the next states out.
Step = Callable[[Samples, States], tuple[Scores, States]]

# Windows in one call: 8 take a quarter more time than 64, and 128 no less.
_WINDOWS_A_CALL = 64


class StreamScorer(Protocol):
    """Scores the windows of a stream as they complete."""

    @property
    def labels(self) -> LabelSet:
        """The label set, in the order of the scores."""
        ...

    @property
    def spec(self) -> FeatureSpec:
        """Rate and length of the windows."""
        ...

    @property
    def stride_samples(self) -> int:
        """From one window's start to the next."""
        ...

    def push(self, samples: Samples) -> Scores:
        """Take in sound, float32 (samples,); return the scores (windows, labels) of the completed windows, in order."""
        ...

    def reset(self) -> None:
        """Begin a new stream: the next sample is its first."""
        ...


class ClipModel(Protocol):
    """A model of whole clips: a checkpoint or any artefact."""

    @property
    def labels(self) -> LabelSet:
        """The label set."""
        ...

    @property
    def spec(self) -> FeatureSpec:
        """Rate and length of the clips."""
        ...

    def score(self, waveform: Samples) -> Scores:
        """Probabilities (batch, labels) of waveforms (batch, samples)."""
        ...


@dataclass(frozen=True)
class StreamLayout:
    """Timing and states of a streaming model; window i is the clip at `i * stride_samples` of the stream.

    Args:
        stride_samples: new samples for every row of scores.
        pad: zeros to put before the stream's first sample.
        warm_up: rows of scores to drop, for their windows began before the stream.
        state: name and shape of each state; all zeros before the stream.
    """

    stride_samples: int
    pad: int
    warm_up: int
    state: tuple[tuple[str, tuple[int, ...]], ...]

    @property
    def used(self) -> int:
        """Samples from a window's start to its end."""
        return (self.warm_up + 1) * self.stride_samples - self.pad

    def zeros(self) -> list[NDArray[np.float32]]:
        """Return the states before a stream."""
        return [np.zeros(shape, np.float32) for _, shape in self.state]

    def to_dict(self) -> dict[str, Any]:
        """Convert to JSON types; `from_dict` reverses it."""
        return {**asdict(self), "state": [{"name": name, "shape": list(shape)} for name, shape in self.state]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> StreamLayout:
        """From what `to_dict` made.

        Raises:
            KeyError, TypeError: something is missing or of another kind.
        """
        state = tuple((str(one["name"]), tuple(int(size) for size in one["shape"])) for one in values["state"])
        return cls(int(values["stride_samples"]), int(values["pad"]), int(values["warm_up"]), state)


class WindowScorer:
    """Scores every window as a clip of its own: for any model, and any stride.

    Args:
        model: of whole clips.
        stride_ms: from window to window, a whole number of samples or cut down to one.

    Raises:
        KwsError: a stride of less than a sample, or longer than a window.
    """

    def __init__(self, model: ClipModel, stride_ms: float) -> None:
        self.labels, self.spec, self._model = model.labels, model.spec, model
        self.stride_samples = stride_samples(stride_ms, model.spec)
        self.reset()

    def reset(self) -> None:
        """Begin a new stream."""
        self._rest = np.zeros(0, np.float32)

    def push(self, samples: Samples) -> Scores:
        """Return the scores (windows, labels) of the windows that these samples complete.

        Raises:
            KwsError: not float (samples,), or NaN or infinite samples; nothing was taken in.
        """
        sound = np.concatenate([self._rest, checked(samples)])
        count = max(1 + (len(sound) - self.spec.samples) // self.stride_samples, 0)
        self._rest = sound[count * self.stride_samples :].copy()
        parts = [np.zeros((0, len(self.labels)), np.float32)]
        starts = range(0, count * self.stride_samples, self.stride_samples)
        for first in range(0, count, _WINDOWS_A_CALL):
            batch = starts[first : first + _WINDOWS_A_CALL]
            parts.append(self._model.score(np.stack([sound[start : start + self.spec.samples] for start in batch])))
        return np.concatenate(parts)


class StatefulScorer:
    """Drives a streaming model, which computes for each window only what is new.

    Args:
        labels, spec: the model's.
        layout: how it is driven.
        step: its function.
    """

    def __init__(self, labels: LabelSet, spec: FeatureSpec, layout: StreamLayout, step: Step) -> None:
        self.labels, self.spec, self.layout, self._step = labels, spec, layout, step
        self.stride_samples = layout.stride_samples
        # Frames may not reach to the end of a clip; a window is scored no sooner than all of it was heard.
        self._unread = spec.samples - layout.used
        self.reset()

    def reset(self) -> None:
        """Begin a new stream."""
        self._rest = np.zeros(self.layout.pad, np.float32)
        self._states: States = self.layout.zeros()
        self._to_drop = self.layout.warm_up

    def push(self, samples: Samples) -> Scores:
        """Return the scores (windows, labels) of the windows that these samples complete.

        Raises:
            KwsError: not float (samples,), or NaN or infinite samples; nothing was taken in.
        """
        sound = np.concatenate([self._rest, checked(samples)])
        count = max((len(sound) - self._unread) // self.stride_samples, 0)
        parts = [np.zeros((0, len(self.labels)), np.float32)]
        for first in range(0, count, _WINDOWS_A_CALL):
            last = min(first + _WINDOWS_A_CALL, count)
            scores, self._states = self._step(sound[first * self.stride_samples : last * self.stride_samples], self._states)
            dropped = min(self._to_drop, len(scores))
            self._to_drop -= dropped
            parts.append(scores[dropped:])
        self._rest = sound[count * self.stride_samples :].copy()
        return np.concatenate(parts)


def stride_samples(stride_ms: float, spec: FeatureSpec) -> int:
    """Return a stride in samples: a multiple of the hop where it is whole hops, else rounded down to whole samples.

    Where a hop is no whole number of samples, as at 22,050 Hz, only so are the frames of one window those of the next.

    Raises:
        KwsError: less than a sample, or longer than a window.
    """
    # NaN is no stride either.
    given = 0 < stride_ms <= spec.clip_ms
    hops = whole_hops(stride_ms, spec) if given else 0
    samples = hops * spec.hop or (int(spec.sample_rate * stride_ms / 1000 + 1e-6) if given else 0)
    if not samples:
        raise KwsError(
            f"stride_ms: {stride_ms:g} given; more than 0 and at most the window's {spec.clip_ms:g} ms is expected,"
            f" and at least a sample at {spec.sample_rate} Hz"
        )
    return samples


def whole_hops(stride_ms: float, spec: FeatureSpec) -> int:
    """Return a stride in hops, from the settings in milliseconds; 0 if it is not a whole number."""
    hops = round(stride_ms / spec.hop_ms)
    return hops if abs(stride_ms - hops * spec.hop_ms) < 1e-6 else 0


def fits_stride(stride_ms: float, scorer: StreamScorer) -> bool:
    """Return whether a scorer's stride is this one, or this one is its stride in whole milliseconds."""
    own = scorer.stride_samples
    return stride_ms == round(1000 * own / scorer.spec.sample_rate) or (
        0 < stride_ms <= scorer.spec.clip_ms and own == stride_samples(stride_ms, scorer.spec)
    )


def checked(samples: Samples) -> Samples:
    """Return the samples as float32, after checking that a stream can go on with them.

    Raises:
        InputError: another type or shape, or NaN or infinite samples.
    """
    samples = np.asarray(samples)
    if not np.issubdtype(samples.dtype, np.floating):
        raise InputError(f"samples: {samples.dtype} given; float in [-1, 1] expected (kws.audio.io.to_float turns int16 into it)")
    if samples.ndim != 1:
        raise InputError(f"samples: shape {samples.shape} given; one channel, (samples,), is expected")
    if not np.isfinite(samples).all():
        raise InputError("samples: NaN or infinite; leave them out and tell of it (Spotter.skip), or find what made them")
    return samples.astype(np.float32, copy=False)
