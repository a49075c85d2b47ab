"""New decoder settings, or a new temperature, for a model that is already written; all else in its file stays."""

from __future__ import annotations

import importlib.util
import io
import os
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kws.errors import KwsError, missing_package
from kws.files.atomic import atomic_write
from kws.inference.metadata import METADATA_KEY, Metadata, checked_temperature
from kws.inference.metadata_file import description_of, write_description
from kws.streaming.at_temperature import at_temperature
from kws.streaming.decoder import CommandDecoder
from kws.streaming.decoder_settings import DecoderSettings

# torch memory-maps tensors from the file, each aligned to this many bytes; the padding is an extra field of this name.
_ALIGNMENT, _PADDING = 64, b"FB"


def write_decoder(path: Path, settings: DecoderSettings) -> None:
    """Put decoder settings into a model's file, written whole: a checkpoint, or an exported `.onnx`, `.pt` or `.ptl`.

    The JSON description beside an `.onnx` file is updated too, if there is one.

    Args:
        path: the file.
        settings: the new ones.

    Raises:
        KwsError: no such model, an `.pte` file (its program is sealed), settings for words that the model does not
            know, a package that is missing, or a file that can't be written.
    """
    check_writable(path)
    _replace(path, _WRITERS[path.suffix](path, settings))
    if path.suffix == ".onnx":
        _describe(path)


def write_temperature(path: Path, temperature: float) -> None:
    """Write a temperature into a checkpoint, and adapt its thresholds to keep the same detections.

    The file is replaced atomically. Its other contents stay, and training can resume from it.

    Args:
        path: the checkpoint.
        temperature: see kws.evaluation.calibration.

    Raises:
        KwsError: as for `check_can_calibrate`, no number above 0, or a file that can't be read or written.
    """
    check_can_calibrate(path)
    new = checked_temperature(temperature, str(path))

    def change(entry: Mapping[str, Any], labels: tuple[str, ...]) -> dict[str, Any]:
        old = checked_temperature(entry.get("temperature", 1.0), str(path))
        settings = at_temperature(DecoderSettings.from_dict(entry.get("decoder", {})), old, new, len(labels))
        return {"temperature": new, "decoder": settings.to_dict()}

    _replace(path, _checkpoint_with(path, change))


def check_can_calibrate(path: Path) -> None:
    """Refuse a file that holds its temperature inside its graph.

    Raises:
        KwsError: an exported model, or no such file.
    """
    if path.suffix != ".ckpt":
        raise KwsError(
            f"{path}: is not a checkpoint (.ckpt); an exported model holds its temperature inside its graph:"
            " calibrate the checkpoint, then export it again"
        )
    if not path.is_file():
        raise KwsError(f"{path}: no such file; give a checkpoint that train.py wrote")


def check_writable(path: Path) -> None:
    """Refuse a file that settings can't be written to, by its name and the installed packages.

    Raises:
        KwsError: as for `write_decoder`.
    """
    if path.suffix == ".pte":
        raise KwsError(
            f"{path}: its settings can't be changed, for they are part of the program; tune the checkpoint, then export"
        )
    if path.suffix not in _WRITERS:
        raise KwsError(f"{path}: its ending says no kind of model that settings can be written to; {', '.join(_WRITERS)} can")
    if not path.is_file():
        raise KwsError(f"{path}: no such file; give a checkpoint that train.py wrote, or a model that `kws export` wrote")
    if path.suffix == ".onnx" and importlib.util.find_spec("onnx") is None:
        raise KwsError(f"{path}: writing settings into it needs the package onnx; install it with: pip install onnx")


def _with_onnx(path: Path, settings: DecoderSettings) -> bytes:
    import onnx

    try:
        # Weights in external files, if any, stay there.
        model = onnx.load(os.fspath(path), load_external_data=False)
    except Exception as error:  # a damaged file raises anything
        raise KwsError(f"{path}: can't be read as an ONNX model ({error}); it is cut off, or another kind of file") from error
    found = [entry for entry in model.metadata_props if entry.key == METADATA_KEY]
    text = _changed(found[0].value if found else "", settings, path)
    found[0].value = text
    content: bytes = model.SerializeToString()
    return content


