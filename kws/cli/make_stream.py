"""`kws make-stream`: a recording with words at known times, to measure how well a model spots them."""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kws.audio.framing import FeatureSpec
    from kws.evaluation.streams.simulation import SimulatedStream
    from kws.labels import LabelSet

EPILOG = """\
OUT.wav gets words of the chosen split at random times over background noise, OUT.txt what was said (`<label>, <ms>` a
line, the original's format; the time is where the word's clip starts), OUT.json both with the settings and the clips.

Measure false accepts on streams in which no wanted word is said: --no-words (noise alone), --only-unknown.

examples:
  kws make-stream data/speech_commands_v0.02 test.wav --words yes,no,up,down
  kws make-stream clips validation.wav --model best.onnx --split validation --snr-db 15
  kws make-stream clips hour.wav --model best.onnx --minutes 60 --only-unknown
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `kws make-stream` and its arguments."""
    parser = subparsers.add_parser(
        "make-stream",
        help="make a long recording with words at known times",
        description="Mix a test stream: words of one split at random times over background noise.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("data", type=Path, metavar="DATA", help="a folder with one folder a word, and _background_noise_")
    add("out", type=Path, metavar="OUT.wav", help="the recording")
    wanted = parser.add_mutually_exclusive_group(required=True)
    wanted.add_argument("--words", metavar="A,B", help="wanted words, with commas between; all others are _unknown_")
    wanted.add_argument("--model", type=Path, metavar="MODEL", help="take words, rate and clip length from this model")
    add("--split", choices=("testing", "validation", "training"), default="testing", help="whose clips (default: %(default)s)")
    add("--lists", action="store_true", help="split by validation_list.txt and testing_list.txt, not by hash")
    add("--minutes", type=float, default=10.0, metavar="N", help="length (default: %(default)g)")
    add("--interval-s", type=float, default=3.0, metavar="S", help="a word in each such slot (default: %(default)g)")
    said = parser.add_mutually_exclusive_group()
    said.add_argument("--unknown-percentage", type=float, default=30.0, metavar="P", help="of the words (default: %(default)g)")
    said.add_argument(
        "--only-unknown", dest="unknown_percentage", action="store_const", const=100.0, help="no wanted word, only others"
    )
    said.add_argument("--no-words", action="store_true", help="noise alone")
    noise = parser.add_mutually_exclusive_group()
    noise.add_argument(
        "--background-volume", type=float, default=0.1, metavar="V", help="largest volume of the noise (default: %(default)g)"
    )
    noise.add_argument("--snr-db", type=float, metavar="DB", help="level of the words over the noise, instead of a volume")
    add("--seed", type=int, default=0, help="another seed, another stream (default: %(default)s)")
    add("--cache-dir", type=Path, metavar="DIR", help="where the packed corpus is kept (default: in DATA)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    from kws.cli.set_arguments import default_rule
    from kws.errors import KwsError
    from kws.evaluation.streams.simulation import simulate_stream
    from kws.evaluation.streams.simulation_clips import open_clips
    from kws.evaluation.streams.simulation_settings import SimulationSettings
    from kws.labels import UNKNOWN

    settings = SimulationSettings(
        args.minutes, args.interval_s, args.unknown_percentage, args.background_volume, args.snr_db, args.no_words, args.seed
    )
    if args.out.suffix != ".wav":
        raise KwsError(f"{args.out}: ends in {args.out.suffix or 'nothing'}; end it in .wav")
    if not args.out.parent.is_dir():  # before an hour is mixed
        raise KwsError(f"{args.out.parent}: no such folder; make it, or write elsewhere")
    labels, spec = _wanted(args)
    source, noises, names = open_clips(args.data, labels, args.split, default_rule(args.lists), spec, args.cache_dir)
    scene = simulate_stream(settings, spec.sample_rate, spec.samples, source, noises)
    facts = {"data": str(args.data), "split": args.split, "lists": args.lists, "labels": list(labels.names)}
    clips = [names[clip] for clip in scene.clips]
    _write(args.out, scene, {"settings": asdict(settings), **facts}, spec.sample_rate, clips)
    unknown = sum(word.label == UNKNOWN for word in scene.truth)
    wanted = len(scene.truth) - unknown
    print(f"{args.out}: {args.minutes:g} min, {wanted} wanted words, {unknown} others, of the {args.split} split")
    return 0


def _wanted(args: argparse.Namespace) -> tuple[LabelSet, FeatureSpec]:
    """Return labels, sample rate and clip length: the model's, or the words given and the defaults."""
    from kws.audio.framing import LOUDEST, FeatureSpec
    from kws.inference.loading import load
    from kws.labels import LabelSet

    if args.model is None:
        return LabelSet(args.words.split(",")), FeatureSpec(fit=LOUDEST)
    model = load(args.model)
    return model.labels, model.spec


def _write(out: Path, scene: SimulatedStream, facts: dict[str, Any], sample_rate: int, clips: list[str]) -> None:
    """Write the recording and its truth, all three files or none, for a truth beside another's recording misleads."""
    from kws.audio.io import write_wav
    from kws.errors import KwsError
    from kws.files.atomic import replace_file
    from kws.files.json_file import write_json
    from kws.streaming.events import write_truth

    truth = [{**asdict(word), "clip": clip} for word, clip in zip(scene.truth, clips, strict=True)]
    made = {"rate_hz": sample_rate, "duration_ms": 1000 * len(scene.samples) // sample_rate}
    sound = {"rms": scene.parts_rms, "clipped_samples": scene.clipped}
    try:
        with tempfile.TemporaryDirectory(prefix=".part-", dir=out.parent) as folder:
            new = Path(folder) / out.name
            write_wav(new, scene.samples, sample_rate)
            write_truth(new.with_suffix(".txt"), scene.truth)
            write_json(new.with_suffix(".json"), {**facts, **made, **sound, "truth": truth})
            for suffix in (".json", ".txt", ".wav"):
                replace_file(new.with_suffix(suffix), out.with_suffix(suffix))
    except OSError as error:
        raise KwsError(f"{out}: can't be written: {error.strerror or error}") from error
