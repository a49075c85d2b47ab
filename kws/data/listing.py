"""Listing of a data folder: its clips, whether they have changed, and what is left out."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kws.audio.io import AUDIO_SUFFIXES
from kws.errors import KwsError
from kws.files.names import printable
from kws.labels import plain_word

BACKGROUND_FOLDER = "_background_noise_"
# Sound that is not read, and is worth a word wherever it lies.
_OTHER_SOUND = frozenset(
    {".m4a", ".m4b", ".mp4", ".aac", ".wma", ".amr", ".3gp", ".webm", ".mka", ".mkv", ".mov", ".ape", ".wv", ".mp2", ".ac3",
     ".ra", ".raw", ".pcm", ".sph"}
)  # fmt: skip
# What people keep beside their clips.
_NOTES = frozenset(
    {".txt", ".md", ".rst", ".json", ".jsonl", ".csv", ".tsv", ".xml", ".yaml", ".yml", ".html", ".pdf", ".log", ".ini", ".db",
     ".textgrid", ".lab", ".srt", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".py", ".sh", ".npy", ".npz", ".zip", ".gz"}
)  # fmt: skip
_NOTE_NAMES = frozenset({"LICENSE", "README", "MANIFEST", "COPYING", "Makefile"})
# What a Mac packs beside the files of an archive.
_MAC_FOLDER = "__MACOSX"
_UNREAD, _NESTED, _RESERVED, _LOOSE, _ODD = range(5)
_ADVICE = {
    _UNREAD: ("that can't be read as sound", "convert sound to WAV: ffmpeg -i CLIP.m4a CLIP.wav"),
    _NESTED: ("folders inside of word folders", "move their clips up into the word's folder"),
    _RESERVED: (
        "folders with a name that starts with '_'",
        "put unknown words into folders named as they are; silence is made of " + BACKGROUND_FOLDER,
    ),
    _LOOSE: ("sound files outside of word folders", "move them into a word's folder"),
    _ODD: ("that are no regular files", "a pipe, a socket or a device can't be a clip"),
}


@dataclass(frozen=True)
class Listing:
    """Result of listing a data folder.

    Attributes:
        names: `word/file` of each clip, sorted; as they are on disk.
        fingerprint: changes when a clip comes, goes, is written again, or is replaced by another file.
        left_out: by kind, names of what is no clip though a user may think that it is.
    """

    names: tuple[str, ...]
    fingerprint: str
    left_out: dict[int, list[str]]

    def left_out_text(self) -> str:
        """Describe what was left out, with an example and advice for each kind; empty if nothing was."""
        said = []
        for kind, names in sorted(self.left_out.items()):
            what, advice = _ADVICE[kind]
            said.append(f"{len(names)} {what}, such as {printable(min(names))} ({advice})")
        return "; ".join(said)


@dataclass
class _Walk:
    """Collects what is left out on the way."""

    root: Path
    left_out: dict[int, list[str]] = field(default_factory=dict)

    def leave(self, kind: int, name: str) -> None:
        self.left_out.setdefault(kind, []).append(name)

    def words(self, also: Sequence[str]) -> list[os.DirEntry[str]]:
        """List the word folders, and note what lies beside them."""
        words = []
        for entry in os.scandir(self.root):
            name = entry.name
            if name.startswith("."):
                continue
            if not entry.is_dir():
                if _ending(name) in AUDIO_SUFFIXES | _OTHER_SOUND:
                    self.leave(_LOOSE, name)
            elif name in also or not name.startswith("_"):
                words.append(entry)
            elif name == BACKGROUND_FOLDER:
                for _ in self.clips(entry):
                    pass
            elif name != _MAC_FOLDER and any(_ending(file.name) in AUDIO_SUFFIXES for file in os.scandir(entry.path)):
                self.leave(_RESERVED, name)
        return words

    def clips(self, word: os.DirEntry[str]) -> Iterator[tuple[str, int, int, int]]:
        """Name, size and times of each sound file in a word's folder."""
        for entry in os.scandir(word.path):
            if entry.name.startswith("."):
                continue
            name, ending = f"{word.name}/{entry.name}", _ending(entry.name)
            if ending not in AUDIO_SUFFIXES:
                self._leave_other(entry, name, ending)
                continue
            try:
                found = entry.stat()
            except FileNotFoundError:  # a link to nowhere: it is named with all that can't be read
                found = entry.stat(follow_symlinks=False)
            if stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode):
                # The time of the last change of any kind, for a clip renamed in another's place keeps all but that. Not
                # the inode: FAT, sshfs and their like make the numbers up, and the pack would be stale without a
                # reason.
                yield name, found.st_size, found.st_mtime_ns, found.st_ctime_ns
            else:
                self.leave(_NESTED if stat.S_ISDIR(found.st_mode) else _ODD, name)

    def _leave_other(self, entry: os.DirEntry[str], name: str, ending: str) -> None:
        if entry.is_dir():
            self.leave(_NESTED, name)
        elif ending not in _NOTES and entry.name not in _NOTE_NAMES:
            self.leave(_UNREAD, name)


def list_clips(root: Path, also: Sequence[str] = ()) -> Listing:
    """List a folder of word folders.

    Args:
        root: the folder.
        also: folders that are taken as words though they start with an underscore.

    Raises:
        KwsError: no such folder, one that can't be listed, or two folders of one word.
    """
    if not root.is_dir():
        raise KwsError(f"{root}: no such folder; the data folder holds one folder a word")
    walk = _Walk(root)
    try:
        words = walk.words(also)
        _check_words(root, (word.name for word in words))
        found = sorted(clip for word in words for clip in walk.clips(word))
    except OSError as error:
        raise KwsError(f"{error.filename}: can't be listed ({error.strerror}); make it readable, or leave it out") from error
    digest = hashlib.sha256()
    for name, size, changed, touched in found:
        digest.update(f"{name}\0{size}\0{changed}\0{touched}\n".encode("utf-8", "surrogateescape"))
    return Listing(tuple(clip[0] for clip in found), digest.hexdigest(), walk.left_out)


def _check_words(root: Path, folders: Iterable[str]) -> None:
    """Refuse two folders whose names differ in nothing that can be seen."""
    there: dict[str, str] = {}
    for folder in sorted(folders):
        other = there.setdefault(plain_word(folder), folder)
        if other != folder:
            raise KwsError(
                f"{root}: the folders {other!a} and {folder!a} are of one word, {printable(plain_word(folder))},"
                " written with other characters or blanks; put their clips into one folder"
            )


def _ending(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 - a Path for each of 100,000 clips takes a second
