"""`kws evaluate`: how often is a model right, and where is it wrong?"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kws.cli.set_arguments import add_set_arguments, open_set, score_set, split_rule

if TYPE_CHECKING:
    from kws.data.sets.clip_set import ClipSet
    from kws.data.sets.unseen_words import UnseenSet
    from kws.evaluation.confusion import Confusion
    from kws.evaluation.predictions import Predictions
    from kws.evaluation.unseen_words import UnseenReport
    from kws.inference.model import Model

EPILOG = """\
A DATA with folders `_silence_` and `_unknown_` and none of background noise is a test set, such as the official ones of
Speech Commands (docs/protocols.md): its clips are scored as they are, and no unknown or silence clips are drawn.

--errors makes a folder to learn from: index.html plays the wrong clips, the most confident first, and of each label the
right one that was hardly so; errors.csv has every wrong clip, errors.json what the page shows.

example:
  kws evaluate outputs/low_latency_conv/…/checkpoints/best.ckpt data/speech_commands_v0.02
  kws evaluate model.ckpt recordings/ --split all --silence-percentage 0
  kws evaluate model.ckpt recordings/ --errors errors/ --errors-count 50
  kws evaluate model.ckpt data/speech_commands_v0.02 --lists --unseen-words on,off
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `kws evaluate` and its arguments."""
    parser = subparsers.add_parser(
        "evaluate",
        help="accuracy and confusion matrix on a data folder",
        description="Score the clips of a data folder (one folder a word) and count what is right: accuracy, the confusion\n"
        "matrix (rows the truth, columns the predictions), recall and precision of each label.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("model", type=Path, metavar="MODEL", help="a checkpoint, or a model that `kws export` wrote")
    add("data", type=Path, nargs="+", metavar="DATA", help="a folder with one folder a word")
    add_set_arguments(parser, "testing")
    add("--unseen-words", metavar="W,W", help="words that training never heard: also say how often they are called unknown")
    add("--out", type=Path, metavar="DIR", help="also write evaluation.json and a picture there")
    add("--reliability", type=Path, metavar="OUT.png", help="also draw accuracy over confidence there")
    add("--errors", type=Path, metavar="DIR", help="also copy the worst clips there, with pictures and a page; new or empty")
    add("--errors-count", type=int, metavar="N", help="with --errors: wrong clips copied (default: 20)")
    add("--json", action="store_true", help="print JSON instead of the table")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    from kws.evaluation.unseen_words import report_unseen
    from kws.inference.loading import load
    from kws.reports.test_report import write_report

    args.data = only_folder(args)
    check_errors(args)
    model = load(args.model)
    clips = open_set(args, model, args.split, partial=True)
    unseen_clips = open_unseen_set(args, model)
    answers = score_set(model, clips)
    confusion = answers.confusion
    say_missing(confusion, model)
    facts: dict[str, Any] = {"model": str(args.model), "data": str(args.data), "split": split_name(args)}
    unseen = None if unseen_clips is None else report_unseen(model.score, unseen_clips)
    if unseen is not None:
        facts |= unseen.to_dict()
    calibration = judge_confidence(args, model, answers)
    if args.out is not None:
        write_report(args.out, confusion, {**facts, **calibration}, "evaluation")
    if args.errors is not None:
        write_errors(args, model, answers, clips, facts)
    if args.json:
        print(json.dumps({**facts, **calibration, **confusion.to_dict()}, indent=2, ensure_ascii=False))
    else:
        print_results(args, confusion, calibration, unseen)
    return 0


def only_folder(args: argparse.Namespace) -> Path:
    """Return DATA, or None where it is not given.

    Raises:
        KwsError: there are more: a pattern of the shell named several models, mostly.
    """
    from kws.errors import KwsError

    *more, folder = args.data
    if more:
        given = [args.model, *args.data]
        files = [path for path in given if not path.is_dir()]
        if len(files) == len(given) - 1:
            raise KwsError(f"{len(files)} models given ({', '.join(map(str, files))}); evaluate them one by one")
        raise KwsError(f"{len(args.data)} folders given ({', '.join(map(str, args.data))}); give one model and one folder")
    return Path(folder)


def say_missing(confusion: Confusion, model: Model) -> None:
    """Say which of the model's words have no clips, and so are not counted."""
    counts = confusion.counts.sum(axis=1)
    if missing := [name for name, count in zip(model.labels.names[2:], counts[2:], strict=True) if not count]:
        print(
            f"no clips of {', '.join(missing)}: the other {len(model.labels.words) - len(missing)} words are counted",
            file=sys.stderr,
        )


