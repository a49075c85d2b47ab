"""The whole of `kws stream` on ten minutes of sound, and one live chunk of it, against the original's.

    python benchmarks/streaming.py [--models low_latency_conv …] [--minutes 10] [--hours 1]

Each model is exported for streams (with random weights: the time does not depend on them). `whole tool` is the wall time of
the command on a WAV file of noise, stride 30 ms, from the start of Python to the last detection; `live` is one 30 ms chunk
through `Spotter.feed` with the state carried, on one thread. `memory` is what the process holds after the first minute and after
the last, fed in such chunks' worth of sound at a time.
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

# Wall seconds of the original for 600 s of sound at a stride of 30 ms, on a machine of the same kind.
ORIGINAL_S = {"low_latency_conv": 27.4, "low_latency_svdf": 38.8, "conv": 54.8}
NETWORKS = {
    "low_latency_conv": "kws.models.low_latency_conv.LowLatencyConv",
    "low_latency_svdf": "kws.models.svdf.LowLatencySvdf",
    "conv": "kws.models.conv.Conv",
    # None of the original's.
    "ds_tc_resnet": "kws.models.ds_tc_resnet.DsTcResNet",
    "bc_tc_resnet": "kws.models.bc_tc_resnet.BcTcResNet",
}
LIVE = """
import json, sys, time
import numpy as np
import kws
from kws.loading import open_scorer
from kws.streaming.spotter import Spotter
def held_mb():
    return int(dict(line.split(":", 1) for line in open("/proc/self/status"))["VmRSS"].split()[0]) / 1024
model = kws.load(sys.argv[1], threads=1)
spotter = Spotter(open_scorer(model), model.metadata.decoder)
rng, chunk = np.random.default_rng(0), 480
minute = rng.integers(-3000, 3000, 60 * 16000).astype(np.int16)
spotter.feed(minute)
first, times = held_mb(), []
for place in range(0, int(sys.argv[2]) * chunk, chunk):
    piece = minute[place % len(minute):][:chunk]
    start = time.perf_counter()
    spotter.feed(piece)
    times.append(1000 * (time.perf_counter() - start))
for _ in range(int(60 * float(sys.argv[3]))):
    for place in range(0, len(minute), 100 * chunk):
        spotter.feed(minute[place:place + 100 * chunk])
print(json.dumps({"p50": float(np.median(times)), "p99": float(np.percentile(times, 99)), "first": first, "last": held_mb()}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--minutes", type=float, default=10, help="of sound for the whole tool")
    parser.add_argument("--hours", type=float, default=1, help="of sound for the memory (conv: a tenth)")
    parser.add_argument("--runs", type=int, default=3, help="of the whole tool")
    args = parser.parse_args()
    titles = f"{'whole tool s':>14}{'original':>10}{'ratio':>7}{'live p50 ms':>13}{'p99':>8}"
    print(f"{'model':18}{titles}{'MB, 1 min':>18}{'hours':>8}{'MB after':>9}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        sound = folder / "noise.wav"
        write_noise(sound, args.minutes)
        for model in args.models:
            path = export_untrained(model, folder)
            seconds = whole_tool(path, sound, args.runs) * 10 / args.minutes
            hours = args.hours / 10 if model == "conv" else args.hours
            command = [sys.executable, "-c", LIVE, str(path), "2000", str(hours)]
            live = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            original = ORIGINAL_S.get(model)
            compared = f"{'–':>10}{'–':>7}" if original is None else f"{original:10.1f}{original / seconds:6.1f}×"
            print(
                f"{model:18}{seconds:14.1f}{compared}{live['p50']:13.3f}"
                f"{live['p99']:8.3f}{live['first']:18.0f}{hours:8.1f}{live['last']:9.0f}",
                flush=True,
            )


def write_noise(path: Path, minutes: float) -> None:
    from kws.audio import write_wav

    write_wav(path, np.random.default_rng(0).integers(-3000, 3000, round(minutes * 60 * 16000)).astype(np.int16), 16000)


def export_untrained(name: str, folder: Path) -> Path:
    import torch

    from kws.checkpoint import WaveformModel
    from kws.export.stream_exporter import export_streaming
    from kws.recipe import Recipe

    torch.manual_seed(0)
    words = ("yes", "no", "up", "down", "left", "right", "stop", "go")
    model = WaveformModel(Recipe(words, {"_target_": "kws.features.Mfcc"}, {"_target_": NETWORKS[name]})).eval()
    report = export_streaming(model, "onnx", folder, name)
    if not report.passed:
        raise SystemExit(report.to_text())
    return folder / report.file


def whole_tool(model: Path, sound: Path, runs: int) -> float:
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "kws.cli.main", "stream", str(model), str(sound)], check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


if __name__ == "__main__":
    main()
