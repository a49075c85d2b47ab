"""Copying a model into the assets of the Android app: one manifest, and the files that it names."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from kws.errors import KwsError
from kws.files.atomic import atomic_write
from kws.files.json_file import write_json
from kws.inference.metadata import Metadata

# Relative to the folder of the app's project.
ASSETS = Path("app/src/main/assets/kws")
MANIFEST = "model.json"
# Incremented when an older app would misread the manifest.
MANIFEST_FORMAT = 1
# The app's engine for each format of `kws export`.
ENGINES = {"mobile": "pytorch", "onnx": "onnxruntime", "onnx-int8": "onnxruntime"}


def check_android(project: Path, formats: Sequence[str]) -> None:
    """Check before any work that the app can take these formats.

    Args:
        project: folder of the app, such as mobile/android.
        formats: names, as in `--to`.

    Raises:
        KwsError: the folder is not the app's, or it has no engine for a format, or one engine would get two files.
    """
    if not (project / "app/src/main/AndroidManifest.xml").is_file():
        raise KwsError(f"--android: {project} holds no app/src/main/AndroidManifest.xml; give the app's folder, mobile/android")
    for name in formats:
        if name not in ENGINES:
            raise KwsError(f"--android: the app has no engine for {name}; give --to mobile, --to onnx, or both")
    engines = [ENGINES[name] for name in formats]
    if len(set(engines)) < len(engines):
        raise KwsError(f"--android: {' and '.join(formats)} are for one and the same engine; give one of them")


def put_into_app(project: Path, files: dict[str, Path], metadata: Metadata, name: str) -> list[Path]:
    """Replace the model in the app.

    Files are written under names that carry their SHA-256, then the manifest is renamed into place, then what it does
    not name is removed: whenever this is cut off, the manifest names whole files of one model.

    Args:
        project: folder of the app.
        files: the exported files, by format.
        metadata: what they carry.
        name: of the model, shown by the app.

    Returns:
        The files in the assets, the manifest last.

    Raises:
        KwsError: the assets can't be written.
    """
    folder = project / ASSETS
    try:
        folder.mkdir(parents=True, exist_ok=True)
        entries = {ENGINES[form]: _put(folder, path) for form, path in files.items()}
        content = {"manifest": MANIFEST_FORMAT, "name": name, "engines": entries, "kws": json.loads(metadata.to_json())}
        write_json(folder / MANIFEST, content)
        kept = [folder / str(entry["file"]) for entry in entries.values()] + [folder / MANIFEST]
        for path in folder.iterdir():
            if path not in kept:
                path.unlink()
    except OSError as error:
        raise KwsError(f"{folder}: can't be written ({error.strerror or error}); --android needs the app's folder") from error
    return kept


def _put(folder: Path, path: Path) -> dict[str, str | int]:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    name = f"model-{digest[:12]}{path.suffix}"
    with atomic_write(folder / name) as temporary:
        shutil.copyfile(path, temporary)
    return {"file": name, "sha256": digest, "bytes": path.stat().st_size}