def split_name(args: argparse.Namespace) -> str:
    """Return the name of the scored set, as the results show it."""
    from kws.data.sets.test_set import is_test_set

    return "test set" if is_test_set(args.data) else str(args.split)


def judge_confidence(args: argparse.Namespace, model: Model, answers: Predictions) -> dict[str, float]:
    """Return the model's temperature, ECE and log-likelihood; draw the plot of --reliability."""
    from kws.evaluation.calibration import nll, reliability

    curve, temperature = reliability(answers.scores, answers.truths), model.metadata.temperature
    if args.reliability is not None:
        from kws.plots.figure import save_figure
        from kws.plots.reliability import reliability_figure

        curves = {f"temperature {temperature:.2f}": curve}
        save_figure(reliability_figure(curves, f"{args.model.name} on {args.data.name} ({args.split})"), args.reliability)
    return {"temperature": temperature, "ece": curve.ece, "nll": nll(answers.scores, answers.truths)}


def open_unseen_set(args: argparse.Namespace, model: Model) -> UnseenSet | None:
    """Open the clips of --unseen-words."""
    from kws.data.sets.split_set import open_unseen
    from kws.errors import KwsError

    if args.unseen_words is None:
        return None
    if args.split == "training":
        raise KwsError("--unseen-words: these are measured on clips of the testing or validation set or on all; change --split")
    words = [word.strip() for word in args.unseen_words.split(",") if word.strip()]
    # Only which clips measure them: what is evaluated besides is the set as it is.
    rule = split_rule(args, unseen_words=words, unseen_from=args.split)
    spec = model.spec
    return open_unseen(
        args.data,
        model.labels,
        rule,
        sample_rate=spec.sample_rate,
        clip_samples=spec.samples,
        cache_dir=args.cache_dir,
        fit=spec.fit,
    )


def print_results(
    args: argparse.Namespace, confusion: Confusion, calibration: Mapping[str, float], unseen: UnseenReport | None
) -> None:
    """Print the results as a table."""
    from kws.evaluation.confusion import pairs_to_text

    print(confusion.to_text())
    if unseen is not None:
        print(unseen.to_text())
    print(f"accuracy {100 * confusion.accuracy:.2f} % of {confusion.total} clips ({split_name(args)})")
    ece, loss, temperature = (calibration[name] for name in ("ece", "nll", "temperature"))
    print(f"ECE {100 * ece:.2f} %, negative log-likelihood {loss:.4f}, temperature {temperature:.3f}")
    if args.errors is not None:
        print(pairs_to_text(confusion.pairs()[:20]))
        print(f"{args.errors / 'index.html'} plays the clips")


def check_errors(args: argparse.Namespace) -> None:
    """Refuse, before anything is scored, what --errors could not do after it.

    Raises:
        KwsError: a count without a folder or below 1, or a folder that holds something else.
        ModuleNotFoundError: torch or matplotlib is not installed.
    """
    from kws.errors import KwsError

    if args.errors_count is not None and args.errors is None:
        raise KwsError(f"--errors-count {args.errors_count}: has no effect without --errors; give both")
    if args.errors_count is not None and args.errors_count < 1:
        raise KwsError(f"--errors-count: {args.errors_count} makes no sense; give at least 1")
    if args.errors is not None:
        from kws.reports.error_report import check_folder

        check_folder(args.errors)


def write_errors(args: argparse.Namespace, model: Model, answers: Predictions, clips: ClipSet, facts: dict[str, Any]) -> None:
    """Write the folder of --errors, with a progress bar."""
    from tqdm import tqdm

    from kws.reports import error_report

    count = 20 if args.errors_count is None else args.errors_count
    total = min(count, len(answers.wrong())) + len(answers.least_confident())
    with tqdm(total=total, desc="drawing", unit="clip", mininterval=0.5, leave=False) as bar:
        error_report.write_errors(args.errors, answers, clips, model.spec, facts, count, bar.update)
