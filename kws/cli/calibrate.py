"""`kws calibrate`: probabilities that mean what they say."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from kws.cli.set_arguments import add_set_arguments, open_set, score_set
from kws.files.table import text_table

if TYPE_CHECKING:
    from kws.evaluation.calibration import Fit

EPILOG = """\
train.py does this by itself (calibrate=true). A model that was exported holds its temperature inside its graph: export
the checkpoint again afterwards. Labels and accuracy stay as they are, but scores move; the decoder's thresholds in CKPT
are moved with them, so that it finds about what it found before.

Fewer than 300 clips, or fewer than 5 of a label, are too few for a fit; and a fit that is no better than what CKPT has, on
parts of the clips held out from it, is not kept. Then nothing is written, and the exit status is 1.

example:
  kws calibrate outputs/low_latency_conv/…/checkpoints/best.ckpt data/speech_commands_v0.02
  kws calibrate best.ckpt recordings/ --dry-run --reliability reliability.png
  kws calibrate best.ckpt --temperature 1
"""
WRITTEN = "has the new temperature, and its decoder's thresholds for it; export it again"


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `kws calibrate` and its arguments."""
    parser = subparsers.add_parser(
        "calibrate",
        help="fit a checkpoint's temperature, so that its scores can be believed",
        description="Fit what a checkpoint's logits are divided by, its temperature, to clips that it was not trained on,\n"
        "write it into CKPT, and judge it by the testing split: ECE (how far confidence is from accuracy) and log-likelihood.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("model", type=Path, metavar="CKPT", help="a checkpoint that train.py wrote")
    add("data", type=Path, metavar="DATA", nargs="?", help="a folder with one folder a word")
    add_set_arguments(parser, "validation", "clips that the temperature is fitted to")
    add("--temperature", type=float, metavar="T", help="write this one in place of a fit, without DATA; 1 undoes a fit")
    add("--reliability", type=Path, metavar="OUT.png", help="also draw accuracy over confidence, before and after")
    add("--dry-run", action="store_true", help="leave CKPT as it is")
    add("--json", action="store_true", help="print JSON instead of the table")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    from kws.errors import KwsError
    from kws.evaluation.calibration import assess, choose_temperature, log_scores
    from kws.inference.checkpoint import load_checkpoint
    from kws.inference.metadata_update import check_can_calibrate, write_temperature

    check_can_calibrate(args.model)
    if (args.data is None) == (args.temperature is None):
        raise KwsError("calibrate: give either DATA to fit a temperature to, or --temperature")
    if args.data is None:
        return set_temperature(args)
    model = load_checkpoint(args.model)
    old, model.temperature = model.temperature, 1.0
    judged = "testing"
    fitted, held_out = (score_set(model, open_set(args, model, split)) for split in (args.split, judged))
    choice = choose_temperature(log_scores(fitted.scores), fitted.truths, model.labels.names, old)
    fit = assess(log_scores(held_out.scores), held_out.truths, choice.temperature, choice.outcome)
    if args.reliability is not None:
        from kws.plots.figure import save_figure
        from kws.plots.reliability import reliability_figure

        curves = {"temperature 1": fit.before, f"temperature {fit.temperature:.2f}": fit.after}
        save_figure(reliability_figure(curves, f"{args.model.name} on {args.data.name} ({judged})"), args.reliability)
    if write := choice.fitted and not args.dry_run:
        write_temperature(args.model, choice.temperature)
    status = 0 if choice.fitted else 1
    if args.json:
        facts = {"model": str(args.model), "written": write, "temperature_found": old}
        facts |= {"fitted_to": args.split, "fitted_clips": len(fitted.truths), "judged_by": judged, "clips": len(held_out.truths)}
        print(json.dumps({**facts, **fit.to_dict()}, indent=2, ensure_ascii=False))
        return status
    print(to_text(fit, old, args.split, f"{judged} ({len(held_out.truths)} clips)"))
    if args.split in (judged, "all"):
        print(f"fitted to clips that it is judged by ({args.split}): what it says of itself is too good")
    print(f"{args.model}: {WRITTEN if write else 'stays as it was'}")
    return status


def set_temperature(args: argparse.Namespace) -> int:
    """Write the given temperature; return the exit status."""
    from kws.inference.metadata_update import write_temperature

    if not args.dry_run:
        write_temperature(args.model, args.temperature)
    if args.json:
        print(json.dumps({"model": str(args.model), "written": not args.dry_run, "temperature": args.temperature}, indent=2))
    else:
        print(f"{args.model}: {'stays as it was' if args.dry_run else WRITTEN}")
    return 0


def to_text(fit: Fit, found: float, split: str, judged: str) -> str:
    """Format the temperature, its source, and ECE and log-likelihood without and with it."""
    head = f"temperature {fit.temperature:.3f} (the checkpoint had {found:.3f}); {split}: {fit.outcome}"
    rows = [
        ("ECE (%)", f"{100 * fit.before.ece:.2f}", f"{100 * fit.after.ece:.2f}"),
        ("log-likelihood, negative", f"{fit.nll_before:.4f}", f"{fit.nll_after:.4f}"),
    ]
    return f"{head}\n{text_table((judged, 'temperature 1', f'{fit.temperature:.3f}'), rows)}"
