"""`kws tune`: decoder settings by measurement, written into the model."""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kws.files.table import text_table

if TYPE_CHECKING:
    from kws.evaluation.streams.offline_decoder import ScoredStream
    from kws.evaluation.streams.operating_point import OperatingPoint
    from kws.evaluation.streams.tuning import Tuning
    from kws.inference.model import Model
    from kws.streaming.decoder_settings import DecoderSettings
    from kws.streaming.events import SpokenWord

EPILOG = """\
Tune on one stream, and judge by another: the settings are the best for this one. A stream as a user would hear it,
hours long, with --no-words for sound in which no word is said, gives false accepts an hour that can be believed;
the table tells the interval. --per-word-thresholds fits each word to the few times it is said in the stream: judge it by
another stream before you keep it (--dry-run). Where no setting reaches the target nothing is written, and the exit status is 1.

The windows that are scored are those of `kws stream`, also beyond the ends of the sound: what the table says is what
`kws stream --ground-truth` counts.

examples:
  kws tune model.onnx validation.wav
  kws tune best.ckpt validation.wav --no-words radio.wav --false-accepts-per-hour 1 --picture tune.png
  kws stream best.ckpt validation.wav --scores validation.npz && kws tune best.ckpt --scores validation.npz
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `kws tune` and its arguments."""
    from kws.cli.stream import AS_ORIGINAL

    parser = subparsers.add_parser(
        "tune",
        help="choose the decoder's settings by a stream with known words",
        description="Score a stream once, try threshold, averaging and suppression on the scores, and write into MODEL what\n"
        "finds the most words at no more than so many false accepts an hour.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("model", type=Path, metavar="MODEL", help="a checkpoint, or a model that `kws export` wrote")
    add("stream", type=Path, metavar="STREAM", nargs="?", help="continuous sound (.wav …)")
    add("--scores", type=Path, metavar="FILE.npz", help="what `kws stream --scores` wrote, in place of STREAM")
    add(
        "--ground-truth",
        type=Path,
        metavar="FILE",
        help="what was said: `<label>, <ms>` a line, or Audacity's labels (default: STREAM's name, ending in .txt)",
    )
    add(
        "--no-words",
        type=Path,
        metavar="OTHER",
        action="append",
        default=[],
        help="sound or .npz without a wanted word; repeatable",
    )
    add("--false-accepts-per-hour", type=float, default=0.5, metavar="N", help="the most allowed (default: %(default)s)")
    add("--per-word-thresholds", action="store_true", help="then give each word its own threshold, where that finds more words")
    add("--picture", type=Path, metavar="OUT.png", help="also draw what the thresholds trade")
    add("--as-original", action="store_true", help=AS_ORIGINAL)
    add("--dry-run", action="store_true", help="leave MODEL as it is")
    add("--json", action="store_true", help="print JSON instead of the table")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    from kws.evaluation.streams.tuning import tune
    from kws.inference.decoder_options import model_settings
    from kws.inference.loading import load
    from kws.inference.metadata_update import check_writable, write_decoder

    if not args.dry_run:
        check_writable(args.model)
    model = load(args.model)
    start = model_settings(model)
    streams, target = open_streams(args, model, start), args.false_accepts_per_hour
    tuning = tune(streams, start, false_accepts_per_hour=target, per_word=args.per_word_thresholds)
    if args.picture is not None:
        from kws.plots.det import det_figure
        from kws.plots.figure import save_figure

        save_figure(det_figure(tuning, f"{args.model.name} on {(args.stream or args.scores).name}"), args.picture)
    if write := tuning.reached and not args.dry_run:
        write_decoder(args.model, tuning.after.settings)
    if args.json:
        print(json.dumps({"model": str(args.model), "written": write, **tuning.to_dict()}, indent=2, ensure_ascii=False))
    else:
        print(to_text(tuning))
        print(f"{args.model}: {'has the new settings' if write else 'stays as it was'}")
    return 0 if tuning.reached else 1


def open_streams(args: argparse.Namespace, model: Model, settings: DecoderSettings) -> list[ScoredStream]:
    """The scores of all the sound that was given."""
    from kws.errors import KwsError
    from kws.evaluation.streams.ground_truth import read_truth_of

    source: Path | None = args.scores or args.stream
    if source is None or (args.scores and args.stream):
        raise KwsError("tune: give either STREAM, or --scores FILE.npz")
    if args.scores and args.as_original:
        raise KwsError("--as-original: has no effect on saved scores; give it to the `kws stream --scores` that makes them")
    listed = args.ground_truth or source.with_suffix(".txt")
    truth = read_truth_of(listed, model.labels.names)
    if not any(word.label in model.labels.words for word in truth):
        wanted = ", ".join(model.labels.words)
        raise KwsError(
            f"{listed}: none of {wanted} is in it, so there is no hit rate to raise; give a stream in which they are said"
        )
    return [
        _opened(source, model, settings, truth, listed, args.as_original),
        *(_opened(path, model, settings, (), path, args.as_original) for path in args.no_words),
    ]


def _opened(
    path: Path, model: Model, settings: DecoderSettings, truth: tuple[SpokenWord, ...], listed: Path, as_original: bool
) -> ScoredStream:
    import numpy as np

    from kws.errors import KwsError
    from kws.evaluation.streams.ground_truth import check_times
    from kws.evaluation.streams.offline_decoder import read_scores
    from kws.inference.loading import open_scorer

    if path.suffix != ".npz":
        return score_stream(model, path, settings, truth, listed, as_original)
    stream = read_scores(path, truth, model.spec.clip_ms)
    if stream.labels != model.labels.names:
        raise KwsError(f"{path}: scores of {', '.join(stream.labels)}; the model's labels are {', '.join(model.labels.names)}")
    own_ms = 1000 * open_scorer(model, settings.stride_ms).stride_samples / model.spec.sample_rate
    found_ms = float(np.median(np.diff(stream.times_ms))) if len(stream.times_ms) > 1 else own_ms
    if abs(found_ms - own_ms) >= 1:  # the times are cut down to whole milliseconds
        raise KwsError(f"{path}: scores every {found_ms:g} ms; the model's stride_ms is {settings.stride_ms}; score it again")
    check_times(listed, truth, path, stream.duration_ms)
    return stream


def score_stream(
    model: Model,
    path: Path,
    settings: DecoderSettings,
    truth: tuple[SpokenWord, ...] = (),
    listed: Path | None = None,
    as_original: bool = False,
) -> ScoredStream:
    """Score all windows of a sound file, those that `kws stream` decides by; `listed`: the file of the truth."""
    from tqdm import tqdm

    from kws.audio.long_recording import read_sound
    from kws.cli.stream import check_longer
    from kws.evaluation.streams.ground_truth import check_times
    from kws.evaluation.streams.offline_decoder import ScoredStream
    from kws.inference.spotting import spot_with_scores
    from kws.streaming.recorder import read_gaps

    sample_rate = model.spec.sample_rate
    sound = read_sound(path, model.spec)
    duration_ms = len(sound) * 1000 // sample_rate
    if as_original:
        check_longer(path, len(sound), model)
    check_times(listed or path, truth, path, duration_ms)
    bar = partial(
        tqdm, total=-(-len(sound) // sample_rate), desc=f"scoring {path.name}", unit="s", mininterval=0.5, leave=False
    )  # fmt: skip
    _, times_ms, scores = spot_with_scores(model, sound, settings, read_gaps(path, sample_rate), bar, as_original)
    return ScoredStream(times_ms, scores, model.labels.names, truth, duration_ms)


def to_text(tuning: Tuning) -> str:
    """Settings and scores before and after, side by side, and what they are worth."""
    columns = {"before": tuning.before, "after": tuning.after}
    if tuning.common is not None:
        columns = {"before": tuning.before, "one threshold": tuning.common, "one a word": tuning.after}
    lines = [text_table(("", *columns), zip(_NAMES, *map(_column, columns.values()), strict=True))]
    if own := dict(tuning.after.settings.word_thresholds):
        kept = "" if tuning.common is not None else " (kept as they were; --per-word-thresholds chooses them anew)"
        lines.append(f"of single words{kept}: " + ", ".join(f"{word} {threshold:g}" for word, threshold in own.items()))
    total = tuning.after.score.total
    rate, target = total.false_accepts_per_hour, tuning.target_per_hour
    lines.append(
        f"intervals of {100 * total.confidence:g} %; {tuning.tried} settings tried on {60 * total.hours:.0f} min of sound"
    )
    if not tuning.reached:
        lines.append(f"none of them finds a word at no more than {target:g} false accepts an hour; these make the fewest")
    elif not tuning.proven:
        lines.append(
            f"{target:g} false accepts an hour is not proven: the sound leaves up to {rate.high:.1f} open; give more of it"
        )
    return "\n".join(lines)


_NAMES = (
    "threshold", "average_window_ms", "suppression_ms", "minimum_count", "hits", "hit rate (%)", "taken for another", "missed",
    "false accepts", "false accepts an hour", "latency p50, p95 (ms)",
)  # fmt: skip


def _column(point: OperatingPoint) -> list[str]:
    settings, total = point.settings, point.score.total
    rate, share = total.false_accepts_per_hour, total.hit_rate
    latencies = [total.latency_ms(percentile) for percentile in (50, 95)]
    return [
        f"{settings.threshold:g}",
        f"{settings.average_window_ms}",
        f"{settings.suppression_ms}",
        f"{settings.minimum_count}",
        f"{total.hits} of {total.said}",
        f"{100 * share.value:.1f} ({100 * share.low:.1f}–{100 * share.high:.1f})",
        f"{total.wrong}",
        f"{total.missed}",
        f"{total.false_accepts}",
        f"{rate.value:.1f} ({rate.low:.1f}–{rate.high:.1f})",
        ", ".join("–" if latency is None else f"{latency:.0f}" for latency in latencies),
    ]
