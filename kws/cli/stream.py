"""`kws stream`: which words are in this recording, and when?"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kws.inference.model import Model
    from kws.streaming.decoder_settings import DecoderSettings
    from kws.streaming.events import Detection, SpokenWord

EPILOG = """\
A detection's time is the START of the window of sound that decided, as the original's; the decision could be known a
window's length later. The decoder's settings are the model's own (`kws tune` finds them), where no option says otherwise.
The recording is mixed down to one channel and resampled to the model's rate, and that is said. What `kws listen --record`
kept is heard again exactly as it was heard live.

Faint noise stands before the recording and after it, so that a word at its very start or end is found, and in place of
digital silence (exact zeros). --as-original scores the windows of the original's tool instead: those inside the recording,
as it is.

With --ground-truth the detections are scored: the original's four counts, and one-to-one matching with hit rate, false
accepts an hour and latency of each word. FILE has lines `<label>, <ms>`, as `kws make-stream` writes them, or is a label
track exported from Audacity.

examples:
  kws stream best.onnx recording.wav
  kws stream best.onnx test.wav --ground-truth test.txt --picture test.png
  kws stream best.onnx recording.wav --format audacity --out labels.txt
"""
AS_ORIGINAL = "score the original tool's windows: none beyond the ends of the sound, and digital silence as it is"
_OVERRIDES = {"threshold": float, "average_window_ms": int, "suppression_ms": int, "minimum_count": int}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `kws stream` and its arguments."""
    parser = subparsers.add_parser(
        "stream",
        help="spot words in a long recording",
        description="Spot words in a recording of any length, and score what is found where it is known what was said.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("model", type=Path, metavar="MODEL", help="a checkpoint, or a model that `kws export` wrote (--streaming: the fastest)")
    add("sound", type=Path, metavar="WAV", help="a sound file")
    add("--ground-truth", type=Path, metavar="FILE", help="what was said: `<label>, <ms>` a line, or Audacity's labels")
    add("--format", choices=("text", "json", "audacity"), default="text", help="of the detections (default: %(default)s)")
    add("--out", type=Path, metavar="FILE", help="write the detections (JSON lines, or Audacity labels) there, not to the screen")
    add("--picture", type=Path, metavar="PNG", help="draw waveform, scores, detections and truth")
    add("--scores", type=Path, metavar="NPZ", help="write every window's time and scores, for `kws tune --scores`")
    add_decoder_options(parser)
    add("--as-original", action="store_true", help=AS_ORIGINAL)
    add("--tolerance-ms", type=int, default=750, metavar="MS", help="a detection this near answers a word (default %(default)s)")
    add("--threads", type=int, metavar="N", help="CPU threads (default: one for each core)")
    parser.set_defaults(run=run)


def add_decoder_options(parser: argparse.ArgumentParser) -> None:
    """Add what `decoder_settings` reads."""
    parser.add_argument("--stride-ms", type=int, metavar="MS", help="from window to window")
    for name, kind in _OVERRIDES.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, metavar="N", help="of the decoder, instead of the model's")


