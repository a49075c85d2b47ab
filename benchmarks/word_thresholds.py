"""Do thresholds of single words help on sound they were not chosen on? Tunes on one pair of streams, reports on another.

python benchmarks/word_thresholds.py MODEL TUNED.wav TUNED_OTHER.wav HELD.wav HELD_OTHER.wav [--targets 5,20,50]

The first of a pair has words (its ground truth beside it), the second has none; `kws make-stream` makes both.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from kws.cli.tune import score_stream
from kws.evaluation.streams.operating_point import OperatingPoint, OperatingPointEvaluator
from kws.evaluation.streams.tuning import tune
from kws.inference.decoder_options import model_settings
from kws.inference.loading import load
from kws.streaming.events import read_truth


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("streams", type=Path, nargs=4)
    parser.add_argument("--targets", default="5,20,50,100,200")
    args = parser.parse_args()
    model = load(args.model, threads=1)
    start = model_settings(model)
    truths = [read_truth(path.with_suffix(".txt")) if place % 2 == 0 else () for place, path in enumerate(args.streams)]
    scored = [score_stream(model, path, start, truth) for path, truth in zip(args.streams, truths, strict=True)]
    print(f"{'':8}{'thresholds':12}{'chosen on: hits':>17}{'false/h':>9}{'held out: hits':>18}{'false/h':>9}{'seconds':>9}")
    for target in map(float, args.targets.split(",")):
        for name, per_word in (("common", False), ("per word", True)):
            began_s = time.perf_counter()
            after = tune(scored[:2], start, false_accepts_per_hour=target, per_word=per_word).after
            seconds = time.perf_counter() - began_s
            held = OperatingPointEvaluator(scored[2:], 750, 0.95).point(after.settings)
            print(f"{target:6g}/h {name:12}{column(after)}{column(held)}{seconds:9.1f}")


def column(point: OperatingPoint) -> str:
    total = point.score.total
    hits = f"{total.hits} of {total.said}"
    return f"{hits:>17}{total.false_accepts_per_hour.value:9.1f}"


if __name__ == "__main__":
    main()
