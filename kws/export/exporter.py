"""Export of a checkpoint, kept only where it equals the checkpoint."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kws.audio.io import to_float
from kws.data.sets.clip_set import ClipSet
from kws.errors import KwsError
from kws.evaluation.predictions import evaluate
from kws.export.first_difference import first_difference
from kws.export.formats import Format
from kws.export.parity import ParityReport, clip_ms, compare
from kws.export.probes import hard_signals
from kws.files.atomic import replace_file
from kws.files.json_file import write_json
from kws.inference.checkpoint import WaveformModel, probabilities
from kws.inference.loading import load
from kws.inference.metadata_file import write_description
from kws.inference.model import ExportedModel

# Numbers of clips: of the test split, for the comparison; of the training split, to calibrate with.
_REAL_CLIPS, _CALIBRATION_CLIPS = 200, 300


@dataclass(frozen=True)
class ExportData:
    """Real clips for an export.

    Attributes:
        testing: for the comparison and the accuracy.
        calibration: float32 (clips, samples), for quantisation; of the training split.
    """

    testing: ClipSet
    calibration: NDArray[np.float32]


class Scores(nn.Module):
    """The exported module: the checkpoint's front end and network, temperature and softmax.

    Args:
        model: the checkpoint.
    """

    def __init__(self, model: WaveformModel) -> None:
        super().__init__()
        self.front_end, self.network = model.front_end, model.network
        self.samples, self.temperature = model.spec.samples, model.temperature

    def forward(self, waveform: Tensor) -> Tensor:
        """Return the probabilities (batch, labels) of a waveform (batch, samples) in [-1, 1]."""
        if torch.jit.is_scripting() and waveform.shape[1] != self.samples:
            raise ValueError("waveform: (batch, samples) expected with samples = " + str(self.samples))
        return probabilities(self.network(self.front_end(waveform)), self.temperature)


def export(model: WaveformModel, form: Format, folder: Path, stem: str, data: ExportData | None = None) -> ParityReport:
    """Write `<stem><suffix>` and its parity report, if it is equal to the checkpoint; keep nothing otherwise.

    Args:
        model: the checkpoint.
        form: kind of file.
        folder: where to, made if need be.
        stem: of the name.
        data: real clips; None: only synthetic signals are compared, and quantised formats are refused.

    Returns:
        The report; the exported model was kept if it says `passed`.

    Raises:
        KwsError: no data to quantise with, a package is missing, or the folder can't be written.
    """
    if form.quantised and data is None:
        raise KwsError(f"export: {form.name} needs real clips to calibrate with and to judge the result by; give a data folder")
    model = model.to("cpu").eval()
    return keep_if_equal(folder, stem + form.suffix, lambda path: _write_and_compare(model, form, path, data))


def keep_if_equal(folder: Path, name: str, write_and_compare: Callable[[Path], ParityReport]) -> ParityReport:
    """Write a file and its report atomically if the report passed; keep nothing otherwise.

    An ONNX file gets its description beside it too (kws.inference.metadata_file).

    Args:
        folder: where to, made if need be.
        name: of the file.
        write_and_compare: writes it to a path, and compares it.

    Raises:
        KwsError: the folder can't be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".part-", dir=folder) as temporary:
            path, beside = Path(temporary) / name, Path(temporary) / f"{name}.parity.json"
            report = write_and_compare(path)
            if report.passed:
                write_json(beside, report.to_dict())
                if path.suffix == ".onnx":
                    write_description(path, load(path, threads=1).metadata)
                replace_file(path, folder / name)
                for other in Path(temporary).iterdir():
                    replace_file(other, folder / other.name)
    except OSError as error:
        raise KwsError(f"{folder / name}: can't be written ({error.strerror or error}); give another folder") from error
    return report


def _write_and_compare(model: WaveformModel, form: Format, path: Path, data: ExportData | None) -> ParityReport:
    calibration = np.zeros((0, model.spec.samples), np.float32) if data is None else data.calibration
    form.write(Scores(model).eval(), torch.zeros(2, model.spec.samples), model.metadata, path, calibration)
    artefact = cast(ExportedModel, load(path, threads=1))
    signals = hard_signals(model.spec)
    accuracy = checkpoint_accuracy = None
    if data is not None:
        testing, names = data.testing, model.labels.names
        signals = {"real clips": some_of(testing, _REAL_CLIPS), **signals}
        accuracy, checkpoint_accuracy = (evaluate(which.score, testing, names).accuracy for which in (artefact, model))
    rows = compare(model, artefact, signals)
    report = ParityReport(
        path.name, form.name, rows, form.quantised, 0 if data is None else len(data.testing), accuracy, checkpoint_accuracy,
        path.stat().st_size, clip_ms(artefact),
    )  # fmt: skip
    if report.passed:
        return report
    return replace(report, first_difference=first_difference(model, form, path, np.concatenate(list(signals.values()))))


def calibration_clips(training: ClipSet) -> NDArray[np.float32]:
    """Return clips of every label to calibrate a quantised model with, float32 (clips, samples)."""
    return some_of(training, _CALIBRATION_CLIPS)


def some_of(clips: ClipSet, count: int) -> NDArray[np.float32]:
    """Return a number of clips of a set, of every label; float32 (clips, samples)."""
    # A set is sorted by label: clips at even distances are of all labels.
    return to_float(clips.read(np.unique(np.linspace(0, len(clips) - 1, count).astype(np.int64))))
