"""`kws mine`: what a model wrongly answers to, as new clips to train on."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

EPILOG = """\
The recordings must hold NO wanted word: whatever is found in them is a mistake, and is cut out as OUT/mined/….wav. Put
that folder beside the word folders of your data: its clips are unknown words, and the next training hears them. All clips
of a recording fall into the same set. A lower --threshold also cuts out what the model was nearly wrong about.

examples:
  kws mine best.stream.onnx radio_talk.wav office.wav mined
  kws mine best.stream.onnx recordings/ mined --threshold 0.4 && cp -r mined/mined clips/
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `kws mine` and its arguments."""
    parser = subparsers.add_parser(
        "mine",
        help="cut false detections out as new clips to train on",
        description="Spot words in recordings that hold no wanted word, and cut out what is found.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help="a checkpoint, or a model that `kws export` wrote")
    parser.add_argument("sounds", type=Path, nargs="+", metavar="WAV", help="sound files or folders, without wanted words")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder for the clips, made if need be")
    parser.add_argument("--threshold", type=float, metavar="N", help="of the decoder, instead of the model's")
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads (default: one for each core)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    from kws.audio.long_recording import read_sound
    from kws.cli.label import list_sounds
    from kws.cli.stream import decoder_settings
    from kws.errors import KwsError
    from kws.evaluation.streams.mining import mine
    from kws.inference.loading import load
    from kws.inference.spotting import spot_with_scores
    from kws.streaming.recorder import read_gaps

    model = load(args.model, threads=args.threads)
    settings = decoder_settings(args, model)
    failed = total = 0
    seconds = 0.0
    for path in list_sounds(args.sounds):
        try:
            samples = read_sound(path, model.spec)
            detections, _, _ = spot_with_scores(model, samples, settings, read_gaps(path, model.spec.sample_rate))
            clips = mine(samples, detections, model.spec.sample_rate, model.spec.samples, args.out, path.stem)
        except KwsError as error:
            print(f"error: {error}", file=sys.stderr)
            failed += 1
            continue
        for clip in clips:
            print(f"{clip.path}  {clip.detection.label} {clip.detection.score:.3f}")
        total += len(clips)
        seconds += len(samples) / model.spec.sample_rate
    print(f"{total} false detections in {seconds / 60:.1f} min of sound", file=sys.stderr)
    return 2 if failed else 0
