"""The whole of `kws stream` on ten minutes of sound, one live chunk of it, and beside it TensorFlow's original.

    python benchmarks/streaming.py [--models low_latency_conv …] [--minutes 10] [--hours 1] [--tensorflow-python PYTHON]

Each model is exported for streams (with random weights: the time does not depend on them). The whole tool is the wall time of
the command on a WAV file of noise, stride 30 ms, from the start of Python to the last detection; `live` is one 30 ms chunk
through `Spotter.feed` with the state carried, on one thread. `memory` is what the process holds after the first minute and after
the last, fed in such chunks' worth of sound at a time.
With TensorFlow the original's tool runs in turn with ours: as its test_streaming_accuracy does, it runs the frozen graph once for
each window of a second, and its decoder (benchmarks/original/stream.py), with as many threads and on the same file; its wall
time is from the start of Python as well. --original-models says for which networks: it takes half a minute or more each time.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from comparison import SECONDS, Comparison, Table, Timing, comparison_table
from options import WORDS, add_options, closing, find_original, heading
from original.interpreter import BENCHMARKS, Interpreter, environment
from sides import take_turns

ORIGINALS = ("low_latency_conv", "low_latency_svdf", "conv")
# The last two are none of the original's.
MODELS = (*ORIGINALS, "ds_tc_resnet", "bc_tc_resnet")
LIVE = """
import json, sys, time
import numpy as np
from kws.inference.loading import load, open_scorer
from kws.streaming.spotter import Spotter
def held_mb():
    return int(dict(line.split(":", 1) for line in open("/proc/self/status"))["VmRSS"].split()[0]) / 1024
model = load(sys.argv[1], threads=1)
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
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--original-models", nargs="*", default=["low_latency_conv", "conv"], choices=ORIGINALS, metavar="MODEL",
                        help="of --models, which to measure the original of (default: low_latency_conv conv)")  # fmt: skip
    parser.add_argument("--minutes", type=float, default=10, help="of sound for the whole tool")
    parser.add_argument("--hours", type=float, default=1, help="of sound for the memory (conv: a tenth)")
    parser.add_argument("--threads", type=int, default=2, help="of the whole tool")
    add_options(parser, rounds=2)
    args = parser.parse_args()
    if args.quick:
        args.rounds, args.minutes, args.hours = 1, 0.1, 0.02
    original = find_original(args)
    sound = f"{60 * args.minutes:g} s of stream, stride 30 ms, the whole tool"
    print(f"{sound}; {heading(args, original, args.threads)}", flush=True)
    rows, facts, starts = [], [], []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        wav = folder / "noise.wav"
        write_noise(wav, args.minutes)
        for model in args.models:
            path = export_untrained(model, folder)
            theirs = original if model in args.original_models else None
            rows.append(compare(model, path, wav, args, theirs, starts))
            facts.append(measure_live(model, path, 50 if args.quick else 2000, args.hours))
    print("", comparison_table(rows, SECONDS).show(args.markdown), sep="\n")
    if starts:
        print(f"\nof TensorFlow's seconds, {np.median(starts):.1f} start Python and open sound and graph")
    titles = ("model", "live p50 ms", "p99", "MB after 1 min", "hours", "MB after them")
    print("\nkws live, one thread:\n", Table(titles, tuple(facts)).show(args.markdown), sep="\n")
    print("", closing(original, args.ours_alone), sep="\n")


def compare(
    model: str, path: Path, wav: Path, args: argparse.Namespace, original: Interpreter | None, starts: list[float]
) -> Comparison:
    """Both tools on the same file, in turn; the seconds that the original takes to start are added to `starts`."""
    command = [sys.executable, "-m", "kws.cli.main", "stream", str(path), str(wav), "--threads", str(args.threads)]
    sides = {"ours": lambda: wall_s(command)[0]}
    if original:
        graph = path.with_suffix(".pb")
        freeze = original.command("stream", graph, "--freeze", model, "--labels", len(WORDS) + 2)
        wall_s(freeze, env=environment(), cwd=BENCHMARKS)
        listen = original.command("stream", graph, wav, "--threads", args.threads)

        def theirs() -> float:
            seconds, said = wall_s(listen, env=environment(), cwd=BENCHMARKS)
            starts.append(seconds - json.loads(said.splitlines()[-1])["loop_s"])
            return seconds

        sides["original"] = theirs
    times = take_turns(sides, args.rounds, model)
    return Comparison(model, Timing(tuple(times["ours"])), Timing(tuple(times["original"])) if original else None)


def wall_s(command: list[str], **options: object) -> tuple[float, str]:
    """Seconds of a command from its start to its end, and what it printed."""
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, **options)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{done.stderr[-2000:]}\n{' '.join(command)} ended with status {done.returncode}")
    return seconds, done.stdout


def measure_live(model: str, path: Path, chunks: int, hours: float) -> tuple[str, ...]:
    """A row of our own: ms of a chunk, and memory."""
    hours = hours / 10 if model == "conv" else hours
    live = json.loads(wall_s([sys.executable, "-c", LIVE, str(path), str(chunks), str(hours)])[1])
    return (model, f"{live['p50']:.3f}", f"{live['p99']:.3f}", f"{live['first']:.0f}", f"{hours:g}", f"{live['last']:.0f}")


def write_noise(path: Path, minutes: float) -> None:
    from kws.audio.io import write_wav

    write_wav(path, np.random.default_rng(0).integers(-3000, 3000, round(minutes * 60 * 16000)).astype(np.int16), 16000)


def export_untrained(name: str, folder: Path) -> Path:
    import torch

    from kws.export.stream_exporter import export_streaming
    from kws.inference.checkpoint import WaveformModel
    from kws.models.config import ModelConfig

    torch.manual_seed(0)
    model = WaveformModel(ModelConfig(WORDS, {"name": "mfcc"}, {"name": name})).eval()
    report = export_streaming(model, "onnx", folder, name)
    if not report.passed:
        raise SystemExit(report.to_text())
    return folder / report.file


if __name__ == "__main__":
    main()
