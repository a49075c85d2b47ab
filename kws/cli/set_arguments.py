"""The set of clips that a command scores: its arguments, and how it is opened."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kws.data.sets.clip_set import ClipSet
    from kws.data.splits import SplitRule
    from kws.evaluation.predictions import Predictions
    from kws.inference.model import Model


def add_set_arguments(parser: argparse.ArgumentParser, split: str, what: str = "clips scored") -> None:
    """Add the arguments; the split is the default one, and `what` its clips are."""
    add = parser.add_argument
    splits = ("testing", "validation", "training", "all")
    add("--split", choices=splits, default=split, help=f"{what} (default: %(default)s)")
    add("--lists", action="store_true", help="split by validation_list.txt and testing_list.txt, not by hash")
    add("--validation-percentage", type=float, default=10, metavar="P", help="of the hashed split (default: 10)")
    add("--testing-percentage", type=float, default=10, metavar="P", help="of the hashed split (default: 10)")
    add("--unknown-percentage", type=float, default=10, metavar="P", help="unknown clips per wanted (default: 10)")
    add("--silence-percentage", type=float, default=10, metavar="P", help="silence clips per wanted (default: 10)")
    add("--seed", type=int, default=59185, help="of the choice of unknown and silence clips (default: %(default)s)")
    add("--cache-dir", type=Path, metavar="DIR", help="where the packed corpus is kept (default: in DATA)")


def open_set(args: argparse.Namespace, model: Model, split: str, partial: bool = False) -> ClipSet:
    """Open the clips of a split; of an official test set, all clips unchanged.

    `partial`: some of the model's words may have no clips, if one has.

    Raises:
        KwsError: the data are missing or broken.
    """
    from kws.data.sets.split_set import open_split
    from kws.data.sets.test_set import is_test_set, open_test_set
    from kws.data.sources.folder import Folder
    from kws.errors import KwsError

    if is_test_set(args.data):
        if args.lists or split != "testing":
            raise KwsError(
                f"{args.data}: is a test set, with folders of silence and unknown clips, and has no splits to choose from"
            )
        return open_test_set(
            args.data, model.labels, model.spec.sample_rate, model.spec.samples, cache_dir=args.cache_dir, fit=model.spec.fit
        )
    return open_split(
        Folder(args.data).prepare(),
        model.labels,
        split,
        split_rule(args),
        sample_rate=model.spec.sample_rate,
        clip_samples=model.spec.samples,
        unknown_percentage=args.unknown_percentage,
        silence_percentage=args.silence_percentage,
        seed=args.seed,
        cache_dir=args.cache_dir,
        fit=model.spec.fit,
        partial=partial,
    )


def default_rule(lists: bool) -> SplitRule:
    """Return the split of a command without percentages: by the lists of the data, or hashed."""
    from kws.data.splits import HashedSplit, ListedSplit

    return ListedSplit() if lists else HashedSplit()


def split_rule(args: argparse.Namespace, **unseen: Any) -> SplitRule:
    """Return the split that the arguments ask for; `unseen`: see `kws.data.splits.UnseenWords`."""
    from kws.data.splits import HashedSplit, ListedSplit

    if args.lists:
        return ListedSplit(**unseen)
    return HashedSplit(args.validation_percentage, args.testing_percentage, **unseen)


def score_set(model: Model, clips: ClipSet) -> Predictions:
    """Score the clips with a progress bar; return the predictions."""
    from tqdm import tqdm

    from kws.evaluation.predictions import predict_dataset

    with tqdm(total=len(clips), desc="scoring", unit="clip", mininterval=0.5, leave=False) as bar:
        return predict_dataset(model.score, clips, model.labels.names, done=bar.update)
