"""Score the windows of a stream, one every stride, from chunks of any size. NumPy only: the network is passed in."""

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
# (new samples of whole strides, states) to (scores (strides, labels), next states).
Step = Callable[[Samples, States], tuple[Scores, States]]

# Windows in one call: a batch of 8 is slower per window, and 128 is no faster.
_WINDOWS_A_CALL = 64


class StreamScorer(Protocol):
    """Score the windows of a stream as they complete."""

    @property
    def labels(self) -> LabelSet:
        """The label set, in the order of the scores."""
        ...

    @property
    def spec(self) -> FeatureSpec:
        """Sample rate and length of the windows."""
        ...

    @property
    def stride_samples(self) -> int:
        """Samples from one window's start to the next."""
        ...

    def push(self, samples: Samples) -> Scores:
        """Process float32 (samples,); return the scores (windows, labels) of the windows that they complete."""
        ...

    def reset(self) -> None:
        """Start a new stream: the next sample is its first."""
        ...


class ClipModel(Protocol):
    """A model of whole clips: a checkpoint or an exported model."""

    @property
    def labels(self) -> LabelSet:
        """The label set, in the order of the scores."""
        ...

    @property
    def spec(self) -> FeatureSpec:
        """Sample rate and length of the clips."""
        ...

    def score(self, waveform: Samples) -> Scores:
        """Compute probabilities (batch, labels) of waveforms (batch, samples) in [-1, 1]."""
        ...


@dataclass(frozen=True)
class StreamLayout:
    """How to drive a streaming model; window i is the clip that starts at sample `i * stride_samples` of the stream.

    Args:
        stride_samples: new samples for each row of scores.
        pad: left padding: zeros before the stream's first sample.
        warm_up: first rows of scores to drop, for their windows began before the stream.
        state: name and shape of each streaming state; all are zeros before the stream.
    """

    stride_samples: int
    pad: int
    warm_up: int
    state: tuple[tuple[str, tuple[int, ...]], ...]

    @property
    def used(self) -> int:
        """Samples of a window that the model reads, counted from its start."""
        return (self.warm_up + 1) * self.stride_samples - self.pad

    def zeros(self) -> list[NDArray[np.float32]]:
        """Return the initial streaming state."""
        return [np.zeros(shape, np.float32) for _, shape in self.state]

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary for JSON; `from_dict` reads it."""
        return {**asdict(self), "state": [{"name": name, "shape": list(shape)} for name, shape in self.state]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> StreamLayout:
        """Build from the dictionary of `to_dict`.

        Raises:
            KeyError, TypeError: a value is missing or of the wrong type.
        """
        state = tuple((str(one["name"]), tuple(int(size) for size in one["shape"])) for one in values["state"])
        return cls(int(values["stride_samples"]), int(values["pad"]), int(values["warm_up"]), state)


class WindowScorer:
    """Score every window as a separate clip: for any model, and any stride.

    Args:
        model: a model of whole clips.
        stride_ms: from one window's start to the next; `stride_samples` converts it.

    Raises:
        KwsError: a stride shorter than a sample, or longer than a window.
    """

    def __init__(self, model: ClipModel, stride_ms: float) -> None:
        self.labels, self.spec, self._model = model.labels, model.spec, model
        self.stride_samples = stride_samples(stride_ms, model.spec)
        self.reset()

    def reset(self) -> None:
        """Start a new stream."""
        self._rest = np.zeros(0, np.float32)

    def push(self, samples: Samples) -> Scores:
        """Return the scores (windows, labels) of the windows that these samples complete.

        Raises:
            KwsError: not float (samples,), or NaN or infinite samples; nothing was processed.
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
    """Drive a streaming model, which computes only what is new for each window.

    Args:
        labels, spec: the model's.
        layout: how to drive it.
        step: its function, see `Step`.
    """

    def __init__(self, labels: LabelSet, spec: FeatureSpec, layout: StreamLayout, step: Step) -> None:
        self.labels, self.spec, self.layout, self._step = labels, spec, layout, step
        self.stride_samples = layout.stride_samples
        # The frames may end before the clip does; a window is scored only once all of it has arrived.
        self._unread = spec.samples - layout.used
        self.reset()

    def reset(self) -> None:
        """Start a new stream."""
        self._rest = np.zeros(self.layout.pad, np.float32)
        self._states: States = self.layout.zeros()
        self._to_drop = self.layout.warm_up

    def push(self, samples: Samples) -> Scores:
        """Return the scores (windows, labels) of the windows that these samples complete.

        Raises:
            KwsError: not float (samples,), or NaN or infinite samples; nothing was processed.
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
    """Convert a stride from ms to samples: whole hops become as many times the hop's samples, others are rounded down.

    Where a hop is no whole number of samples, as at 22,050 Hz, only this makes the frames of neighbouring windows the

    Raises:
        KwsError: shorter than a sample, or longer than a window.
    """
    # False for NaN too.
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
    """Return the number of hops in a stride, by the settings' milliseconds; 0 if it is not a whole number."""
    hops = round(stride_ms / spec.hop_ms)
    return hops if abs(stride_ms - hops * spec.hop_ms) < 1e-6 else 0


def fits_stride(stride_ms: float, scorer: StreamScorer) -> bool:
    """Return whether a stride is the scorer's, exactly or rounded to whole milliseconds."""
    own = scorer.stride_samples
    return stride_ms == round(1000 * own / scorer.spec.sample_rate) or (
        0 < stride_ms <= scorer.spec.clip_ms and own == stride_samples(stride_ms, scorer.spec)
    )


def checked(samples: Samples) -> Samples:
    """Return the samples as float32, if they can be scored.

    Raises:
        InputError: wrong type or shape, or NaN or infinite samples.
    """
    samples = np.asarray(samples)
    if not np.issubdtype(samples.dtype, np.floating):
        raise InputError(f"samples: {samples.dtype} given; float in [-1, 1] expected (kws.audio.io.to_float turns int16 into it)")
    if samples.ndim != 1:
        raise InputError(f"samples: shape {samples.shape} given; one channel, (samples,), is expected")
    if not np.isfinite(samples).all():
        raise InputError("samples: NaN or infinite; leave them out and tell of it (Spotter.skip), or find what made them")
    return samples.astype(np.float32, copy=False)
