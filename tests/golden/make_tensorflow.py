"""Write tests/golden/tensorflow_2_21/: the part of TensorFlow's numbers that is small enough to be held here.

    python tests/golden/make_tensorflow.py [--reference FOLDER] [--clips FOLDER]

Reads what TensorFlow's speech_commands example answered (see README.md), and takes over no sound but signals.
"""

from __future__ import annotations

import argparse
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
SHARED = HERE.parents[2] / "shared"
SIGNALS = (
    "zeros", "impulse_0", "square_clip", "sine_440", "sweep_log_50_7900", "white_-40db", "half_zero_half_noise", "lsb_dither",
)  # fmt: skip
# Fewer coefficients, or a longer hop, of the same MFCC: (every n-th frame, the first coefficients).
WITHIN_MFCC = {"mfcc_w480_s160_d13": (1, 13), "mfcc_w480_s160_d10": (1, 10), "mfcc_w480_s320_d40": (2, 40)}
SETS = ("training", "validation", "testing")
Arrays = dict[str, NDArray[Any]]


def features(reference: Path) -> Arrays:
    """The signals, their MFCC of 40 coefficients, and their averaged spectrum."""
    whole = np.load(reference / "features.npz")
    mfcc = whole["mfcc_w480_s160_d40"]
    for name, (step, bins) in WITHIN_MFCC.items():
        if not np.array_equal(mfcc[:, ::step, :bins], whole[name]):
            raise SystemExit(f"{name} is not within mfcc_w480_s160_d40: it has to be held for itself")
    rows = [whole["names"].tolist().index(name) for name in SIGNALS]
    kept = ("waveforms", "mfcc_w480_s160_d40", "average_w30ms_s10ms_b40")
    return {"names": np.array(SIGNALS), **{name: whole[name][rows] for name in kept}}


def network(reference: Path) -> Arrays:
    """The smallest network's weights, and its logits of the inputs that are of a machine's voice."""
    whole, known = np.load(reference / "model_tiny_embedding_conv.npz"), np.load(reference / "features.npz")
    machine = [name.startswith("espeak_") for name in known["names"].tolist()]
    voices = known["mfcc_w480_s160_d40"][machine].reshape(sum(machine), -1)
    rows = [row for row, clip in enumerate(whole["features"]) if (clip == voices).all(axis=1).any()]
    if len(rows) != len(voices):
        raise SystemExit(f"{len(rows)} of the network's inputs are features of eSpeak clips; {len(voices)} are expected")
    weights = {name: whole[name] for name in sorted(whole.files) if name.startswith("w/")}
    return {"features": whole["features"][rows], "logits": whole["logits"][rows], **weights}


def decoder(reference: Path) -> Arrays:
    """All runs of the decoder: a setting each, and for each step the label's index, its score, and whether it is new."""
    answers = json.loads((reference / "decoder.json").read_text(encoding="utf-8"))
    labels, runs = answers["labels"], answers["runs"]
    streams = np.load(reference / "decoder_streams.npz")
    return {
        **{name: streams[name] for name in sorted(streams.files)},
        "labels": np.array(labels),
        "stream": np.array([run["stream"] for run in runs]),
        "average_window_ms": np.array([run["average_window_duration_ms"] for run in runs]),
        "threshold": np.array([run["detection_threshold"] for run in runs]),
        "suppression_ms": np.array([run["suppression_ms"] for run in runs]),
        "minimum_count": np.array([run["minimum_count"] for run in runs]),
        "step_label": np.array([[labels.index(label) for label, _, _ in run["steps"]] for run in runs], dtype=np.int8),
        "step_score": np.array([[score for _, score, _ in run["steps"]] for run in runs], dtype=np.float32),
        "step_is_new": np.array([[is_new for _, _, is_new in run["steps"]] for run in runs], dtype=bool),
    }


def splits(reference: Path, clips: Path) -> str:
    """The sets of the reference's file names, a digit each, and of the speakers in the published lists."""
    cases = json.loads((reference / "splits.json").read_text(encoding="utf-8"))
    shares = sorted(set(cases[0]) - {"name"})
    speakers = {}
    for name in SETS:
        with tarfile.open(clips / f"{name}.tar") as archive:
            words = [Path(member.name).name for member in archive if member.isfile()]
        speakers[name] = " ".join(sorted({word.split("_nohash_")[0] for word in words}))
    found = {
        "sets": SETS,
        "names": " ".join(case["name"] for case in cases),
        **{share: "".join(str(SETS.index(case[share])) for case in cases) for share in shares},
        "published_10_10": speakers,
    }
    return json.dumps(found, indent=1) + "\n"


def streaming_accuracy(reference: Path) -> str:
    """All counts of streaming accuracy: a case a line, and its counts for each tolerance in ms."""
    answers = json.loads((reference / "streaming_accuracy.json").read_text(encoding="utf-8"))
    cases: dict[int, dict[str, Any]] = {}
    for answer in answers["cases"]:
        if answer["up_to_time_ms"] != -1:
            raise SystemExit(f"case {answer['case']} goes up to {answer['up_to_time_ms']} ms; -1, the whole stream, is expected")
        same = {key: answer[key] for key in ("case", "ground_truth_file", "gt_parsed", "found")}
        case = cases.setdefault(answer["case"], {**same, "counts": {}})
        if any(case[key] != value for key, value in same.items()):
            raise SystemExit(f"case {answer['case']} has other words or detections from tolerance to tolerance")
        case["counts"][str(answer["time_tolerance_ms"])] = {key: answer[key] for key in ("cpp", "python")}
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases.values())
    return f'{{"fields": {json.dumps(answers["fields"])},\n"cases": [\n{lines}\n]}}\n'


def contents(reference: Path, clips: Path) -> Mapping[str, Arrays | str]:
    """Every file by its name: arrays, or text."""
    return {
        "features.npz": features(reference),
        "model_tiny_embedding_conv.npz": network(reference),
        "decoder.npz": decoder(reference),
        "splits.json": splits(reference, clips),
        "streaming_accuracy.json": streaming_accuracy(reference),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", type=Path, default=SHARED / "reference", help="the example's answers (%(default)s)")
    parser.add_argument("--clips", type=Path, default=SHARED / "speech_commands", help="clips, an archive a set (%(default)s)")
    arguments = parser.parse_args()
    for folder in (arguments.reference, arguments.clips):
        if not folder.is_dir():
            parser.error(f"{folder}: no such folder")
    for name, content in contents(arguments.reference, arguments.clips).items():
        path = HERE / "tensorflow_2_21" / name
        path.parent.mkdir(exist_ok=True)
        if isinstance(content, str):
            path.write_text(content, encoding="utf-8", newline="\n")
        else:
            np.savez_compressed(path, **content)


if __name__ == "__main__":
    main()
