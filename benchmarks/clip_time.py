"""Time and memory for one clip in ONNX Runtime, front end included, against the original's.

    python benchmarks/clip_time.py [--models low_latency_conv …] [--runs 500]

Each model is exported (with random weights: the time does not depend on them) and scored in a process of its own that
imports kws, NumPy and ONNX Runtime, on one thread: median ms of a warm call, the first call from the start of Python,
and the process's peak memory. `label` is the whole command on one WAV file, cold: median of five.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

# Milliseconds a clip of the original, warm, on a machine of the same kind.
ORIGINAL_MS = {"single_fc": 0.51, "low_latency_conv": 1.17, "low_latency_svdf": 1.67, "conv": 2.88}
NETWORKS = {
    "single_fc": "kws.models.single_fc.SingleFc",
    "low_latency_conv": "kws.models.low_latency_conv.LowLatencyConv",
    "low_latency_svdf": "kws.models.svdf.LowLatencySvdf",
    "conv": "kws.models.conv.Conv",
}
SCORE = """
import json, statistics, sys, time
start = time.perf_counter()
import numpy as np
import kws
model = kws.load(sys.argv[1], threads=1)
clip = np.random.default_rng(0).uniform(-0.1, 0.1, (1, model.spec.samples)).astype(np.float32)
model.score(clip)
first = time.perf_counter() - start
times = []
for _ in range(int(sys.argv[2])):
    start = time.perf_counter()
    model.score(clip)
    times.append(time.perf_counter() - start)
assert "torch" not in sys.modules
# Not getrusage's maximum: a child starts with its parent's.
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps({"ms": 1000 * statistics.median(times), "first_s": first, "peak_mb": int(status["VmHWM"].split()[0]) / 1024}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--runs", type=int, default=500, help="calls timed")
    args = parser.parse_args()
    titles = f"{'bytes':>11}{'ms':>8}{'original':>10}{'ratio':>7}{'first call s':>14}{'label s':>9}{'peak MB':>9}"
    print(f"{'model':22}{'format':>11}{titles}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for model in args.models:
            for form, path in export_untrained(model, folder).items():
                row(model, form, path, folder, args.runs)


def export_untrained(name: str, folder: Path) -> dict[str, Path]:
    import torch

    from kws.checkpoint import WaveformModel
    from kws.export.exporter import Scores
    from kws.export.formats import FORMATS
    from kws.recipe import Recipe

    torch.manual_seed(0)
    words = ("yes", "no", "up", "down", "left", "right", "stop", "go")
    model = WaveformModel(Recipe(words, {"_target_": "kws.features.Mfcc"}, {"_target_": NETWORKS[name]})).eval()
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, (20, model.spec.samples)).astype(np.float32)
    paths = {}
    for form in ("onnx", "onnx-int8"):
        paths[form] = folder / f"{name}{FORMATS[form].suffix}"
        FORMATS[form].write(Scores(model).eval(), torch.zeros(2, model.spec.samples), model.metadata, paths[form], noise)
    return paths


def row(model: str, form: str, path: Path, folder: Path, runs: int) -> None:
    from kws.audio import write_wav

    command = [sys.executable, "-c", SCORE, str(path), str(runs)]
    found = [json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout) for _ in range(3)]
    result = {name: statistics.median(one[name] for one in found) for name in found[0]}
    clip = folder / "clip.wav"
    write_wav(clip, np.random.default_rng(0).integers(-3000, 3000, 16000).astype(np.int16), 16000)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "kws.cli.main", "label", str(path), str(clip)], check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    original = ORIGINAL_MS[model]
    print(
        f"{model:22}{form:>11}{path.stat().st_size:11,}{result['ms']:8.3f}{original:10.2f}{original / result['ms']:6.1f}×"
        f"{result['first_s']:14.2f}{statistics.median(times):9.2f}{result['peak_mb']:9.0f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
