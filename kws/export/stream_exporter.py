"""Export of a checkpoint as a streaming model, compared with the checkpoint's scores of whole windows."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kws.errors import KwsError
from kws.evaluation.predictions import evaluate
from kws.export.exporter import ExportData, keep_if_equal, some_of
from kws.export.onnx import Ports, write_onnx
from kws.export.parity import ParityReport, compare, median_ms
from kws.export.probes import hard_signals
from kws.export.torchscript import write_mobile, write_torchscript
from kws.inference.checkpoint import WaveformModel
from kws.inference.checkpoint_stream import STRIDE_MS, StreamingScores
from kws.inference.loading import load
from kws.inference.metadata import Metadata
from kws.inference.model import ExportedModel
from kws.inference.stream_model import StreamModel
from kws.models.streaming import is_stateful
from kws.streaming.scorer import StatefulScorer

_log = logging.getLogger(__name__)
# Clips of the test split joined to one stream; few, as every window is copied into memory.
_REAL_CLIPS = 30
# Kinds of sound that follow each other in one stream; not those whose scores only show rounding.
_IN_TURN = ("voice", "silence", "white noise", "one sample", "faint noise", "full-scale clipping")

SUFFIXES = {"onnx": ".stream.onnx", "torchscript": ".stream.pt", "mobile": ".stream.ptl"}


def export_streaming(
    model: WaveformModel, form: str, folder: Path, stem: str, stride_ms: float = STRIDE_MS, data: ExportData | None = None
) -> ParityReport:
    """Write `<stem>.stream.<…>` and its parity report, if it is equal to the checkpoint; keep nothing otherwise.

    Args:
        model: the checkpoint.
        form: onnx, torchscript or mobile.
        folder: where to, made if need be.
        stem: of the name.
        stride_ms: from window to window.
        data: real clips, some joined to a stream for the comparison, all for the accuracy; None: synthetic signals.

    Returns:
        The report; the exported model was kept if it says `passed`.

    Raises:
        KwsError: another format, a stride or front end that can't stream, or a folder that can't be written.
    """
    if form not in SUFFIXES:
        raise KwsError(f"export: {form} has no streaming form; there are {', '.join(SUFFIXES)}")
    model = model.to("cpu").eval()
    module = StreamingScores(model, stride_ms).eval()
    # Whoever decodes its scores takes its settings from it, which are in whole milliseconds.
    own_ms = 1000 * module.layout.stride_samples / model.spec.sample_rate
    if own_ms != stride_ms:
        _log.info("stride_ms: %g asked; whole hops are %g ms (%d samples)", stride_ms, own_ms, module.layout.stride_samples)
    decoder = replace(model.metadata.decoder, stride_ms=max(int(stride_ms) if stride_ms == int(stride_ms) else round(own_ms), 1))
    metadata = model.metadata.with_decoder(decoder)
    return keep_if_equal(
        folder, stem + SUFFIXES[form], lambda path: _write_and_compare(model, module, metadata, form, path, data)
    )


def write_streaming(module: StreamingScores, metadata: Metadata, form: str, path: Path) -> None:
    """Write a streaming module, its layout in the metadata.

    Args:
        module: to be written.
        metadata: the checkpoint's.
        form: onnx, torchscript or mobile.
        path: the file.
    """
    layout = module.layout
    metadata = replace(metadata, streaming=layout)
    if form != "onnx":
        (write_mobile if form == "mobile" else write_torchscript)(module, metadata, path)
        return
    states = tuple(torch.zeros(shape) for _, shape in layout.state)
    names = [name for name, _ in layout.state]
    strides = layout.stride_samples * torch.export.Dim("k")
    ports = Ports(("samples", *names), ("scores", *(f"next_{name}" for name in names)), ({0: strides}, *({} for _ in names)))
    write_onnx(module, (torch.zeros(2 * layout.stride_samples), *states), metadata, path, ports)


class _WholeStream(nn.Module):
    """Reference of a network with streaming state: the same windows, rejoined and scored in one piece."""

    def __init__(self, module: StreamingScores) -> None:
        super().__init__()
        self.module = module

    def forward(self, windows: Tensor) -> Tensor:
        """Return the scores (windows, labels) of windows (windows, samples) as they come from a stream."""
        layout = self.module.layout
        parts = [windows.new_zeros(layout.pad), windows[0], windows[1:, -layout.stride_samples :].flatten()]
        states = [windows.new_zeros(shape) for _, shape in layout.state]
        stream = torch.cat(parts)
        scores: Tensor = self.module(stream[: len(stream) // layout.stride_samples * layout.stride_samples], *states)[0]
        return scores[layout.warm_up :][: len(windows)]

    @torch.no_grad()
    def score(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute `forward` from arrays to arrays."""
        scores: NDArray[np.float32] = self(torch.from_numpy(windows)).numpy()
        return scores


