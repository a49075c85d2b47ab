"""Run `.ptl` and `.pt` files in the torch at hand, and compare their answers with those kept beside them.

    python compare.py FOLDER

Needs torch (1.13 or newer, such as 2.1.0, the last that PyTorch Mobile's Android libraries were made of) and NumPy.
Prints a table and exits with status 1 where an answer differs by more than 1e-5, or labels are not the same.
"""

import json
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np
import torch
from torch.jit.mobile import _load_for_lite_interpreter

LIMIT = 1e-5


def bytecode_version(path):
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith("/bytecode.pkl")]
    return str(torch._C._get_model_bytecode_version(str(path))) if names else "-"


def metadata(path):
    with zipfile.ZipFile(path) as archive:
        name = next(name for name in archive.namelist() if name.endswith("/extra/kws"))
        return json.loads(archive.read(name))


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    print(f"torch {torch.__version__}, NumPy {np.__version__}")
    print(f"{'model':34}{'bytecode':>9}{'sounds':>8}  {'worst sound':20}{'difference':>11}{'same label':>14}")
    good = True
    for path in sorted([*folder.glob("*.ptl"), *folder.glob("*.pt")]):
        kept = np.load(str(path.with_suffix(".npz")))
        load = _load_for_lite_interpreter if path.suffix == ".ptl" else torch.jit.load
        module = load(str(path))
        with torch.no_grad():
            found = module(torch.from_numpy(kept["clips"])).numpy()
        difference = np.abs(found - kept["probabilities"]).max(axis=1)
        agreement = np.mean(found.argmax(axis=1) == kept["probabilities"].argmax(axis=1))
        fits = bool(np.all(difference <= LIMIT)) and metadata(path)["labels"] == list(kept["labels"])
        good = good and fits
        worst = str(kept["kinds"][difference.argmax()])
        print(
            f"{path.name:34}{bytecode_version(path):>9}{len(found):8d}  {worst:20}{difference.max():11.1e}"
            f"{100 * agreement:12.1f} %{'' if fits else '  FAILED'}"
        )
    print(f"{'all' if good else 'NOT all'} within {LIMIT:g}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
