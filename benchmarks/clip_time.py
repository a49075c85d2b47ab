"""Time and memory for one clip in ONNX Runtime, front end included, and beside it TensorFlow's original.

    python benchmarks/clip_time.py [--models low_latency_conv …] [--tensorflow-python PYTHON]

Each model is exported (with random weights: the time does not depend on them) and scored in a process of its own that
imports kws, NumPy and ONNX Runtime, on one thread: median ms of a warm call, the first call from the start of Python,
and the process's peak memory. `label` is the whole command on one WAV file, cold: median of five.
With TensorFlow the original's network, features included, is scored in turn with ours, on one thread too, in three plain
ways: a session of the frozen graph (what its label_wav does), a tf.function, and the TFLite interpreter. The ratio is to the
fastest of them; the second table has all three, and how many times as fast as the session the ONNX file is.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from comparison import MILLISECONDS, Comparison, Table, Timing, comparison_table
from options import NETWORKS, WORDS, add_options, closing, find_original, heading
from original.interpreter import BENCHMARKS, Interpreter, environment
from sides import Side, answer, take_turns

WAYS = ("session", "function", "lite")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--runs", type=int, default=100, help="calls timed in a round (default 100)")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    add_options(parser, rounds=7)
    args = parser.parse_args()
    if args.one:
        serve(args.one)
        return
    if args.quick:
        args.rounds, args.runs = 2, 5
    original = find_original(args)
    print(f"one clip, features included; {heading(args, original, 1)}", flush=True)
    rows, facts, ways = [], [], []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for model in args.models:
            paths = export_untrained(model, folder)
            times, known = measure(model, paths, args, original)
            fastest = min((way for way in WAYS if way in times), key=lambda way: statistics.median(times[way]), default=None)
            if fastest:
                session = Comparison(model, Timing(tuple(times["onnx"])), Timing(tuple(times["session"])))
                ways.append((model, *(MILLISECONDS.show(Timing(tuple(times[way]))) for way in WAYS), session.show_ratio()))
            for form, path in paths.items():
                theirs = Timing(tuple(times[fastest])) if fastest else None
                rows.append(Comparison(f"{model}, {form}", Timing(tuple(times[form])), theirs, fastest or ""))
                label_s = cold_label(path, folder, 1 if args.quick else 5)
                one = known[form]
                sizes = (f"{path.stat().st_size:,}", f"{one['first_s']:.2f}", f"{label_s:.2f}", f"{one['peak_mb']:.0f}")
                facts.append((f"{model}, {form}", *sizes))
    print("", comparison_table(rows, MILLISECONDS).show(args.markdown), sep="\n")
    if ways:
        print(
            "\nTensorFlow's ways, ms:\n", Table(("model", *WAYS, "session / kws onnx"), tuple(ways)).show(args.markdown), sep="\n"
        )
    titles = ("model", "bytes", "first call s", "label s", "peak MB")
    print("\nkws:\n", Table(titles, tuple(facts)).show(args.markdown), "", closing(original, args.ours_alone), sep="\n")


def measure(
    model: str, paths: dict[str, Path], args: argparse.Namespace, original: Interpreter | None
) -> tuple[dict[str, list[float]], dict[str, dict]]:
    """Seconds a round of our formats and the original's ways, all in turn; and what our processes know of themselves."""
    with ExitStack() as stack:
        own = {form: stack.enter_context(Side([sys.executable, __file__, "--one", str(path)])) for form, path in paths.items()}
        sides = {form: partial(seconds, side, runs=args.runs) for form, side in own.items()}
        if original:
            given = original.command("clip", "--network", model, "--labels", len(WORDS) + 2, "--threads", 1)
            theirs = stack.enter_context(Side(given, environment(), BENCHMARKS))
            sides |= {way: partial(seconds, theirs, way=way, runs=args.runs) for way in WAYS}
        return take_turns(sides, args.rounds, model), {form: side.known for form, side in own.items()}


def seconds(side: Side, **request: object) -> float:
    return side.ask(**request)["seconds"]


def serve(path: Path) -> None:
    """Our side, in its own process."""
    start = time.perf_counter()
    import numpy as np

    from kws.inference.loading import load

    model = load(path, threads=1)
    clip = np.random.default_rng(0).uniform(-0.1, 0.1, (1, model.spec.samples)).astype(np.float32)
    model.score(clip)
    first = time.perf_counter() - start
    if "torch" in sys.modules:
        raise SystemExit("an ONNX model was scored with torch imported")

    def score(request: dict) -> dict:
        times = []
        for _ in range(request["runs"]):
            begun = time.perf_counter()
            model.score(clip)
            times.append(time.perf_counter() - begun)
        return {"seconds": statistics.median(times)}

    for _ in range(20):
        model.score(clip)
    # Not getrusage's maximum: a child starts with its parent's.
    status = Path("/proc/self/status")
    facts = dict(line.split(":", 1) for line in status.read_text().splitlines()) if status.exists() else {"VmHWM": "nan"}
    answer(score, first_s=first, peak_mb=float(facts["VmHWM"].split()[0]) / 1024)


def export_untrained(name: str, folder: Path) -> dict[str, Path]:
    import numpy as np
    import torch

    from kws.export.exporter import Scores
    from kws.export.formats import FORMATS
    from kws.inference.checkpoint import WaveformModel
    from kws.models.config import ModelConfig

    torch.manual_seed(0)
    model = WaveformModel(ModelConfig(WORDS, {"name": "mfcc"}, {"name": name})).eval()
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, (20, model.spec.samples)).astype(np.float32)
    paths = {}
    for form in ("onnx", "onnx-int8"):
        paths[form] = folder / f"{name}{FORMATS[form].suffix}"
        FORMATS[form].write(Scores(model).eval(), torch.zeros(2, model.spec.samples), model.metadata, paths[form], noise)
    return paths


def cold_label(path: Path, folder: Path, runs: int) -> float:
    """Median seconds of `kws label` on one WAV file, from the start of Python."""
    import numpy as np

    from kws.audio.io import write_wav

    clip = folder / "clip.wav"
    write_wav(clip, np.random.default_rng(0).integers(-3000, 3000, 16000).astype(np.int16), 16000)
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "kws.cli.main", "label", str(path), str(clip)], check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


if __name__ == "__main__":
    main()