class _Rejoined(ExportedModel):
    """Takes windows as they come from a stream, joins them again, and streams them in chunks of odd sizes."""

    def __init__(self, streaming: StreamModel) -> None:
        super().__init__(streaming.path, streaming.metadata)
        self._streaming = streaming

    def run(self, waveform: NDArray[np.float32]) -> NDArray[np.float32]:
        scorer = self._streaming.scorer()
        stream = np.concatenate([waveform[0], waveform[1:, -scorer.stride_samples :].ravel()])
        return _in_odd_chunks(scorer, stream)


def _write_and_compare(
    model: WaveformModel, module: StreamingScores, metadata: Metadata, form: str, path: Path, data: ExportData | None
) -> ParityReport:
    write_streaming(module, metadata, form, path)
    artefact = cast(StreamModel, load(path, threads=1))
    stride_samples = module.layout.stride_samples
    signals, clips = _windows(model, stride_samples), 0
    accuracy = checkpoint_accuracy = None
    if data is not None:
        signals = {"real clips": _cut(some_of(data.testing, _REAL_CLIPS).ravel(), model.spec.samples, stride_samples), **signals}
        clips, names = len(data.testing), model.labels.names
        accuracy, checkpoint_accuracy = (evaluate(which.score, data.testing, names).accuracy for which in (artefact, model))
    reference = _WholeStream(module) if is_stateful(model.network) else model
    rows = compare(reference, _Rejoined(artefact), signals)
    stride, zeros = np.random.default_rng(0).uniform(-0.1, 0.1, stride_samples), module.layout.zeros()
    step_ms = median_ms(lambda: artefact.step(stride.astype(np.float32), zeros))
    return ParityReport(
        path.name, f"{form}, streaming", rows, False, clips, accuracy, checkpoint_accuracy, path.stat().st_size, step_ms,
        timed="stride",
    )  # fmt: skip


def _windows(model: WaveformModel, stride: int) -> dict[str, NDArray[np.float32]]:
    """Return overlapping windows (windows, samples) of a few seconds of each kind of sound."""
    length = model.spec.samples + max(model.spec.samples // 2, 2 * stride)
    streams = {kind: np.resize(clips, length) for kind, clips in hard_signals(model.spec).items()}
    streams["in turn"] = np.resize(np.concatenate([streams[kind][: length // 3] for kind in _IN_TURN]), 2 * length)
    return {kind: _cut(stream, model.spec.samples, stride) for kind, stream in streams.items()}


def _cut(stream: NDArray[np.float32], window: int, stride: int) -> NDArray[np.float32]:
    return np.lib.stride_tricks.sliding_window_view(stream, window)[::stride].copy()


def _in_odd_chunks(scorer: StatefulScorer, stream: NDArray[np.float32]) -> NDArray[np.float32]:
    rng = np.random.default_rng(0)
    cuts = np.cumsum(rng.integers(1, 4 * scorer.stride_samples, len(stream) // scorer.stride_samples))
    return np.concatenate([scorer.push(chunk) for chunk in np.split(stream, cuts[cuts < len(stream)])])
