"""`kws spectrogram`: what the network sees of a clip."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EPILOG = """example:
  kws spectrogram yes.wav yes.png
  kws spectrogram yes.wav yes.png --model model.ckpt
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `kws spectrogram` and its arguments."""
    parser = subparsers.add_parser(
        "spectrogram",
        help="draw a clip's waveform, spectrogram and features",
        description="Draw a clip: waveform, spectrogram and features, time from left to right.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("sound", type=Path, metavar="WAV", help="a sound file of any length")
    parser.add_argument("out", type=Path, metavar="OUT.png", help="the picture (.png, .svg or .pdf)")
    parser.add_argument("--values", type=Path, metavar="FILE", help="also write the features, (frames, bins), as .npy or .csv")
    parser.add_argument(
        "--features", default="mfcc", metavar="NAME", help="front end (default: %(default)s): mfcc_torchaudio, log_mel, average"
    )
    parser.add_argument("--model", type=Path, metavar="MODEL", help="take the front end of this model instead")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    import torch

    from kws.audio.framing import FeatureSpec
    from kws.audio.io import read_audio, to_float
    from kws.errors import KwsError
    from kws.frontend.front_end import FRONT_ENDS
    from kws.frontend.spectrum import Spectrum
    from kws.inference.loading import load
    from kws.models.config import ModelConfig
    from kws.plots.figure import save_figure
    from kws.plots.sound import sound_figure

    settings: Mapping[str, Any] = {"name": args.features}
    if args.model is not None:
        settings = FRONT_ENDS.by_name(load(args.model).metadata.features)
    sample_rate = int(settings.get("sample_rate", FeatureSpec().sample_rate))
    sound = read_audio(args.sound, sample_rate)
    try:
        front_end = ModelConfig(("word",), {**settings, "clip_ms": 1000 * len(sound) / sample_rate}, {}).build_front_end()
    except KwsError as error:
        raise KwsError(
            f"{args.sound}: {len(sound) / sample_rate:.3f} s can't be cut into frames ({error}); give a longer clip"
        ) from error
    spec = front_end.spec
    waveform = torch.from_numpy(to_float(sound))[None]
    with torch.no_grad():
        features = front_end(waveform)[0]
        power = Spectrum(spec, 0, spec.fft_size // 2)(waveform)[0]
    drawn = (waveform[0].numpy(), power.numpy(), features.numpy())
    save_figure(sound_figure(*drawn, sample_rate=spec.sample_rate, hop_ms=spec.hop_ms, title=args.sound.name), args.out)
    if args.values is not None:
        write_values(args.values, features.numpy())
    print(f"{args.out}: {len(sound) / spec.sample_rate:.2f} s, {front_end.frames} frames × {front_end.bins} bins")
    return 0


def write_values(path: Path, values: NDArray[np.float32]) -> None:
    """Write features to `.npy` or `.csv`, whole."""
    import numpy as np

    from kws.errors import KwsError
    from kws.files.atomic import atomic_write

    if path.suffix not in (".npy", ".csv"):
        raise KwsError(f"--values: {path} ends in {path.suffix or 'nothing'}; end it in .npy or .csv")
    try:
        with atomic_write(path) as temporary, temporary.open("wb") as file:
            if path.suffix == ".npy":
                np.save(file, values)
            else:
                np.savetxt(file, values, fmt="%.7g", delimiter=",")
    except OSError as error:
        raise KwsError(f"{path}: can't be written ({error.strerror})") from error
