"""What TensorFlow's speech_commands example answered: tests/golden/tensorflow_2_21, or all of it where that is at hand."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kws.streaming.decoder_settings import DecoderSettings

GOLDEN = Path(__file__).parent / "golden" / "tensorflow_2_21"
# The held MFCC contains these: (every n-th frame, the first coefficients).
WITHIN_MFCC = {"mfcc_w480_s160_d13": (1, 13), "mfcc_w480_s160_d10": (1, 10), "mfcc_w480_s320_d40": (2, 40)}


def features(folder: Path) -> Mapping[str, NDArray[Any]]:
    """Names, waveforms, and every kind of features of them."""
    with np.load(folder / "features.npz") as arrays:
        found = {name: arrays[name] for name in arrays.files}
    mfcc = found["mfcc_w480_s160_d40"]
    return {name: mfcc[:, ::step, :bins] for name, (step, bins) in WITHIN_MFCC.items()} | found


class Run(NamedTuple):
    """A run of the decoder: times (steps,) in ms, scores (steps, labels), and its answer at each step."""

    labels: list[str]
    settings: DecoderSettings
    times_ms: NDArray[np.int64]
    results: NDArray[np.float32]
    answers: list[str]
    scores: NDArray[np.float32]
    is_new: list[bool]


def decoder_runs() -> Iterator[Run]:
    """All runs of the decoder."""
    with np.load(GOLDEN / "decoder.npz") as arrays:
        found = {name: arrays[name] for name in arrays.files}
    labels = found["labels"].tolist()
    names = ("average_window_ms", "threshold", "suppression_ms", "minimum_count")
    for number, stream in enumerate(found["stream"]):
        yield Run(
            labels,
            DecoderSettings(**{name: found[name][number].item() for name in names}),
            found[f"{stream}_t"],
            found[f"{stream}_p"],
            [labels[index] for index in found["step_label"][number]],
            found["step_score"][number],
            found["step_is_new"][number].tolist(),
        )


def splits() -> dict[str, Any]:
    """File names and their set at each pair of percentages, and the speakers of each published list."""
    found: dict[str, Any] = json.loads((GOLDEN / "splits.json").read_text(encoding="utf-8"))
    return found


def counted_streams() -> list[dict[str, Any]]:
    """Cases of streaming accuracy: the ground truth, what was found, and the counts at each tolerance in ms."""
    found = json.loads((GOLDEN / "streaming_accuracy.json").read_text(encoding="utf-8"))
    assert found["fields"] == ["how_many_gt", "how_many_gt_matched", "correct", "wrong", "false_positive"]
    cases: list[dict[str, Any]] = found["cases"]
    return cases