def _describe(path: Path) -> None:
    """Update the description beside an ONNX file, if there is one; for a link, beside its target."""
    from kws.inference.onnx import open_session

    path = path.resolve()
    beside = description_of(path)
    if not beside.is_file():
        return
    text = open_session(path, 1).get_modelmeta().custom_metadata_map[METADATA_KEY]
    try:
        write_description(path, Metadata.from_json(text, str(path)))
    except OSError as error:
        raise KwsError(
            f"{beside}: can't be written ({error.strerror or error}); {path.name} has the new settings, this has the old ones"
        ) from error


def _with_torchscript(path: Path, settings: DecoderSettings) -> bytes:
    buffer = io.BytesIO()
    written = False
    try:
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(buffer, "w") as new:
            for entry in old.infolist():
                content = old.read(entry)
                if not written and entry.filename.endswith(f"/extra/{METADATA_KEY}"):
                    content, written = _changed(content, settings, path).encode(), True
                new.writestr(_aligned(entry, buffer.tell()), content)
    except (OSError, zipfile.BadZipFile, zlib.error) as error:
        raise KwsError(f"{path}: is no TorchScript model, or a cut-off one ({error}); export it again") from error
    if not written:
        _changed("", settings, path)
    return buffer.getvalue()


def _aligned(entry: zipfile.ZipInfo, offset: int) -> zipfile.ZipInfo:
    """Return an entry's header at this offset, padded so that the content starts at a multiple of 64."""
    aligned = zipfile.ZipInfo(entry.filename)
    aligned.compress_type = entry.compress_type
    # The local header is 30 bytes and the name; the padding's own header is 4.
    padding = -(offset + 30 + len(entry.filename.encode()) + 4) % _ALIGNMENT
    aligned.extra = _PADDING + padding.to_bytes(2, "little") + b"Z" * padding
    return aligned


def _with_checkpoint(path: Path, settings: DecoderSettings) -> bytes:
    def change(entry: Mapping[str, Any], labels: tuple[str, ...]) -> dict[str, Any]:
        CommandDecoder(labels, settings)
        return {"decoder": settings.to_dict()}

    return _checkpoint_with(path, change)


def _checkpoint_with(path: Path, change: Callable[[Mapping[str, Any], tuple[str, ...]], dict[str, Any]]) -> bytes:
    """Return a checkpoint whose kws entry has other values, computed from it and the labels' names."""
    try:
        import torch

        from kws.inference.checkpoint import read_checkpoint
        from kws.inference.metadata import CHECKPOINT_KEY
        from kws.models.config import ModelConfig
    except ModuleNotFoundError as error:
        if (needed := missing_package(error)) is None:
            raise
        raise KwsError(f"{path}: {needed}") from error
    checkpoint = read_checkpoint(path)
    entry: dict[str, Any] = checkpoint[CHECKPOINT_KEY]
    try:
        labels = ModelConfig.from_dict(entry).labels
    except (KeyError, TypeError, AttributeError) as error:
        raise KwsError(f"{path}: its entries are not those that train.py writes ({error!r}); give another checkpoint") from error
    changed = {**entry, **change(entry, labels.names)}
    buffer = io.BytesIO()
    torch.save({**checkpoint, CHECKPOINT_KEY: changed}, buffer)
    return buffer.getvalue()


def _changed(text: str | bytes, settings: DecoderSettings, path: Path) -> str:
    """Return metadata with other settings that fit its labels."""
    metadata = Metadata.from_json(text, str(path))
    CommandDecoder(metadata.labels.names, settings)
    return metadata.with_decoder(settings).to_json()


def _replace(path: Path, content: bytes) -> None:
    try:
        with atomic_write(path) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        raise KwsError(f"{path}: can't be written ({error.strerror or error})") from error


_WRITERS = {".onnx": _with_onnx, ".pt": _with_torchscript, ".ptl": _with_torchscript, ".ckpt": _with_checkpoint}
