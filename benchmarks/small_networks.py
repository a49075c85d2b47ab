"""Seconds an epoch of a small network, its augmentation and features included, and where they go.

    python benchmarks/small_networks.py --data data/speech_commands_v0.02 [--experiment bc_resnet_1] [--steps 60] [--threads 2]
    # train.py, one process and two (a GPU: one)
    python benchmarks/small_networks.py --data data/speech_commands_v0.02 --whole

An epoch is 11,800 clips, those of the 8-word task with at most 1,300 clips a word. `planes` are the layers of channel_major.py,
`plain` torch's own convolutions and batch normalisation with the same weights; `lines` are planes with what has one frequency in
channels_last.py, which training takes where the processor has AVX2 alone. Medians; rows are measured in turn, round after round;
bfloat16 where the processor has it. `of plain` is how many times as fast as `plain` in float32 an epoch is.
`--whole` times train.py from outside: what 200 steps of 100 clips more take, loaders, optimiser and Lightning included.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import torch
import torch.nn.functional as F
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf

from kws.frontend import cpu as processor
from kws.models.config import ModelConfig
from kws.training.allocator import keep_freed_memory
from kws.training.module import KeywordModule
from kws.training.trainer import computes_bfloat16

CLIPS = 11_800
WORDS = ["yes", "no", "up", "down", "left", "right", "stop", "go"]
ROUNDS = 5
WHOLE_ROUNDS, WHOLE_STEPS = 2, (60, 260)
ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of Speech Commands")
    parser.add_argument("--experiment", default="bc_resnet_1")
    parser.add_argument("--steps", type=int, default=60, help="steps timed of each row")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--whole", action="store_true", help="time train.py: one process, and two of one thread")
    parser.add_argument("overrides", nargs="*", help="settings of train.py")
    args = parser.parse_args()
    if args.whole:
        time_training(args)
        return
    keep_freed_memory()
    torch.set_num_threads(args.threads)
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        cfg = compose("train", [*settings(args), "name=benchmark", *args.overrides])
    recipe = ModelConfig.from_dict({room: OmegaConf.to_object(cfg[room]) for room in ("words", "features", "model")})
    module, data = KeywordModule(recipe, instantiate(cfg.optim), instantiate(cfg.schedule)), instantiate(cfg.data)
    data.prepare_data()
    data.setup()
    bar = {"data": [], "augment and features": []}
    steps = {(layers, "float32"): [] for layers in ("plain", "planes", "lines")}
    if computes_bfloat16("cpu"):
        steps |= {(layers, "bfloat16"): [] for layers in ("plain", "planes")}
    measure(module.network, data, args.steps, bar, steps)
    report(bar, steps, args)


def settings(args: argparse.Namespace) -> list[str]:
    """What both ways of timing ask train.py for."""
    words = "words=[" + ",".join(f"'{word}'" for word in WORDS) + "]"
    return [f"experiment={args.experiment}", "data=folder", f"data.source.root={args.data.resolve()}", words]


def time_training(args: argparse.Namespace) -> None:
    """An epoch by the clock on the wall, the two kinds in turn."""
    kinds = {"one process": [f"threads={args.threads}"]}
    # Two would want a second GPU.
    if not torch.cuda.is_available():
        kinds["two processes"] = ["threads=1", "trainer.devices=2", "trainer.strategy=ddp", "data.batch_size=50"]
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    # The first run of all packs the clips and speaks other words.
    run_s(WHOLE_STEPS[0], [*settings(args), *args.overrides])
    for _ in range(WHOLE_ROUNDS):
        for kind, choice in kinds.items():
            short, long = (run_s(steps, [*settings(args), *choice, *args.overrides]) for steps in WHOLE_STEPS)
            times[kind].append((long - short) / (WHOLE_STEPS[1] - WHOLE_STEPS[0]))
        print(", ".join(f"{kind} {1000 * step_s[-1]:.0f} ms" for kind, step_s in times.items()), flush=True)
    print(f"{args.experiment}, train.py, batches of 100 real clips, {CLIPS:,} clips: medians of {WHOLE_ROUNDS}")
    print(f"{'':16}{'ms a step':>12}{'epoch s':>10}")
    for kind, step_s in times.items():
        epoch = CLIPS / 100 * statistics.median(step_s)
        print(f"{kind:16}{1000 * statistics.median(step_s):12.0f}{epoch:10.1f}")


def run_s(steps: int, given: list[str]) -> float:
    """Seconds of a run of train.py that validates and tests next to nothing."""
    with tempfile.TemporaryDirectory() as folder:
        brief = [
            f"schedule.steps={steps}", "schedule.warmup_steps=50", "averaging=none", "trainer.val_check_interval=1000000",
            "+trainer.limit_val_batches=1", "+trainer.limit_test_batches=1", "test_weights=last", "calibrate=false",
            "logger=none", "progress=false", f"hydra.run.dir={folder}",
        ]  # fmt: skip
        start = time.perf_counter()
        subprocess.run([sys.executable, "train.py", *given, *brief], cwd=ROOT, check=True, capture_output=True)
        return time.perf_counter() - start


def measure(network: torch.nn.Module, data: object, count: int, bar: dict, steps: dict) -> None:
    """Times in seconds a clip, into the lists of both dictionaries."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, fused=True)
    batches = endless(data)
    for _ in range(ROUNDS):
        for (layers, precision), times in steps.items():
            for step in range(max(3, count // ROUNDS)):
                start = time.perf_counter()
                raw = next(batches)
                read = time.perf_counter()
                batch = data.features(raw, training=True)
                made = time.perf_counter()
                with layers_of(layers), torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
                    loss = F.cross_entropy(network(batch.features).float(), batch.labels)
                loss.backward()
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
                if step >= 2:
                    # Clips as drawn: what augmentation adds to a batch is part of its cost.
                    clips = len(raw.labels)
                    bar["data"].append((read - start) / clips)
                    bar["augment and features"].append((made - read) / clips)
                    times.append((time.perf_counter() - made) / clips)


def endless(data: object) -> Iterator[object]:
    while True:
        yield from data.train_dataloader()


@contextmanager
def layers_of(kind: str) -> Iterator[None]:
    """`plain`: the layers take the path that they take in an exported graph."""
    with (
        mock.patch.object(processor, "lacks_avx512", lambda: kind == "lines"),
        mock.patch.object(torch.compiler, "is_compiling", lambda: kind == "plain"),
    ):
        yield


def report(bar: dict, steps: dict, args: argparse.Namespace) -> None:
    read, made = (CLIPS * statistics.median(times) for times in bar.values())
    print(f"{args.experiment}, {args.threads} threads, {CLIPS:,} clips: data {read:.2f} s, augment and features {made:.2f} s")
    print(f"{'layers':10}{'precision':12}{'optimise s':>12}{'epoch s':>10}{'clips/s':>9}{'of plain':>10}")
    plain = read + made + CLIPS * statistics.median(steps["plain", "float32"])
    for (layers, precision), times in steps.items():
        optimise = CLIPS * statistics.median(times)
        epoch = read + made + optimise
        print(f"{layers:10}{precision:12}{optimise:12.1f}{epoch:10.1f}{CLIPS / epoch:9.0f}{plain / epoch:9.1f}×")


if __name__ == "__main__":
    main()
