"""Write what the Kotlin tests compare: a model in an app's assets, a WAV, and what kws finds in it.

    python mobile/android/checks/write_stream.py OUT

The model is untrained, its answers spread over made-up sound; what counts is that both programs find the same.
Where the original decoder's runs lie beside the checkout (KWS_SHARED, ../shared), they are written as well, as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np

from kws.audio.io import read_audio, to_int16, write_wav
from kws.export.android import put_into_app
from kws.export.exporter import export
from kws.export.formats import FORMATS
from kws.export.probes import voice
from kws.inference.checkpoint import WaveformModel
from kws.inference.loading import load, open_scorer
from kws.streaming.decoder_settings import DecoderSettings
from kws.streaming.events import json_line
from kws.streaming.spotter import Spotter

sys.path.insert(0, str(Path(__file__).parents[2] / "runtime"))
from write_models import untrained

REPOSITORY = Path(__file__).resolve().parents[3]

SECONDS = 60
SETTINGS = DecoderSettings(
    average_window_ms=200, threshold=0.3, suppression_ms=300, word_thresholds={"go": 0.4}, consecutive_windows=2,
    release_threshold=0.2, repeat_words=True,
)  # fmt: skip


def sound(model: WaveformModel) -> np.ndarray:
    """Voices of all pitches, noise and pauses, one after another; not whole windows at its end."""
    rng = np.random.default_rng(0)
    parts = []
    for _ in range(SECONDS):
        pick = rng.integers(4)
        if pick == 3:
            parts.append(np.zeros(model.spec.samples // 2))
        noise = rng.uniform(0.001, 0.2) * rng.standard_normal(model.spec.samples)
        parts.append(noise if pick == 2 else voice(model.spec, float(rng.uniform(80, 300)), rng) * rng.uniform(0.3, 3))
    return to_int16(np.clip(np.concatenate(parts), -1, 1)[: SECONDS * model.spec.sample_rate - 123])


def write_original(folder: Path, out: Path) -> None:
    """The original decoder's runs, in the shape of tests/golden/decoder_traces.json."""
    reference = json.loads((folder / "decoder.json").read_text())
    labels = reference["labels"]
    runs = []
    with np.load(folder / "decoder_streams.npz") as streams:
        for run in reference["runs"]:
            settings = {
                "average_window_ms": run["average_window_duration_ms"],
                "threshold": run["detection_threshold"],
                "suppression_ms": run["suppression_ms"],
                "minimum_count": run["minimum_count"],
            }
            found, answers, new = zip(*run["steps"], strict=True)
            runs.append({
                "name": f"{run['stream']} {settings}",
                "settings": settings,
                "times_ms": streams[run["stream"] + "_t"].tolist(),
                "scores": streams[run["stream"] + "_p"].tolist(),
                "labels": [labels.index(label) for label in found],
                "answers": answers,
                "new": [place for place, is_new in enumerate(new) if is_new],
            })  # fmt: skip
    out.write_text(json.dumps({"labels": labels, "runs": runs}))


def main() -> None:
    out = Path(sys.argv[1])
    (out / "app").mkdir(parents=True, exist_ok=True)
    model = untrained("tiny_conv", "mfcc")
    model.decoder = SETTINGS
    if not (report := export(model, FORMATS["onnx"], out, "model")).passed:
        raise SystemExit(report.to_text())
    put_into_app(out / "app", {"onnx": out / "model.onnx"}, model.metadata, "model")
    write_wav(out / "stream.wav", sound(model), model.spec.sample_rate)
    # The app hears a microphone: it puts no noise around the sound and leaves zeros as they are, as `kws stream` does not.
    loaded = load(out / "model.onnx", threads=1)
    spotter = Spotter(open_scorer(loaded), loaded.metadata.decoder, pad_ends=False, fill_zeros=False)
    found = [*spotter.feed(read_audio(out / "stream.wav", model.spec.sample_rate)), *spotter.flush()]
    (out / "expected.jsonl").write_text("".join(f"{json_line(one)}\n" for one in found))
    reference = Path(os.environ.get("KWS_SHARED", REPOSITORY.parent / "shared")) / "reference"
    if (reference / "decoder.json").is_file():
        write_original(reference, out / "original.json")
    print(f"{out}: {len(found)} detections in {SECONDS} s")


if __name__ == "__main__":
    main()
