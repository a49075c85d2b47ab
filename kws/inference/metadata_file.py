"""An ONNX file's metadata once more, as JSON beside it: for runtimes that don't give a file's own to the program (JavaScript)."""

from __future__ import annotations

import json
from pathlib import Path

from kws.files.json_file import write_json
from kws.inference.metadata import Metadata


def description_of(path: Path) -> Path:
    """Where it is: `best.onnx.json` of `best.onnx`, so that no file of another format or purpose has the same name."""
    return path.with_name(f"{path.name}.json")


def write_description(path: Path, metadata: Metadata) -> None:
    """Write it for the model at `path`, whole.

    Raises:
        OSError: it can't be written.
    """
    write_json(description_of(path), json.loads(metadata.to_json()))
