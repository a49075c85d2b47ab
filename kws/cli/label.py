"""`kws label`: which word is in this clip?"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from kws.cli.printing import json_line, printable

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
    parser.add_argument("sounds", type=Path, nargs="+", metavar="WAV", help="sound files or folders; - is standard input")
    parser.add_argument("--top", type=int, default=3, metavar="K", help="labels shown for each clip (default 3)")
    parser.add_argument(
        "--fit", choices=("loudest", "start"),
        help="how a recording is made a clip: its loudest part, in the middle of zeros; or its start (default: as in training)",
    )  # fmt: skip
    parser.add_argument("--loudest", dest="fit", action="store_const", const="loudest", help="short for --fit loudest")
    parser.add_argument("--json", action="store_true", help="print one JSON object a clip")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    from kws.audio.cutting import fit_clip, note_on_longer
    from kws.audio.io import read_audio, to_float
    from kws.errors import KwsError
    from kws.inference.loading import load

    if args.top < 1:
        raise KwsError(f"--top: {args.top} makes no sense; give at least 1")
    files = list_sounds(args.sounds)
    model = load(args.model)
    sample_rate, samples = model.spec.sample_rate, model.spec.samples
    fit = args.fit or model.spec.fit
    failed = longer = 0
    for file in files:
        try:
            sound = read_audio(file, sample_rate)
        except KwsError as error:
            print(f"error: {error}", file=sys.stderr)
            failed += 1
            continue
        longer += len(sound) > samples
        scores = model.score(to_float(fit_clip(sound, samples, fit))[None])[0]
        order = scores.argsort()[::-1][: args.top]
        ranked = [(model.labels.names[index], float(scores[index])) for index in order]
        print(as_json(file, ranked) if args.json else as_text(file, ranked), flush=True)
    if longer:
        spare = "" if fit == "loudest" else "; --loudest takes the loudest part"
        note = note_on_longer(longer, len(files) - failed, samples / sample_rate, fit, "labelled")
        print(f"{note}{spare}", file=sys.stderr)
    return 2 if failed else 0


def list_sounds(paths: list[Path]) -> list[Path]:
    """Return the files given, and all sound files in the folders given."""
    from kws.audio.io import find_audio
    from kws.errors import KwsError

    files: list[Path] = []
    for path in paths:
        found = find_audio(path) if path.is_dir() else [path]
        if not found:
            raise KwsError(f"{path}: this folder holds no sound files")
        files += found
    return files


def as_text(file: Path, ranked: list[tuple[str, float]]) -> str:
    """Return a clip's labels as a line of text."""
    return f"{printable(str(file))}  " + "  ".join(f"{printable(name)} {score:.3f}" for name, score in ranked)


def as_json(file: Path, ranked: list[tuple[str, float]]) -> str:
    """Return a clip's labels as a line of JSON."""
    return json_line({"file": str(file), "label": ranked[0][0], "scores": dict(ranked)})
