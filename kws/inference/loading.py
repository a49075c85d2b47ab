"""Loading a model, whatever kind of file it is in."""

from __future__ import annotations

from pathlib import Path

from kws.errors import InputError, KwsError, missing_package
from kws.inference.model import ExportedModel, Model
from kws.inference.stream_model import StreamModel, whole_or_streaming
from kws.streaming.scorer import StreamScorer, WindowScorer, fits_stride

# What each ending is.
SUFFIXES = {
    ".ckpt": "a checkpoint of train.py",
    ".onnx": "ONNX",
    ".pt": "TorchScript",
    ".ptl": "PyTorch Mobile",
    ".pte": "ExecuTorch",
}
_MOST_THREADS = 1024


def load(path: str | Path, threads: int | None = None) -> Model:
    """Load a checkpoint or an exported model, ready to score; its ending says what it is.

    An `.onnx` file needs neither torch nor the training packages. A streaming artefact scores whole clips too, by streaming
    each from its first sample to its last; `open_scorer` drives it over a stream.

    Args:
        path: a `.ckpt`, `.onnx`, `.pt`, `.ptl` or `.pte` file.
        threads: CPU threads of ONNX Runtime or ExecuTorch; None: one for each core. The others take what torch is set to.

    Raises:
        KwsError: the file is missing, broken, of another version, or not one of kws; what runs it is not installed; or a
            number of threads that is none.
    """
    path = Path(path)
    if threads is not None and not 1 <= threads <= _MOST_THREADS:
        raise InputError(f"threads: {threads} given; 1 to {_MOST_THREADS} is expected")
    if path.suffix not in SUFFIXES:
        known = ", ".join(f"{suffix} ({kind})" for suffix, kind in SUFFIXES.items())
        raise KwsError(f"{path}: its ending says no kind of model; {known} can be loaded")
    if not path.is_file():
        raise KwsError(f"{path}: no such file; give a checkpoint that train.py wrote, or a model that `kws export` wrote")
    if path.suffix == ".onnx":
        from kws.inference.onnx import OnnxModel

        return whole_or_streaming(OnnxModel(path, threads))
    try:
        return _load_with_torch(path, threads)
    except ModuleNotFoundError as error:
        if (needed := missing_package(error)) is None:
            raise
        raise KwsError(f"{path}: {needed}") from error


def open_scorer(model: Model, stride_ms: float | None = None) -> StreamScorer:
    """A scorer of continuous sound for any loaded model, computing only what is new where the model can.

    Args:
        model: a streaming artefact or a checkpoint, of which only new frames are computed; anything else scores whole windows,
            as does a checkpoint whose front end or hop does not suit.
        stride_ms: from window to window; None: a streaming artefact's own, or else the decoder settings'.

    Raises:
        KwsError: no stride for this model.
    """
    if isinstance(model, StreamModel):
        scorer = model.scorer()
        if stride_ms is not None and not fits_stride(stride_ms, scorer):
            own_ms = 1000 * scorer.stride_samples / model.spec.sample_rate
            raise KwsError(
                f"{model.path}: was exported for a stride of {own_ms:g} ms, {stride_ms:g} ms asked;"
                " leave --stride-ms out, or export the checkpoint with another one"
            )
        return scorer
    stride_ms = model.metadata.decoder.stride_ms if stride_ms is None else stride_ms
    if not isinstance(model, ExportedModel):
        from kws.inference.checkpoint import WaveformModel
        from kws.inference.checkpoint_stream import checkpoint_scorer, streamable

        if isinstance(model, WaveformModel) and streamable(model, stride_ms):
            return checkpoint_scorer(model, stride_ms)
    return WindowScorer(model, stride_ms)


def _load_with_torch(path: Path, threads: int | None) -> Model:
    if path.suffix == ".ckpt":
        from kws.inference.checkpoint import load_checkpoint

        return load_checkpoint(path)
    if path.suffix == ".pte":
        from kws.inference.executorch import ExecuTorchModel

        return ExecuTorchModel(path, threads)
    from kws.inference.torchscript import LiteModel, TorchScriptModel

    return whole_or_streaming(LiteModel(path) if path.suffix == ".ptl" else TorchScriptModel(path))
