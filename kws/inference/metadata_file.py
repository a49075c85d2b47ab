"""An ONNX file's metadata as JSON beside it, for runtimes that don't expose it (JavaScript)."""

from __future__ import annotations

import json
from pathlib import Path

from kws.files.json_file import write_json
from kws.inference.metadata import Metadata


def description_of(path: Path) -> Path:
    """Return the description's path, such as `best.onnx.json` of `best.onnx`.

    No file of another format or purpose has that name.
    """
    return path.with_name(f"{path.name}.json")


def write_description(path: Path, metadata: Metadata) -> None:
    """Write the description of the model at `path` atomically.

    Raises:
        OSError: it can't be written.
    """
    write_json(description_of(path), json.loads(metadata.to_json()))
