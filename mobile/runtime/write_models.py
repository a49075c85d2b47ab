"""Write every network and front end as `.ptl` and `.pt`, with sounds and the answers that the checkpoint gives to them.

    python mobile/runtime/write_models.py OUT [--checkpoint CKPT [--assets mobile/android] [--data FOLDER [--lists]]]

What runs them elsewhere needs nothing of kws: see compare.py beside this file.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import torch
from torch import nn

from kws.audio.io import to_float
from kws.data.sets.split_set import open_split
from kws.data.sources.folder import Folder
from kws.data.splits import HashedSplit, ListedSplit
from kws.export.android import ASSETS, ENGINES, MANIFEST
from kws.export.exporter import export
from kws.export.formats import FORMATS
from kws.export.probes import hard_signals
from kws.inference.checkpoint import WaveformModel, load_checkpoint
from kws.models.config import ModelConfig

WORDS = ("yes", "no", "up", "down", "left", "right", "stop", "go")
NETWORKS = ("single_fc", "conv", "low_latency_conv", "low_latency_svdf", "tiny_conv", "tiny_embedding_conv")
FRONT_ENDS = ("mfcc", "mfcc_torchaudio", "log_mel", "average")
# Signals in whose empty bands there is nothing but rounding: two processors disagree on them, let alone two versions.
ROUNDING_ONLY = ("pure tones", "constant", "highest frequency")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder for the models")
    parser.add_argument("--checkpoint", type=Path, help="also this trained model")
    parser.add_argument("--assets", type=Path, help="and the very file of it that lies in this app's assets")
    parser.add_argument("--data", type=Path, help="on this many real clips: a folder of Speech Commands")
    parser.add_argument("--lists", action="store_true", help="split the folder by its lists, not by hash")
    parser.add_argument("--clips", type=int, default=200, help="of its testing split")
    args = parser.parse_args()
    if args.assets is not None and args.checkpoint is None:
        parser.error("--assets needs --checkpoint, the one that the app's model was exported from")
    for network in NETWORKS:
        for front_end in FRONT_ENDS if network == "single_fc" else ("mfcc",):
            model = untrained(network, front_end)
            write(model, f"{network}-{front_end}", args.out, sounds(model))
    if args.checkpoint is not None:
        model = load_checkpoint(args.checkpoint)
        real = {} if args.data is None else {"real clips": real_clips(model, args)}
        signals = {**real, **sounds(model)}
        write(model, f"trained-{args.checkpoint.stem}", args.out, signals)
        if args.assets is not None:
            path = asset(args.assets)
            shutil.copyfile(path, args.out / path.name)
            write_answers(model, path.stem, args.out, signals)


def untrained(network: str, front_end: str) -> WaveformModel:
    """A network in its full size, with random weights so large that its answers spread over sounds."""
    torch.manual_seed(0)
    model = WaveformModel(ModelConfig(WORDS, {"name": front_end}, {"name": network})).eval()
    for weight in model.network.parameters():
        if weight.dim() > 1:
            nn.init.kaiming_normal_(weight)
    clips = torch.from_numpy(np.concatenate(list(sounds(model).values())))
    output = model.network.output
    with torch.no_grad():
        logits = model.network(model.front_end(clips))
        scale = 1.5 / logits.std(dim=0)
        output.weight.mul_(scale[:, None])
        output.bias.copy_((output.bias - logits.mean(dim=0)) * scale)
    return model


def sounds(model: WaveformModel) -> dict[str, np.ndarray]:
    return {kind: clips for kind, clips in hard_signals(model.spec).items() if kind not in ROUNDING_ONLY}


def real_clips(model: WaveformModel, args: argparse.Namespace) -> np.ndarray:
    clips = open_split(
        Folder(args.data).prepare(), model.labels, "testing", ListedSplit() if args.lists else HashedSplit(),
        sample_rate=model.spec.sample_rate, clip_samples=model.spec.samples,
        unknown_percentage=10, silence_percentage=10, seed=59185,
    )  # fmt: skip
    places = np.unique(np.linspace(0, len(clips) - 1, args.clips).astype(np.int64))
    return to_float(clips.read(places))


def asset(android: Path) -> Path:
    """PyTorch's file in an app's assets; refused where it is not the one that the manifest names."""
    manifest = json.loads((android / ASSETS / MANIFEST).read_text())
    if (entry := manifest["engines"].get(ENGINES["mobile"])) is None:
        raise SystemExit(f"{android / ASSETS / MANIFEST}: no file for PyTorch Mobile; kws export --to mobile --android {android}")
    path = android / ASSETS / entry["file"]
    if hashlib.sha256(path.read_bytes()).hexdigest() != entry["sha256"]:
        raise SystemExit(f"{path}: is not the file that was exported; export the model again")
    return path


def write(model: WaveformModel, name: str, folder: Path, signals: dict[str, np.ndarray]) -> None:
    for form in ("mobile", "torchscript"):
        if not (report := export(model, FORMATS[form], folder, name)).passed:
            raise SystemExit(report.to_text())
    write_answers(model, name, folder, signals)


def write_answers(model: WaveformModel, name: str, folder: Path, signals: dict[str, np.ndarray]) -> None:
    kinds = [kind for kind, clips in signals.items() for _ in clips]
    clips = np.concatenate(list(signals.values()))
    answers = np.concatenate([model.score(clips[start : start + 50]) for start in range(0, len(clips), 50)])
    np.savez(
        folder / f"{name}.npz", clips=clips, kinds=np.array(kinds), probabilities=answers, labels=np.array(model.labels.names)
    )
    print(f"{name}: {len(clips)} sounds", flush=True)


if __name__ == "__main__":
    main()
