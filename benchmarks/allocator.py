"""What it costs to give memory back to the system: page faults and time of a training step's buffers.

    python benchmarks/allocator.py

Augmentation and features of 100 clips, in a process that gives freed memory back and in one that keeps it.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time

STEPS = 60


def measure(keep: bool) -> str:
    """Median and worst ms, and page faults, of a batch's augmentation and features."""
    import torch

    from kws.augment.augment import Augment, BackgroundNoise, NoiseBank, TimeShift
    from kws.frontend.features import Mfcc
    from kws.training.allocator import keep_freed_memory

    if keep and not keep_freed_memory():
        return "this C library has no mallopt"
    torch.set_num_threads(2)
    generator = torch.Generator().manual_seed(0)
    clips = torch.randint(-3000, 3000, (100, 16000), dtype=torch.int16)
    bank = NoiseBank(torch.randint(-3000, 3000, (960_000,), dtype=torch.int16), torch.tensor([0]), torch.tensor([960_000]))
    augment, front_end, silent = Augment(TimeShift(), BackgroundNoise()), Mfcc(), torch.zeros(100, dtype=torch.bool)
    times: list[float] = []
    faults = 0
    with torch.no_grad():
        for step in range(STEPS):
            if step == 10:
                faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            start = time.perf_counter()
            front_end(augment(clips, silent, bank, generator))
            times.append((time.perf_counter() - start) * 1000)
    each = (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults) / (STEPS - 10)
    return f"median {statistics.median(times[10:]):.1f} ms, worst {max(times[10:]):.1f} ms, {each:.0f} page faults a batch"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--one", choices=("give", "keep"), help=argparse.SUPPRESS)
    one = parser.parse_args().one
    if one:
        print(measure(one == "keep"))
        return
    for name, argument in (("given back", "give"), ("kept", "keep")):
        done = subprocess.run([sys.executable, __file__, "--one", argument], check=True, capture_output=True, text=True)
        print(f"{name:12}{done.stdout.strip()}")


if __name__ == "__main__":
    main()
