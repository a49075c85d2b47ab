"""Streaming models: sound and state in, scores and state out, whatever runs them. NumPy only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from kws.errors import KwsError
from kws.inference.metadata import Metadata
from kws.inference.model import ExportedModel, Scores, Waveforms
from kws.streaming.scorer import StatefulScorer, States, StreamLayout


class Runner(Protocol):
    """An opened file of any number of inputs and outputs."""

    path: Path
    metadata: Metadata

    def call(self, *inputs: NDArray[np.float32]) -> Sequence[NDArray[np.float32]]:
        """Return all outputs for all inputs."""
        ...


class StreamModel(ExportedModel):
    """A streaming model, driven by `scorer`; it scores whole clips too, each as its own stream.

    A clip then costs as much as all the windows that end in it: for clips, export a model without `--streaming`.

    Args:
        runner: what runs it.

    Attributes:
        layout: how it is driven.

    Raises:
        KwsError: its metadata has no streaming entry.
    """

    def __init__(self, runner: Runner) -> None:
        super().__init__(runner.path, runner.metadata)
        if runner.metadata.streaming is None:
            raise KwsError(f"{runner.path}: takes whole clips, not a stream; export it with `kws export --streaming`")
        self.layout: StreamLayout = runner.metadata.streaming
        self._runner = runner

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._runner,)

    def scorer(self) -> StatefulScorer:
        """Return a scorer at the start of a stream; any number may share this model."""
        return StatefulScorer(self.labels, self.spec, self.layout, self.step)

    def step(self, samples: NDArray[np.float32], states: States) -> tuple[Scores, States]:
        """Return the scores (k, labels) of k strides of samples, and the next states."""
        scores, *after = self._runner.call(samples, *states)
        return scores, after

    def run(self, waveform: Waveforms) -> Scores:
        """Return the scores (batch, labels) of clips (batch, samples): a stream's first window, each."""
        scores = [np.zeros((0, len(self.labels)), np.float32)]
        for clip in waveform:
            heard = np.concatenate([np.zeros(self.layout.pad, np.float32), clip[: self.layout.used]])
            scores.append(self.step(heard, self.layout.zeros())[0][self.layout.warm_up :])
        return np.concatenate(scores)


def whole_or_streaming(runner: ExportedModel) -> ExportedModel:
    """Return the loaded model, wrapped in `StreamModel` if it is for streams."""
    return runner if runner.metadata.streaming is None else StreamModel(cast(Runner, runner))
