"""`kws label`: which word is in this clip?"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

EPILOG = """example:
  kws label outputs/low_latency_conv/…/checkpoints/best.ckpt yes.wav no.wav
  kws label model.ckpt recordings/ --top 1 --json
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `kws label` and its arguments."""
    parser = subparsers.add_parser(
        "label",
        help="name the word in each clip",
        description="Score clips with a model and print the likeliest labels. A folder stands for all sound files in it.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help="a checkpoint, or a model that `kws export` wrote")
    parser.add_argument("sounds", type=Path, nargs="+", metavar="WAV", help="sound files or folders")
    parser.add_argument("--top", type=int, default=3, metavar="K", help="labels shown for each clip (default 3)")
    parser.add_argument("--loudest", action="store_true", help="of a longer recording take the loudest part, not the beginning")
    parser.add_argument("--json", action="store_true", help="print one JSON object a clip")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Do it; returns the exit status."""
    import kws
    from kws.audio import fit_length, read_audio, to_float
    from kws.data.cutting import loudest_segment
    from kws.errors import KwsError

    if args.top < 1:
        raise KwsError(f"--top: {args.top} makes no sense; give at least 1")
    files = list_sounds(args.sounds)
    model = kws.load(args.model)
    rate_hz, samples = model.spec.rate_hz, model.spec.samples
    failed = 0
    for file in files:
        try:
            sound = read_audio(file, rate_hz)
        except KwsError as error:
            print(f"error: {error}", file=sys.stderr)
            failed += 1
            continue
        if len(sound) > samples and args.loudest:
            sound = loudest_segment(sound, samples)
        elif len(sound) > samples:
            spare = "; --loudest takes the loudest part"
            print(f"{file}: {len(sound) / rate_hz:.2f} s; its first {samples / rate_hz:g} s are labelled{spare}", file=sys.stderr)
        scores = model.score(to_float(fit_length(sound, samples))[None])[0]
        order = scores.argsort()[::-1][: args.top]
        ranked = [(model.labels.names[index], float(scores[index])) for index in order]
        print(as_json(file, ranked) if args.json else as_text(file, ranked), flush=True)
    return 2 if failed else 0


def list_sounds(paths: list[Path]) -> list[Path]:
    """The files named, and all sound files in the folders named."""
    from kws.audio import find_audio
    from kws.errors import KwsError

    files: list[Path] = []
    for path in paths:
        found = find_audio(path) if path.is_dir() else [path]
        if not found:
            raise KwsError(f"{path}: this folder holds no sound files")
        files += found
    return files


def as_text(file: Path, ranked: list[tuple[str, float]]) -> str:
    """A line for people."""
    return f"{file}  " + "  ".join(f"{name} {score:.3f}" for name, score in ranked)


def as_json(file: Path, ranked: list[tuple[str, float]]) -> str:
    """A line of JSON."""
    return json.dumps({"file": str(file), "label": ranked[0][0], "scores": dict(ranked)}, ensure_ascii=False)
