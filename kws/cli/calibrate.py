"""`kws calibrate`: probabilities that mean what they say."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from kws.cli.clip_set import add_set_arguments, open_set, score_set

if TYPE_CHECKING:
    from kws.calibration import Fit

EPILOG = """\
train.py does this by itself (calibrate=true). A model that was exported holds its temperature inside its graph: export
the checkpoint again afterwards. Labels and accuracy stay as they are, but scores move, and with them what a threshold of
the streaming decoder means: tune again after it.

example:
  kws calibrate outputs/low_latency_conv/…/checkpoints/best.ckpt data/speech_commands_v0.02
  kws calibrate best.ckpt recordings/ --dry-run --reliability reliability.png
"""


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
    add("data", type=Path, metavar="DATA", help="a folder with one folder a word")
    add_set_arguments(parser, "validation", "clips that the temperature is fitted to")
    add("--reliability", type=Path, metavar="OUT.png", help="also draw accuracy over confidence, before and after")
    add("--dry-run", action="store_true", help="leave CKPT as it is")
    add("--json", action="store_true", help="print JSON instead of the table")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Do it; returns the exit status."""
    from kws.artefacts.rewrite import check_can_calibrate, write_temperature
    from kws.calibration import assess, fit_temperature, log_scores
    from kws.checkpoint import load_checkpoint
    from kws.streaming.settings import DecoderSettings

    check_can_calibrate(args.model)
    model = load_checkpoint(args.model)
    old, model.temperature = model.temperature, 1.0
    judged = "testing"
    fitted, held_out = (score_set(model, open_set(args, model, split)) for split in (args.split, judged))
    temperature = fit_temperature(log_scores(fitted.scores), fitted.truths)
    fit = assess(log_scores(held_out.scores), held_out.truths, temperature)
    if args.reliability is not None:
        from kws.plots import reliability_figure, save_figure

        curves = {"temperature 1": fit.before, f"temperature {temperature:.2f}": fit.after}
        save_figure(reliability_figure(curves, f"{args.model.name} on {args.data.name} ({judged})"), args.reliability)
    if not args.dry_run:
        write_temperature(args.model, temperature)
    if args.json:
        facts = {"model": str(args.model), "written": not args.dry_run, "temperature_found": old}
        facts |= {"fitted_to": args.split, "fitted_clips": len(fitted.truths), "judged_by": judged, "clips": len(held_out.truths)}
        print(json.dumps({**facts, **fit.to_dict()}, indent=2, ensure_ascii=False))
        return 0
    print(to_text(fit, old, f"{args.split} ({len(fitted.truths)} clips)", f"{judged} ({len(held_out.truths)} clips)"))
    if args.split in (judged, "all"):
        print(f"fitted to clips that it is judged by ({args.split}): what it says of itself is too good")
    print(f"{args.model}: {'stays as it was' if args.dry_run else 'has the new temperature; export it again'}")
    if not args.dry_run and model.decoder != DecoderSettings():
        print("its decoder was tuned to the scores of before: run kws tune again")
    return 0


def to_text(fit: Fit, found: float, fitted: str, judged: str) -> str:
    """The temperature, and ECE and log-likelihood without and with it."""
    return (
        f"temperature {fit.temperature:.3f} (the checkpoint had {found:.3f}), fitted to {fitted}\n"
        f"{judged:28}{'temperature 1':>16}{'fitted':>10}\n"
        f"{'ECE (%)':28}{100 * fit.before.ece:>16.2f}{100 * fit.after.ece:>10.2f}\n"
        f"{'log-likelihood, negative':28}{fit.nll_before:>16.4f}{fit.nll_after:>10.4f}"
    )
