"""Write what the Kotlin end-to-end test compares: a model in an app's assets, a WAV, and what `kws stream` finds in it.

    python mobile/android/checks/write_stream.py OUT

The model is untrained, its answers spread over made-up sound; what counts is that both programs find the same.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from kws.audio import to_int16, write_wav
from kws.checkpoint import WaveformModel
from kws.cli.main import main as kws_command
from kws.export.android import put_into_app
from kws.export.exporter import export
from kws.export.formats import FORMATS
from kws.export.probes import voice
from kws.streaming.settings import DecoderSettings

sys.path.insert(0, str(Path(__file__).parents[2] / "runtime"))
from write_models import untrained

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
    return to_int16(np.clip(np.concatenate(parts), -1, 1)[: SECONDS * model.spec.rate_hz - 123])


def main() -> None:
    out = Path(sys.argv[1])
    (out / "app").mkdir(parents=True, exist_ok=True)
    model = untrained("tiny_conv", "mfcc")
    model.decoder = SETTINGS
    if not (report := export(model, FORMATS["onnx"], out, "model")).passed:
        raise SystemExit(report.to_text())
    put_into_app(out / "app", {"onnx": out / "model.onnx"}, model.metadata, "model")
    write_wav(out / "stream.wav", sound(model), model.spec.rate_hz)
    arguments = ["--format", "json", "--out", str(out / "expected.jsonl")]
    if kws_command(["stream", str(out / "model.onnx"), str(out / "stream.wav"), *arguments]):
        raise SystemExit(1)
    found = (out / "expected.jsonl").read_text().splitlines()
    print(f"{out}: {len(found)} detections in {SECONDS} s")


if __name__ == "__main__":
    main()
