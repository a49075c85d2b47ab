"""`kws evaluate`: how often is a model right?"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kws.artefacts.model import Model
    from kws.data.splits import SplitRule
    from kws.data.unseen import UnseenSet

EPILOG = """example:
  kws evaluate outputs/low_latency_conv/…/checkpoints/best.ckpt data/speech_commands_v0.02
  kws evaluate model.ckpt recordings/ --split all --silence-percentage 0
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
    parser.add_argument("model", type=Path, metavar="MODEL", help="a checkpoint, or a model that `kws export` wrote")
    parser.add_argument("data", type=Path, metavar="DATA", help="a folder with one folder a word")
    parser.add_argument(
        "--split", choices=("testing", "validation", "training", "all"), default="testing", help="clips scored (default testing)"
    )
    parser.add_argument("--lists", action="store_true", help="split by validation_list.txt and testing_list.txt, not by hash")
    parser.add_argument("--validation-percentage", type=float, default=10, metavar="P", help="of the hashed split (default 10)")
    parser.add_argument("--testing-percentage", type=float, default=10, metavar="P", help="of the hashed split (default 10)")
    parser.add_argument("--unknown-percentage", type=float, default=10, metavar="P", help="unknown clips per wanted (default 10)")
    parser.add_argument("--silence-percentage", type=float, default=10, metavar="P", help="silence clips per wanted (default 10)")
    parser.add_argument(
        "--unseen-words", metavar="W,W", help="words that training never heard: also say how often they are called unknown"
    )
    parser.add_argument("--seed", type=int, default=59185, help="of the choice of unknown and silence clips (default 59185)")
    parser.add_argument("--cache-dir", type=Path, metavar="DIR", help="where the packed corpus is kept (default: in DATA)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="also write evaluation.json and a picture there")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Do it; returns the exit status."""
    from tqdm import tqdm

    import kws
    from kws.data.folder import Folder
    from kws.data.scenario import open_split
    from kws.evaluation import evaluate
    from kws.report import write_report
    from kws.unseen import report_unseen

    root = Folder(args.data).prepare()
    model = kws.load(args.model)
    clips = open_split(
        root, model.labels, args.split, _rule(args), rate_hz=model.spec.rate_hz, clip_samples=model.spec.samples,
        unknown_percentage=args.unknown_percentage, silence_percentage=args.silence_percentage,
        seed=args.seed, cache_dir=args.cache_dir,
    )  # fmt: skip
    unseen_clips = _open_unseen(args, model, root)
    with tqdm(total=len(clips), desc="scoring", unit="clip", mininterval=0.5, leave=False) as bar:
        confusion = evaluate(model.score, clips, model.labels.names, done=bar.update)
    facts: dict[str, Any] = {"model": str(args.model), "data": str(args.data), "split": args.split}
    unseen = None if unseen_clips is None else report_unseen(model.score, unseen_clips)
    if unseen is not None:
        facts |= unseen.to_dict()
    if args.out is not None:
        write_report(args.out, confusion, facts, "evaluation")
    if args.json:
        print(json.dumps({**facts, **confusion.to_dict()}, indent=2, ensure_ascii=False))
    else:
        print(confusion.to_text())
        if unseen is not None:
            print(unseen.to_text())
        print(f"accuracy {100 * confusion.accuracy:.2f} % of {confusion.total} clips ({args.split})")
    return 0


def _rule(args: argparse.Namespace, **unseen: Any) -> SplitRule:
    from kws.data.splits import HashedSplit, ListedSplit

    if args.lists:
        return ListedSplit(**unseen)
    return HashedSplit(args.validation_percentage, args.testing_percentage, **unseen)


def _open_unseen(args: argparse.Namespace, model: Model, root: Path) -> UnseenSet | None:
    from kws.data.scenario import open_unseen
    from kws.errors import KwsError

    if args.unseen_words is None:
        return None
    if args.split == "training":
        raise KwsError("--unseen-words: these are measured on clips of the testing or validation set or on all; change --split")
    words = [word.strip() for word in args.unseen_words.split(",") if word.strip()]
    # Only which clips measure them: what is evaluated besides is the set as it is.
    rule = _rule(args, unseen_words=words, unseen_from=args.split)
    spec = model.spec
    return open_unseen(root, model.labels, rule, rate_hz=spec.rate_hz, clip_samples=spec.samples, cache_dir=args.cache_dir)
