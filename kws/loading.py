"""Loading a model, whatever kind of file it is in."""

from __future__ import annotations

from pathlib import Path

from kws.artefacts.model import Model
from kws.errors import KwsError

# What each ending is.
SUFFIXES = {
    ".ckpt": "a checkpoint of train.py",
    ".onnx": "ONNX",
    ".pt": "TorchScript",
    ".ptl": "PyTorch Mobile",
    ".pte": "ExecuTorch",
}


def load(path: str | Path, threads: int | None = None) -> Model:
    """Load a checkpoint or an exported model, ready to score; its ending says what it is.

    An `.onnx` file needs neither torch nor the training packages.

    Args:
        path: a `.ckpt`, `.onnx`, `.pt`, `.ptl` or `.pte` file.
        threads: CPU threads of ONNX Runtime or ExecuTorch; None: one for each core. The others take what torch is set to.

    Raises:
        KwsError: the file is missing, broken, of another version, or not one of kws; or what runs it is not installed.
    """
    path = Path(path)
    if path.suffix not in SUFFIXES:
        known = ", ".join(f"{suffix} ({kind})" for suffix, kind in SUFFIXES.items())
        raise KwsError(f"{path}: its ending says no kind of model; {known} can be loaded")
    if not path.is_file():
        raise KwsError(f"{path}: no such file; give a checkpoint that train.py wrote, or a model that `kws export` wrote")
    if path.suffix == ".onnx":
        from kws.artefacts.onnx import OnnxModel

        return OnnxModel(path, threads)
    try:
        return _load_with_torch(path, threads)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("torch", "pytorch_lightning", "executorch"):
            raise
        extra = "executorch" if error.name == "executorch" else "train"
        raise KwsError(f"{path}: needs {error.name}, which is not installed; pip install 'kws[{extra}]'") from error


def _load_with_torch(path: Path, threads: int | None) -> Model:
    if path.suffix == ".ckpt":
        from kws.checkpoint import load_checkpoint

        return load_checkpoint(path)
    if path.suffix == ".pte":
        from kws.artefacts.executorch import ExecuTorchModel

        return ExecuTorchModel(path, threads)
    from kws.artefacts.torchscript import LiteModel, TorchScriptModel

    return LiteModel(path) if path.suffix == ".ptl" else TorchScriptModel(path)
