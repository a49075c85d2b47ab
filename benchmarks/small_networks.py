"""Seconds an epoch of a small network, its augmentation and features included, and where they go.

    python benchmarks/small_networks.py --data data/speech_commands_v0.02 [--experiment bc_resnet_1] [--steps 60] [--threads 2]

An epoch is 11,800 clips, those of the 8-word task with at most 1,300 clips a word: the authors' own code for BC-ResNet-1 takes
29 s for it on two cores of the same kind, 2.8 s of them for features. `planes` are the layers of kws.models.planes, `plain`
torch's own convolutions and batch normalisation with the same weights. Medians; rows are measured in turn, round after round.
"""

from __future__ import annotations

import argparse
import statistics
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

from kws.allocator import keep_freed_memory
from kws.module import KeywordModule
from kws.recipe import Recipe

CLIPS, AUTHORS_S = 11_800, 29.0
WORDS = ["yes", "no", "up", "down", "left", "right", "stop", "go"]
ROUNDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of Speech Commands")
    parser.add_argument("--experiment", default="bc_resnet_1")
    parser.add_argument("--steps", type=int, default=60, help="steps timed of each row")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("overrides", nargs="*", help="settings of train.py")
    args = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(args.threads)
    with initialize_config_dir(str(Path(__file__).resolve().parent.parent / "conf"), version_base="1.3"):
        words = "words=[" + ",".join(f"'{word}'" for word in WORDS) + "]"
        given = [f"experiment={args.experiment}", "data=folder", f"data.source.root={args.data}", words, "name=benchmark"]
        cfg = compose("train", [*given, *args.overrides])
    recipe = Recipe.from_dict({room: OmegaConf.to_object(cfg[room]) for room in ("words", "features", "model")})
    module, data = KeywordModule(recipe, instantiate(cfg.optim), instantiate(cfg.schedule)), instantiate(cfg.data)
    data.prepare_data()
    data.setup()
    bar = {"data": [], "augment and features": []}
    steps = {(layers, precision): [] for precision in ("float32", "bfloat16") for layers in ("plain", "planes")}
    measure(module.network, data, args.steps, bar, steps)
    report(bar, steps, args)


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
    if kind == "planes":
        yield
        return
    with mock.patch.object(torch.compiler, "is_compiling", lambda: True):
        yield


def report(bar: dict, steps: dict, args: argparse.Namespace) -> None:
    read, made = (CLIPS * statistics.median(times) for times in bar.values())
    print(f"{args.experiment}, {args.threads} threads, {CLIPS:,} clips: data {read:.2f} s, augment and features {made:.2f} s")
    print(f"{'layers':10}{'precision':12}{'optimise s':>12}{'epoch s':>10}{'clips/s':>9}{'of 29 s':>15}")
    for (layers, precision), times in steps.items():
        optimise = CLIPS * statistics.median(times)
        epoch = read + made + optimise
        print(f"{layers:10}{precision:12}{optimise:12.1f}{epoch:10.1f}{CLIPS / epoch:9.0f}{AUTHORS_S / epoch:14.1f}×")


if __name__ == "__main__":
    main()
