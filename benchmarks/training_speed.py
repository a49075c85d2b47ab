"""Training steps a second of the four main models, and where the time of a step goes.

    python benchmarks/training_speed.py --data data/speech_commands_v0.02 [--threads 2] [--tensorflow-python PYTHON]

Batch 100, the original's augmentation and features, a real corpus. `whole` is a run of train.py's own trainer: data,
augmentation, features, optimiser step, logging and Lightning together. Each model has a process of its own, so that
its memory is its own: private memory is what the process can't share (the corpus is mapped from disk, and shared).
With TensorFlow its original trains in turn with ours, in a process of its own with as many threads: the same clips, batch,
augmentation, features, networks and optimiser, as its train.py has them (benchmarks/original/training.py). What train.py
writes for TensorBoard besides, two pictures a clip, is left out, in the original's favour; --original-summaries writes it.
A round is so many seconds of steps on each side; its time is divided by its steps.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from comparison import STEPS_A_SECOND, Comparison, Table, Timing, comparison_table
from options import NETWORKS, WORDS, add_options, closing, find_original, heading
from original.interpreter import BENCHMARKS, Interpreter, environment
from sides import Requests, Side, take_turns

PARTS = ("data", "augment", "features", "optimise")
WARM_UP = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of Speech Commands")
    parser.add_argument("--cache-dir", type=Path, help="where the packed corpus is kept (default: in --data)")
    parser.add_argument("--words", nargs="+", default=list(WORDS), help="wanted words (default: eight of the tutorial's)")
    parser.add_argument("--steps", type=int, default=60, help="steps timed of each part (default 60; conv: a fifth)")
    parser.add_argument("--seconds", type=float, default=2.5, help="of a round of the whole, on each side (default 2.5)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu", help="cpu or cuda; on cuda ours alone")
    parser.add_argument("--precision", default="32-true", help="Lightning's, such as bf16-mixed; then ours alone")
    parser.add_argument("--original-summaries", action="store_true", help="the original writes summaries, as its train.py does")
    parser.add_argument("--models", nargs="+", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--one", help=argparse.SUPPRESS)
    add_options(parser, rounds=5)
    args = parser.parse_args()
    if args.quick:
        args.rounds, args.seconds, args.steps = 2, 0.0, 3
    if args.one:
        serve(args.one, args)
        return
    if not any(args.data.glob("*/*.wav")):
        raise SystemExit(f"--data {args.data}: no <word>/*.wav there; expected the folder of Speech Commands")
    # The original is measured on a CPU in float32; nothing else would be the same work.
    args.ours_alone |= args.device != "cpu" or args.precision != "32-true"
    original = find_original(args)
    print(f"training, batch 100, {args.device}, {args.precision}; {heading(args, original, args.threads)}", flush=True)
    rows, parts = [], []
    for model in args.models:
        timing, known = compare(model, args, original)
        rows.append(timing)
        numbers = (f"{known[part]:.2f}" for part in PARTS)
        parts.append((model, *numbers, f"{1000 * timing.ours.median:.2f}", f"{known['private_mb']:.0f}"))
    titles = ("model", *(f"{part} ms" for part in PARTS), "whole ms", "private MB")
    print("\nkws, medians of a step:\n", Table(titles, tuple(parts)).show(args.markdown), sep="\n")
    print("", comparison_table(rows, STEPS_A_SECOND).show(args.markdown), "", closing(original, args.ours_alone), sep="\n")


def compare(model: str, args: argparse.Namespace, original: Interpreter | None) -> tuple[Comparison, dict[str, float]]:
    """One model: both sides in turn, and what ours knows of its parts."""
    request = {"seconds": args.seconds, "least": 2}
    private_mb = 0.0
    with Side([sys.executable, __file__, *sys.argv[1:], "--one", model]) as ours:

        def ask_ours() -> float:
            nonlocal private_mb
            answer = ours.ask(**request)
            private_mb = answer["private_mb"]
            return answer["seconds"]

        if original is None:
            times = take_turns({"ours": ask_ours}, args.rounds, model)
        else:
            with tempfile.TemporaryDirectory() as folder, start_original(model, args, original, folder) as theirs:
                sides = {"ours": ask_ours, "original": lambda: theirs.ask(**request)["seconds"]}
                times = take_turns(sides, args.rounds, model)
        known = {**ours.known, "private_mb": private_mb}
    return Comparison(model, Timing(tuple(times["ours"])), Timing(tuple(times["original"])) if original else None), known


def start_original(model: str, args: argparse.Namespace, original: Interpreter, folder: str) -> Side:
    given = ["--data", args.data.resolve(), "--network", model, "--threads", args.threads, "--words", *args.words]
    if args.original_summaries:
        given += ["--summaries", Path(folder) / "summaries"]
    return Side(original.command("training", *given), environment(), BENCHMARKS)


def serve(model: str, args: argparse.Namespace) -> None:
    """Our side, in its own process: the parts by themselves, then the whole in the trainer, a round when asked."""
    import pytorch_lightning as pl
    import torch
    from hydra import compose, initialize_config_dir
    from hydra.utils import instantiate
    from omegaconf import OmegaConf

    from kws.models.config import ModelConfig
    from kws.training.allocator import keep_freed_memory
    from kws.training.module import KeywordModule

    requests = Requests()
    keep_freed_memory()
    torch.set_num_threads(args.threads)
    with initialize_config_dir(str(BENCHMARKS.parent / "conf"), version_base="1.3"):
        words = "words=[" + ",".join(f"'{word}'" for word in args.words) + "]"
        overrides = ["data=folder", f"data.source.root={args.data.resolve()}", words, f"model={model}", "name=benchmark"]
        if args.cache_dir:
            overrides.append(f"data.cache_dir={args.cache_dir.resolve()}")
        cfg = compose("train", overrides)
    recipe = ModelConfig.from_dict({room: OmegaConf.to_object(cfg[room]) for room in ("words", "features", "model")})
    module = KeywordModule(recipe, instantiate(cfg.optim), instantiate(cfg.schedule))
    data = instantiate(cfg.data)
    data.prepare_data()
    data.setup()
    steps = max(3, args.steps // 5) if model == "conv" else args.steps
    known = time_parts(module, data, steps, args)

    class Clock(pl.Callback):
        """Lets the trainer go on for as long as a round lasts, and waits for the next."""

        def __init__(self) -> None:
            self.steps, self.start, self.round = 0, 0.0, {"seconds": 0.0, "least": WARM_UP}

        def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
            synchronise(args.device)
            self.steps += 1
            seconds = time.perf_counter() - self.start
            if self.steps < self.round["least"] or seconds < self.round["seconds"]:
                return
            warm = self.start > 0
            requests.reply(**({"seconds": seconds / self.steps, "private_mb": private_mb()} if warm else known))
            self.round = requests.next()
            if self.round is None:
                trainer.should_stop, self.round = True, {"seconds": float("inf"), "least": 0}
            self.steps, self.start = 0, time.perf_counter()

    trainer = pl.Trainer(
        accelerator="gpu" if args.device == "cuda" else "cpu", devices=1, precision=args.precision, max_epochs=-1,
        limit_val_batches=0, num_sanity_val_steps=0, logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, log_every_n_steps=20, callbacks=[Clock()],
    )  # fmt: skip
    trainer.fit(module, data)


def time_parts(module: object, data: object, steps: int, args: argparse.Namespace) -> dict[str, float]:
    """Median ms of reading a batch, augmenting it, making features, and an optimiser step."""
    import torch
    import torch.nn.functional as F

    device = torch.device(args.device)
    network = module.network.to(device)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.001, fused=True)
    front_end, generator = data.front_end.to(device), torch.Generator(device)
    bank = data._noise_bank.to(device)
    batches = endless(data)
    times: dict[str, list[float]] = {part: [] for part in PARTS}

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

    for _ in range(steps + 3):
        batch = lap("data", lambda: next(batches))
        clips, labels, silent = (part.to(device) for part in batch[:3])
        generator.manual_seed(batch.seed)
        with torch.no_grad():
            sound = lap("augment", lambda c=clips, s=silent: data.augment(c, s, bank, generator))
            features = lap("features", lambda s=sound: front_end(s))
        lap("optimise", lambda f=features, t=labels: optimise(f, t))
    return {name: statistics.median(laps[3:]) for name, laps in times.items()}


def endless(data: object) -> Iterator[object]:
    """Training batches, one pass after the other."""
    loader = data.train_dataloader()
    while True:
        yield from loader


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
