"""The original's short recipe in TensorFlow's own operators: what accuracy it gives, and how far that varies by seed.

    # in an environment of its own
    pip install tensorflow-cpu soundfile
    python benchmarks/tensorflow_recipe.py FOLDER SEED [--steps 2000 500]

low_latency_conv on 8 words, batch 100 drawn with repetition, unknown words drawn once, Nesterov momentum, 2,000 steps at
0.002 and 500 at 0.0002, tested with the last weights. Splits, draws and augmentation are written after the original's
input_data.py, spectrogram, MFCC, network and optimiser are TensorFlow's. Nothing of kws is used. The same in kws:

    python train.py data=folder data.source.root=FOLDER 'words=[yes,no,up,down,left,right,stop,go]' split=listed \\
        optim=nesterov optim.lr=0.002 schedule.steps=[2000,500] test_weights=last seed=SEED
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of Speech Commands")
    parser.add_argument("seed", type=int)
    parser.add_argument("--steps", type=int, nargs=2, default=[2000, 500], help="at 0.002, and at 0.0002")
    args = parser.parse_args()
    missing = [name for name in ("tensorflow", "soundfile") if importlib.util.find_spec(name) is None]
    if missing:
        raise SystemExit(
            f"{sys.executable} has no {' and no '.join(missing)}. In an environment of its own:\n"
            "    python3 -m venv .venv-tensorflow\n"
            "    .venv-tensorflow/bin/pip install tensorflow-cpu soundfile\n"
            "and run this again with .venv-tensorflow/bin/python"
        )
    if not any(args.folder.glob("*/*.wav")):
        raise SystemExit(f"{args.folder}: no <word>/*.wav there; expected the folder of Speech Commands")
    from original.recipe import run

    print(f"seed {args.seed}: test accuracy {run(args.folder, args.seed, args.steps):.2f} %")


if __name__ == "__main__":
    main()