def run(args: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    from kws.audio.long_recording import read_sound
    from kws.evaluation.streams.ground_truth import check_times, read_truth_of
    from kws.inference.loading import load
    from kws.inference.spotting import spot_with_scores
    from kws.streaming.events import write_audacity, write_detections
    from kws.streaming.recorder import read_gaps

    check_arguments(args)
    model = load(args.model, threads=args.threads)
    truth = read_truth_of(args.ground_truth, model.labels.names) if args.ground_truth is not None else None
    settings = decoder_settings(args, model)
    samples = read_sound(args.sound, model.spec)
    duration_ms = 1000 * len(samples) // model.spec.sample_rate
    if truth is not None:
        check_times(args.ground_truth, truth, args.sound, duration_ms)
    if args.as_original:
        check_longer(args.sound, len(samples), model)
    gaps = read_gaps(args.sound, model.spec.sample_rate)
    detections, times_ms, scores = spot_with_scores(model, samples, settings, gaps, as_original=args.as_original)
    if args.out is not None and args.format == "audacity":
        write_audacity(args.out, detections, model.spec.clip_ms)
    elif args.out is not None:
        write_detections(args.out, detections)
    else:
        show(detections, args.format, model.spec.clip_ms)
    if args.scores is not None:
        write_scores(args.scores, times_ms, scores, duration_ms, model)
    if args.picture is not None:
        from kws.plots.figure import save_figure
        from kws.plots.stream import stream_figure

        drawn = (samples, model.spec.sample_rate, times_ms, scores, model.labels.names, detections, truth or ())
        save_figure(stream_figure(*drawn, title=args.sound.name), args.picture)
    if truth is not None:
        text = report(truth, detections, duration_ms, args.tolerance_ms, model)
        print(text, file=sys.stdout if args.format == "text" else sys.stderr)
    return 0


def check_arguments(args: argparse.Namespace) -> None:
    """Refuse arguments that make no sense, before anything takes time.

    Raises:
        KwsError: there are some.
    """
    from kws.errors import KwsError

    if args.tolerance_ms < 0:
        raise KwsError(f"--tolerance-ms: {args.tolerance_ms} given; at least 0 is expected")
    if args.out is not None and args.format == "text":
        raise KwsError(f"--out: {args.out} needs --format json or --format audacity")


def decoder_settings(args: argparse.Namespace, model: Model) -> DecoderSettings:
    """The model's settings, with what the command line says instead."""
    from kws.inference.decoder_options import model_settings

    asked = {name: getattr(args, name, None) for name in (*_OVERRIDES, "stride_ms")}
    return replace(model_settings(model), **{name: value for name, value in asked.items() if value is not None})


def check_longer(path: Path, samples: int, model: Model) -> None:
    """Refuse what --as-original finds nothing in.

    Raises:
        KwsError: the sound is no longer than a window.
    """
    from kws.errors import KwsError

    if samples <= model.spec.samples:
        raise KwsError(
            f"{path}: {samples / model.spec.sample_rate:.2f} s is no longer than a window of {model.spec.clip_ms / 1000:g} s,"
            " so the original's tool scores nothing of it; leave --as-original out"
        )


def show(detections: Iterable[Detection], form: str, clip_ms: float) -> None:
    """Print detections, each at once: the lines that a file of them has."""
    from kws.streaming.events import audacity_line, json_line, text_line

    for found in detections:
        line = audacity_line(found, clip_ms) if form == "audacity" else (json_line if form == "json" else text_line)(found)
        print(line, flush=True)


def write_scores(path: Path, times_ms: Any, scores: Any, duration_ms: int, model: Model) -> None:
    """Write every window's scores, whole, and how long the sound is, for windows reach beyond it."""
    import numpy as np

    from kws.errors import KwsError
    from kws.files.atomic import atomic_write

    try:
        with atomic_write(path) as temporary, temporary.open("wb") as file:
            labels = np.array(model.labels.names)
            np.savez(file, times_ms=times_ms, scores=scores, labels=labels, duration_ms=duration_ms)
    except OSError as error:
        raise KwsError(f"{path}: can't be written ({error.strerror})") from error


def report(truth: tuple[SpokenWord, ...], detections: list[Detection], duration_ms: int, tolerance_ms: int, model: Model) -> str:
    """The original's counts, and the table of one-to-one matching."""
    from kws.evaluation.streams.scoring import score_detections
    from kws.evaluation.streams.tensorflow_accuracy import count_as_tensorflow

    counts = count_as_tensorflow(truth, detections, tolerance_ms)
    share = 100 / max(counts.words, 1)
    table = score_detections(truth, detections, duration_ms, tolerance_ms=tolerance_ms, labels=model.labels.words).to_text()
    return (
        f"as the original counts: {share * counts.matched:.1f} % of {counts.words} words matched, {share * counts.correct:.1f} %"
        f" correct, {share * counts.wrong:.1f} % wrong, {share * counts.false_positives:.1f} % false positives\n{table}"
    )
