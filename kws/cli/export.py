"""`kws export`: a checkpoint to a file that runs anywhere."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from kws.errors import KwsError

if TYPE_CHECKING:
    from kws.export.exporter import ExportData
    from kws.inference.checkpoint import WaveformModel

EPILOG = """\
formats:
  onnx         for ONNX Runtime: Python without torch, C++, Java, JavaScript, a Raspberry Pi
  onnx-int8    the same with its network in 8-bit whole numbers; needs --data
  torchscript  for C++ and Python with torch 2.1 or newer
  mobile       for PyTorch Mobile on Android and iOS (.ptl)
  executorch   for ExecuTorch, PyTorch Mobile's successor (needs pip install 'kws[executorch]')

Each file takes sound, float in [-1, 1], (batch, samples), and gives probabilities, (batch, labels); the front end,
labels and settings are inside. It is compared with the checkpoint on hard signals, and on the clips of --data: if any
probability differs by more than 1e-4 (onnx-int8: if it loses over 0.5 points of accuracy) it is not kept, and the exit
status is 1. The report lies beside the file.

With --streaming the file (NAME.stream.onnx, .pt or .ptl) takes new samples of continuous sound and what it kept of those
before, and gives the scores of every window that ends in them; how to drive it is in its metadata, under "streaming". Some
clips of --data, joined to a stream, are compared as well. onnx-int8 and executorch have no streaming form.

With --android the files (mobile, onnx or both) also go into the assets of the Android app, labels and settings with them.

examples:
  kws export outputs/low_latency_conv/…/checkpoints/best.ckpt
  kws export best.ckpt --to onnx,mobile --out models --data data/speech_commands_v0.02
  kws export best.ckpt --streaming --stride-ms 30
  kws export best.ckpt --to mobile --android mobile/android
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `kws export` and its arguments."""
    parser = subparsers.add_parser(
        "export",
        help="write a model as ONNX, TorchScript or for phones",
        description="Write a checkpoint as a file that other programs run, and prove that it gives the same answers.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("checkpoint", type=Path, metavar="CKPT", help="a checkpoint that train.py wrote")
    add("--to", metavar="A,B", default="onnx", help="formats, with commas between (default: %(default)s)")
    add("--out", type=Path, metavar="DIR", help="where to (default: the checkpoint's folder)")
    add("--name", metavar="NAME", help="of the files, less the ending (default: the checkpoint's)")
    add("--streaming", action="store_true", help="for continuous sound: only what is new is computed")
    add(
        "--stride-ms",
        type=float,
        metavar="MS",
        help="with --streaming: from window to window (default: whole hops, near 30)",
    )
    add("--data", type=Path, metavar="DATA", help="a data folder: its testing split for the comparison, training to calibrate")
    add("--lists", action="store_true", help="split DATA by validation_list.txt and testing_list.txt, not by hash")
    add("--android", type=Path, metavar="APP", help="put the model into the Android app in this folder: mobile/android")
    add("--seed", type=int, default=59185, help="of the choice of unknown and silence clips (default: %(default)s)")
    add("--cache-dir", type=Path, metavar="DIR", help="where the packed corpus is kept (default: in DATA)")
    add("--json", action="store_true", help="print the reports as JSON, one a line")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    from kws.export.android import check_android, put_into_app
    from kws.export.exporter import export
    from kws.export.formats import find_formats
    from kws.export.stream_exporter import export_streaming
    from kws.inference.checkpoint import load_checkpoint
    from kws.inference.checkpoint_stream import default_stride_ms

    check_streaming(args)
    formats = find_formats([name.strip() for name in args.to.split(",") if name.strip()])
    if args.android is not None:
        check_android(args.android, [form.name for form in formats])
    model = load_checkpoint(args.checkpoint)
    data = None if args.data is None else open_data(args, model)
    folder, stem = args.out or args.checkpoint.parent, args.name or args.checkpoint.stem
    passed, files = True, {}
    for form in formats:
        if args.streaming:
            stride_ms = default_stride_ms(model.spec.hop_ms) if args.stride_ms is None else args.stride_ms
            report = export_streaming(model, form.name, folder, stem, stride_ms, data)
        else:
            report = export(model, form, folder, stem, data)
        print(json.dumps(report.to_dict(), ensure_ascii=False) if args.json else report.to_text(), flush=True)
        if report.passed and not args.json:
            print(f"  {folder / report.file}")
        passed, files[form.name] = passed and report.passed, folder / report.file
    if passed and args.android is not None:
        placed = put_into_app(args.android, files, model.metadata, stem)
        if not args.json:
            print("".join(f"  {path}\n" for path in placed), end="")
    return 0 if passed else 1


def check_streaming(args: argparse.Namespace) -> None:
    """Refuse arguments that would have no effect.

    Raises:
        KwsError: there are some.
    """
    if args.stride_ms is not None and not args.streaming:
        raise KwsError(f"--stride-ms {args.stride_ms:g}: has no effect without --streaming; give both")
    if args.android is not None and args.streaming:
        raise KwsError("--android: the app takes models of whole clips; leave --streaming out")


def open_data(args: argparse.Namespace, model: WaveformModel) -> ExportData:
    """Open the clips of --data: the testing split, and some of the training split."""
    from functools import partial

    from kws.cli.set_arguments import default_rule
    from kws.data.background import load_background
    from kws.data.sets.split_set import open_split
    from kws.data.sources.folder import Folder
    from kws.export.exporter import ExportData, calibration_clips

    root = Folder(args.data).prepare()
    spec = model.spec
    # Without recordings of noise there are no silence clips.
    silence = 10.0 if load_background(root, spec.sample_rate, spec.samples) is not None else 0.0
    split = partial(
        open_split, root, model.labels, rule=default_rule(args.lists), sample_rate=spec.sample_rate, clip_samples=spec.samples,
        unknown_percentage=10.0, silence_percentage=silence, seed=args.seed, cache_dir=args.cache_dir, fit=spec.fit,
    )  # fmt: skip
    return ExportData(split("testing"), calibration_clips(split("training")))
