"""Comparison of an exported model with its checkpoint: probabilities, accuracy, size, time for a clip."""

from __future__ import annotations

import copy
import math
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from textwrap import indent
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kws.files.table import text_table
from kws.inference.model import ExportedModel

# Largest difference of a probability.
LIMIT = 1e-4
# Larger differences are allowed up to this many times the checkpoint's own rounding error.
ROUNDING_MARGIN = 10.0
# Largest loss of a quantised model's accuracy, in percentage points.
LARGEST_LOSS_POINTS = 0.5
# Relative precision of float32.
_LAST_BIT = np.float32(2**-23)
_BATCH = 50


@dataclass(frozen=True)
class SignalParity:
    """One kind of sound.

    Attributes:
        kind: such as `real clips` or `silence`.
        clips: how many.
        difference: largest difference of a probability between exported model and checkpoint.
        rounding: how far rounding alone moves the checkpoint's own answer, see `compare`.
        agreement: share of the clips with the same likeliest label.
        passed: every clip within the limit, 1e-4 or ten times its own rounding.
    """

    kind: str
    clips: int
    difference: float
    rounding: float
    agreement: float
    passed: bool


@dataclass(frozen=True)
class ParityReport:
    """The result of a comparison.

    Attributes:
        file: name of the exported model.
        format: as in `--to`.
        signals: a row a kind of sound.
        quantised: judged by its accuracy, not by its probabilities.
        clips: of the test split; 0: none given.
        accuracy, checkpoint_accuracy: shares of these; None without.
        size_bytes: of the file.
        clip_ms: median time for one clip, warm, one thread.
        first_difference: where a failed exported model first differs; empty where it passed.
        timed: what `clip_ms` is the time of.
    """

    file: str
    format: str
    signals: tuple[SignalParity, ...]
    quantised: bool
    clips: int
    accuracy: float | None
    checkpoint_accuracy: float | None
    size_bytes: int
    clip_ms: float
    first_difference: str = ""
    timed: str = "clip"

    @property
    def lost_points(self) -> float:
        """Accuracy lost, in percent of the clips; nan without a test split."""
        if self.accuracy is None or self.checkpoint_accuracy is None:
            return float("nan")
        return 100 * (self.checkpoint_accuracy - self.accuracy)

    @property
    def passed(self) -> bool:
        """Return whether the exported model may be kept."""
        if self.quantised:
            return self.lost_points <= LARGEST_LOSS_POINTS
        return all(row.passed for row in self.signals)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        return {**asdict(self), "signals": [asdict(row) for row in self.signals], "passed": self.passed}

    def to_text(self) -> str:
        """Format the report as a table."""
        lines = [f"{self.file} ({self.format}): {self.size_bytes:,} bytes, {self.clip_ms:.2f} ms a {self.timed} on one thread"]
        rows = []
        for row in self.signals:
            mark = "" if row.passed or self.quantised else "FAILED"
            numbers = (row.clips, f"{row.difference:.1e}", f"{row.rounding:.1e}", f"{100 * row.agreement:.1f} %")
            rows.append((row.kind, *numbers, mark))
        header = ("sound", "clips", "difference", "rounding", "same label", "")
        lines.append(indent(text_table(header, rows, align="<>>>><"), "  "))
        if self.accuracy is not None and self.checkpoint_accuracy is not None:
            mine, reference = 100 * self.accuracy, 100 * self.checkpoint_accuracy
            lines.append(f"  accuracy {mine:.2f} % of {self.clips} clips, the checkpoint's {reference:.2f} %")
        if self.first_difference:
            lines.append(f"  {self.first_difference}")
        if self.passed:
            lines.append("  good enough" if self.quantised else "  equal")
        else:
            lines.append("  NOT KEPT" + (f": {self._loss()}" if self.quantised and self.clips else ""))
        return "\n".join(lines)

    def _loss(self) -> str:
        """Say how many clips a quantised model lost, and whether so few could show that it is within the limit."""
        lost, limit = round(self.lost_points * self.clips / 100), f"the limit of {LARGEST_LOSS_POINTS:g} points"
        if self.clips * LARGEST_LOSS_POINTS / 100 < 1:
            enough = math.ceil(100 / LARGEST_LOSS_POINTS)
            return f"lost {lost} of {self.clips} clips; {limit} needs {enough} clips or more, for of fewer one alone is beyond it"
        return f"lost {lost} of {self.clips} clips, {self.lost_points:.2f} points; {limit} was passed"


class Reference(Protocol):
    """The reference of a comparison: a checkpoint, or its scores over a stream; a torch module."""

    def score(self, waveform: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probabilities (batch, labels) of waveforms (batch, samples)."""
        ...

    def double(self) -> Callable[[Tensor], Tensor]:
        """Return the same model in float64."""
        ...


def compare(
    reference: Reference, candidate: ExportedModel, signals: Mapping[str, NDArray[np.float32]]
) -> tuple[SignalParity, ...]:
    """Compare an exported model's probabilities with its checkpoint's, kind by kind.

    A front end takes logarithms, so the empty bands of a pure tone show the rounding of its sums, and no two
    implementations agree there. The effect of rounding is therefore measured too: the largest distance from the
    checkpoint in float64 to the checkpoint in float32, for the clip, and for the clip with its last bits changed at
    random.

    Args:
        reference: the checkpoint, or the like.
        candidate: the exported model.
        signals: clips (clips, samples) by kind.
    """
    exact = copy.deepcopy(reference).double()
    rng = np.random.default_rng(0)
    rows = []
    for kind, clips in signals.items():
        mine = _in_batches(reference.score, clips)
        theirs = _in_batches(candidate.score, clips)
        with torch.no_grad():
            certain = _in_batches(lambda batch: exact(torch.from_numpy(batch).double()).numpy(), clips)
        shaken = [clips * (1 + _LAST_BIT * rng.uniform(-1, 1, clips.shape).astype(np.float32)) for _ in range(2)]
        difference = np.abs(mine - theirs).max(axis=1)
        rounded = [mine, *(_in_batches(reference.score, other) for other in shaken)]
        rounding = np.abs(np.stack(rounded) - certain).max(axis=(0, 2))
        # Not `all(difference <= limit)`: NaN must fail.
        passed = bool(np.all(difference <= np.maximum(LIMIT, ROUNDING_MARGIN * rounding)))
        agreement = float(np.mean(mine.argmax(axis=1) == theirs.argmax(axis=1)))
        rows.append(SignalParity(kind, len(clips), float(difference.max()), float(rounding.max()), agreement, passed))
    return tuple(rows)


def clip_ms(candidate: ExportedModel, runs: int = 60, warm_up: int = 10) -> float:
    """Return the median milliseconds for one clip of noise, on one thread.

    ONNX Runtime keeps the number of threads that it was loaded with.
    """
    clip = np.random.default_rng(0).uniform(-0.1, 0.1, (1, candidate.spec.samples)).astype(np.float32)
    return median_ms(lambda: candidate.run(clip), runs, warm_up)


def median_ms(work: Callable[[], object], runs: int = 60, warm_up: int = 10) -> float:
    """Return the median milliseconds of some work, torch on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        times = []
        for _ in range(warm_up + runs):
            start = time.perf_counter()
            work()
            times.append(1000 * (time.perf_counter() - start))
    finally:
        torch.set_num_threads(threads)
    return statistics.median(times[warm_up:])


def _in_batches(score: Any, clips: NDArray[np.float32]) -> NDArray[np.float64]:
    parts = [score(clips[start : start + _BATCH]) for start in range(0, len(clips), _BATCH)]
    return np.concatenate(parts).astype(np.float64)
