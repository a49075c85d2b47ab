"""Matrix products of the front end and the models: torch's linear against kws.frontend.fast_linear.

    python benchmarks/product.py [--threads 2]

On an AMD processor the convolution that `fast_linear` goes through is up to 2.5 times as fast; on Intel's they are level.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F

from kws.frontend.fast_linear import fast_linear
from kws.training.allocator import keep_freed_memory

SIZES = {
    "spectrum, folded": ((100, 98), 240, 237),
    "mel bands": ((100, 98), 237, 40),
    "low_latency_conv, second layer": ((100,), 6138, 128),
    "svdf, folded": ((100,), 3920, 1280),
}


def median_ms(work: Callable[[], object], runs: int = 21) -> float:
    """Median time of a call, ms, after three that do not count."""
    times = []
    for _ in range(runs + 3):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times[3:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    torch.set_num_threads(parser.parse_args().threads)
    keep_freed_memory()
    print(f"{'product':34}{'rows × inputs × outputs':>26}{'linear ms':>11}{'product ms':>12}{'ratio':>7}{'GFLOP/s':>9}")
    for name, (rows, inputs, outputs) in SIZES.items():
        x, weight = torch.randn(*rows, inputs), torch.randn(outputs, inputs)
        plain = median_ms(lambda x=x, weight=weight: F.linear(x, weight))
        ours = median_ms(lambda x=x, weight=weight: fast_linear(x, weight, per_clip=x.dim() == 3))
        count = math.prod(rows)
        size = f"{count} × {inputs} × {outputs}"
        speed = 2 * count * inputs * outputs / ours / 1e6
        print(f"{name:34}{size:>26}{plain:11.2f}{ours:12.2f}{plain / ours:6.1f}×{speed:9.0f}")


if __name__ == "__main__":
    main()
