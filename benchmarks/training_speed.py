"""Training steps a second of the four main models, and where the time of a step goes.

    python benchmarks/training_speed.py --data data/speech_commands_v0.02 [--steps 100] [--threads 2] [--device cpu]

Batch 100, the original's augmentation and features, a real corpus. `whole` is a run of train.py's own trainer: data,
augmentation, features, optimiser step, logging and Lightning together. Each model has a process of its own, so that
its memory is its own: private memory is what the process can't share (the corpus is mapped from disk, and shared).
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

# Steps a second of the original on two cores of the same kind, features and augmentation included.
ORIGINAL = {"single_fc": 6.1, "low_latency_conv": 3.95, "low_latency_svdf": 2.56, "conv": 0.96}
TARGETS = {"single_fc": 10.0, "low_latency_conv": 6.0, "low_latency_svdf": 8.0, "conv": 1.5}
WORDS = ["yes", "no", "up", "down", "left", "right", "stop", "go"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of Speech Commands")
    parser.add_argument("--cache-dir", type=Path, help="where the packed corpus is kept (default: in --data)")
    parser.add_argument("--steps", type=int, default=100, help="steps timed (conv: a fifth)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--precision", default="32-true", help="Lightning's, such as bf16-mixed")
    parser.add_argument("--models", nargs="+", default=list(ORIGINAL), choices=list(ORIGINAL))
    parser.add_argument("--one", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measure(args.one, args)))
        return
    print(f"batch 100, {args.threads} threads, {args.device}, {args.precision}; medians, ms a step")
    print(f"{'model':18}{'data':>7}{'augment':>9}{'features':>10}{'optimise':>10}{'whole':>8}{'steps/s':>9}{'clips/s':>9}"
          f"{'original':>10}{'ratio':>7}{'target':>8}{'private MB':>12}")  # fmt: skip
    for model in args.models:
        command = [sys.executable, __file__, *sys.argv[1:], "--one", model]
        row = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
        rate = 1000 / row["whole"]
        print(f"{model:18}{row['data']:7.2f}{row['augment']:9.2f}{row['features']:10.2f}{row['optimise']:10.2f}{row['whole']:8.2f}"
              f"{rate:9.1f}{100 * rate:9.0f}{ORIGINAL[model]:10.2f}{rate / ORIGINAL[model]:6.1f}×{TARGETS[model]:7.1f}×"
              f"{row['private_mb']:12.0f}", flush=True)  # fmt: skip


def measure(model: str, args: argparse.Namespace) -> dict[str, float]:
    """One model: the parts by themselves, then the whole in the trainer."""
    import pytorch_lightning as pl
    import torch
    from hydra import compose, initialize_config_dir
    from hydra.utils import instantiate
    from omegaconf import OmegaConf

    from kws.allocator import keep_freed_memory
    from kws.module import KeywordModule
    from kws.recipe import Recipe

    keep_freed_memory()
    torch.set_num_threads(args.threads)
    steps = max(10, args.steps // 5) if model == "conv" else args.steps
    with initialize_config_dir(str(Path(__file__).resolve().parent.parent / "conf"), version_base="1.3"):
        words = "words=[" + ",".join(f"'{word}'" for word in WORDS) + "]"
        overrides = ["data=folder", f"data.source.root={args.data}", words, f"model={model}", "name=benchmark"]
        if args.cache_dir:
            overrides.append(f"data.cache_dir={args.cache_dir}")
        cfg = compose("train", overrides)
    recipe = Recipe.from_dict({room: OmegaConf.to_object(cfg[room]) for room in ("words", "features", "model")})
    module = KeywordModule(recipe, instantiate(cfg.optim), instantiate(cfg.schedule))
    data = instantiate(cfg.data)
    data.prepare_data()
    data.setup()
    row = parts(module, data, steps, args)

    stamps: list[float] = []

    class Clock(pl.Callback):
        def on_train_batch_end(self, *_: object) -> None:
            synchronise(args.device)
            stamps.append(time.perf_counter())

    trainer = pl.Trainer(
        accelerator="gpu" if args.device == "cuda" else "cpu", devices=1, precision=args.precision, max_steps=steps + 10,
        limit_val_batches=0, num_sanity_val_steps=0, logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, log_every_n_steps=20, callbacks=[Clock()],
    )  # fmt: skip
    trainer.fit(module, data)
    laps = [(after - before) * 1000 for before, after in itertools.pairwise(stamps)]
    return {**row, "whole": statistics.median(laps), "private_mb": private_mb()}


def parts(module: object, data: object, steps: int, args: argparse.Namespace) -> dict[str, float]:
    """Median ms of reading a batch, augmenting it, making features, and an optimiser step."""
    import torch
    import torch.nn.functional as F

    device = torch.device(args.device)
    network = module.network.to(device)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.001, fused=True)
    front_end, generator = data.front_end.to(device), torch.Generator(device)
    bank = data._noise_bank.to(device)
    loader = data.train_dataloader()
    batches = iter(loader)
    times: dict[str, list[float]] = {"data": [], "augment": [], "features": [], "optimise": []}

    def lap(name: str, work: Callable[[], object]) -> object:
        start = time.perf_counter()
        result = work()
        synchronise(args.device)
        times[name].append((time.perf_counter() - start) * 1000)
        return result

    def optimise(features: torch.Tensor, labels: torch.Tensor) -> None:
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(network(features), labels).backward()
        optimizer.step()

    for _ in range(min(steps, len(loader) - 1)):
        batch = lap("data", lambda: next(batches))
        clips, labels, silent = (part.to(device) for part in batch[:3])
        generator.manual_seed(batch.seed)
        with torch.no_grad():
            sound = lap("augment", lambda c=clips, s=silent: data.augment(c, s, bank, generator))
            features = lap("features", lambda s=sound: front_end(s))
        lap("optimise", lambda f=features, t=labels: optimise(f, t))
    return {name: statistics.median(laps[3:]) for name, laps in times.items()}


def synchronise(device: str) -> None:
    if device == "cuda":
        import torch

        torch.cuda.synchronize()


def private_mb() -> float:
    """Memory that belongs to this process alone, MB; what it freed it keeps, so that this is its peak."""
    rollup = Path("/proc/self/smaps_rollup")
    if not rollup.exists():
        return float("nan")
    fields = {line.split(":")[0]: line.split()[1] for line in rollup.read_text().splitlines()[1:]}
    # Not Private_Clean: that is the mapped corpus, which the system may drop at any time.
    return int(fields["Private_Dirty"]) / 1024


if __name__ == "__main__":
    main()
