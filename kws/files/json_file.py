"""JSON files, written whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kws.files.atomic import atomic_write


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    r"""Write JSON, whole; what is no UTF-8 in the name of a file becomes JSON's `\udcff`."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
