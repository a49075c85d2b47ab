"""Record of a corpus of synthetic speech, and the files in its folder that are not part of it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from kws.data.listing import BACKGROUND_FOLDER
from kws.errors import KwsError
from kws.files.names import printable
from kws.synthesis.pool import NOISES

RECORD = "synthesis.json"
# Packed from the clips, and made again from them.
_CACHE = ".kws-cache"
_SHOWN = 3


@dataclass(frozen=True)
class Record:
    """Record of the files made, and of the settings.

    Attributes:
        settings: those it was made with.
        speakers: identifiers of who speaks.
        count: files of sound.
        names: their names `word/file`; None: an earlier version wrote the record, and did not list them.
    """

    settings: dict[str, Any]
    speakers: tuple[str, ...]
    count: int
    names: tuple[str, ...] | None

    @classmethod
    def read(cls, root: Path) -> Record | None:
        """Read the record of a folder; None if there is none.

        Raises:
            KwsError: the file is something else.
        """
        path = root / RECORD
        if not path.is_file():
            return None
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            names = None if content.get("names") is None else tuple(map(str, content["names"]))
            # Version 0.1.0 called the sample rate `rate_hz`.
            settings = {"sample_rate" if key == "rate_hz" else key: value for key, value in content["settings"].items()}
            return cls(settings, tuple(map(str, content["speakers"])), int(content["files"]), names)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise KwsError(f"{path}: is not a record that was written here; delete the folder, or name another") from error

    def write(self, root: Path) -> None:
        """Write the record into a folder."""
        content = {"settings": self.settings, "speakers": self.speakers, "files": self.count, "names": self.names}
        (root / RECORD).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    def is_whole(self, root: Path) -> bool:
        """Return whether all of its files are there."""
        found = sound_files(root)
        return len(found) >= self.count if self.names is None else set(self.names) <= set(found)

    @cached_property
    def _listed(self) -> frozenset[str]:
        return frozenset(self.names or ())

    def owns(self, name: str) -> bool:
        """Return whether a file, by its path within the folder, was made with the corpus."""
        if name == RECORD:
            return True
        if self.names is not None:
            return name in self._listed
        folder, _, file = name.rpartition("/")
        if folder == BACKGROUND_FOLDER:
            return file in {f"{noise}.wav" for noise in NOISES}
        words = {*self.settings.get("words", ()), *(self.settings.get("other_words") or ())}
        clip = re.fullmatch(r"(.+)_nohash_\d+\.wav", file)
        return folder in words and clip is not None and clip[1] in self.speakers


def sound_files(root: Path) -> tuple[str, ...]:
    """Names of the files in the word folders and in the noise folder, without hidden ones such as a cache's."""
    found = (path.relative_to(root) for path in root.glob("*/*"))
    return tuple(sorted(name.as_posix() for name in found if not any(part.startswith(".") for part in name.parts)))


def is_made(root: Path, settings: dict[str, Any]) -> bool:
    """Return whether a folder holds a corpus of these settings, whole.

    Raises:
        KwsError: its record is damaged.
    """
    record = Record.read(root)
    return record is not None and record.settings == settings and record.is_whole(root)


def refuse_strangers(root: Path, record: Record | None) -> None:
    """Refuse a folder that holds anything not made here: making it anew replaces the whole folder.

    Raises:
        KwsError: it does, by name; or there is no record, or no folder.
    """
    if not root.exists():
        return
    if not root.is_dir():
        raise KwsError(f"{root}: is a file; name a folder")
    if record is None:
        if any(root.iterdir()):
            raise KwsError(f"{root}: holds files that were not made here (there is no {RECORD}); name a new or an empty folder")
        return
    if strangers := sorted(_strangers(root, record)):
        shown = ", ".join(map(printable, strangers[:_SHOWN])) + (", …" if len(strangers) > _SHOWN else "")
        raise KwsError(
            f"{root}: settings changed or clips are missing, so all would be made anew; but it holds {len(strangers)} files or"
            f" folders that were not made here ({shown}). Nothing was changed: move them elsewhere, or name another folder"
        )


def _strangers(root: Path, record: Record) -> Iterator[str]:
    """List the paths that are not in the record, hidden entries and links too; for a whole folder only its own."""
    names = record.names or ()
    folders = {BACKGROUND_FOLDER, *(name.split("/", 1)[0] for name in names)}
    folders |= {*record.settings.get("words", ()), *(record.settings.get("other_words") or ())}
    for entry in os.scandir(root):
        if entry.name == _CACHE:
            continue
        if entry.name in folders and entry.is_dir(follow_symlinks=False):
            yield from (f"{entry.name}/{file.name}" for file in os.scandir(entry.path) if not _is_own(record, entry.name, file))
        elif not (entry.is_file(follow_symlinks=False) and record.owns(entry.name)):
            yield entry.name


def _is_own(record: Record, folder: str, file: os.DirEntry[str]) -> bool:
    return file.is_file(follow_symlinks=False) and record.owns(f"{folder}/{file.name}")
