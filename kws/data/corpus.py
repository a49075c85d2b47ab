"""The corpus: all clips of a folder packed once into one int16 file, then read by the batch through a memory map."""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from tqdm import tqdm

from kws.audio import AUDIO_SUFFIXES, AudioError, Sound, read_sound_file
from kws.data.cutting import fit_clip, note_on_longer
from kws.errors import KwsError
from kws.framing import START

BACKGROUND_FOLDER = "_background_noise_"
# Raised where the same files give other samples than before.
_FORMAT = 2
_READ_AHEAD = 256
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Corpus:
    """Clips of one length in one memory-mapped file.

    Attributes:
        root: the folder they came from.
        names: `word/file` of each clip, sorted.
        clips: int16 (clips, samples), on disk.
    """

    root: Path
    names: tuple[str, ...]
    clips: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.names)

    @property
    def words(self) -> list[str]:
        """The word of each clip."""
        return [name.split("/", 1)[0] for name in self.names]

    @property
    def samples(self) -> int:
        """Length of each clip."""
        return int(self.clips.shape[1])

    def read(self, clips: NDArray[np.int64]) -> NDArray[np.int16]:
        """Sound of clips by their indices, int16 (clips, samples); an index below 0 is silence, zeros."""
        sound = np.asarray(self.clips[np.maximum(clips, 0)])
        sound[clips < 0] = 0
        return sound


def open_corpus(
    root: Path,
    rate_hz: int,
    clip_samples: int,
    *,
    resample: bool = True,
    cache_dir: Path | None = None,
    progress: bool = True,
    also: Sequence[str] = (),
    fit: str = START,
) -> Corpus:
    """Open a folder of word folders as a corpus; pack it first where it is new or its files have changed.

    A pack is built under a lock and renamed into place: two runs may start together, and one that is cut off leaves no half pack.

    Args:
        root: folder with one folder a word.
        rate_hz, clip_samples: of the packed clips.
        resample: resample clips of another rate, or refuse them by name.
        cache_dir: where packs are kept; None: in `.kws-cache` inside `root`. progress: show a bar while packing.
        also: folders that are taken as words though they start with an underscore.
        fit: how a recording of another length is made a clip: see `kws.data.cutting.fit_clip`.

    Raises:
        KwsError: no clips, clips that can't be read (all named), a full disk, or a folder that can't be written.
    """
    names, fingerprint = _scan(root, also)
    if not names:
        raise _no_clips(root)
    shape = f"{rate_hz}hz-{clip_samples}" + ("" if resample else "-exact") + ("" if fit == START else f"-{fit}")
    folder = root / ".kws-cache" if cache_dir is None else cache_dir / _cache_name(root)
    pack, size = folder / _pack_name(shape, fingerprint), len(names) * clip_samples * 2
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "pack.lock"):
            if not _is_whole(pack, size):
                _build(root, names, pack, rate_hz, clip_samples, resample, fit, progress)
                _remove_stale(pack, shape)
            clips = np.memmap(pack / "clips.int16", dtype=np.int16, mode="r", shape=(len(names), clip_samples))
    except OSError as error:
        raise _disk_error(error, folder, size) from error
    return Corpus(root, tuple(names), clips)


def _no_clips(root: Path) -> KwsError:
    suffixes = ", ".join(sorted(AUDIO_SUFFIXES))
    return KwsError(f"{root}: holds no clips; it needs one folder a word with sound files ({suffixes})")


def _pack_name(shape: str, fingerprint: str) -> str:
    digest = hashlib.sha256(json.dumps([_FORMAT, shape, fingerprint]).encode()).hexdigest()[:16]
    return f"pack-{shape}-{digest}"


def _scan(root: Path, also: Sequence[str]) -> tuple[list[str], str]:
    """Names of all clips, sorted, and a digest that changes when a clip comes, goes, or is written again."""
    if not root.is_dir():
        raise KwsError(f"{root}: no such folder; the data folder holds one folder a word")
    try:
        words = [
            word for word in os.scandir(root) if (word.name in also or not word.name.startswith((".", "_"))) and word.is_dir()
        ]
        found = sorted(clip for word in words for clip in _clips(word))
    except OSError as error:
        raise KwsError(f"{error.filename}: can't be listed ({error.strerror}); make it readable, or leave it out") from error
    digest = hashlib.sha256()
    for name, size, changed in found:
        digest.update(f"{name}\0{size}\0{changed}\n".encode("utf-8", "surrogateescape"))
    return [name for name, _, _ in found], digest.hexdigest()


def _clips(word: os.DirEntry[str]) -> Iterator[tuple[str, int, int]]:
    """Name, size and time of each sound file in a word's folder."""
    for entry in os.scandir(word.path):
        if entry.name.startswith(".") or os.path.splitext(entry.name)[1].lower() not in AUDIO_SUFFIXES:  # noqa: PTH122
            continue
        try:
            stat = entry.stat()
        except FileNotFoundError:  # a link to nowhere: it is named with all that can't be read
            stat = entry.stat(follow_symlinks=False)
        yield f"{word.name}/{entry.name}", stat.st_size, stat.st_mtime_ns


def _is_whole(pack: Path, size: int) -> bool:
    """Whether there is a pack of this size, in bytes; a power cut may have left a shorter one."""
    clips = pack / "clips.int16"
    return clips.is_file() and clips.stat().st_size == size


def _build(
    root: Path, names: Sequence[str], pack: Path, rate_hz: int, samples: int, resample: bool, fit: str, progress: bool
) -> None:
    # This runs under the lock: what is there was left by a run that was killed.
    for left in (pack, *pack.parent.glob("building-*")):
        shutil.rmtree(left, ignore_errors=True)
    needed = len(names) * samples * 2
    if shutil.disk_usage(pack.parent).free < needed:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    bad: list[str] = []
    odd: list[str] = []
    longer = 0
    temporary = Path(tempfile.mkdtemp(prefix="building-", dir=pack.parent))
    try:
        # Plain writes, not a memory map: a full disk is then an error, not a bus error.
        with (temporary / "clips.int16").open("wb") as file:
            for name, clip in tqdm(
                zip(names, _read_in_order(root, names, rate_hz, resample), strict=True),
                total=len(names), desc="packing clips", unit="clip", disable=not progress, mininterval=0.5,
            ):  # fmt: skip
                if isinstance(clip, AudioError):
                    bad.append(str(clip))
                else:
                    file.write(np.ascontiguousarray(fit_clip(clip.samples, samples, fit)).data)
                    longer += len(clip.samples) > samples
                    odd += [f"{name}: {note}" for note in clip.notes]
        if bad:
            listed = "\n  ".join(bad[:10] + ([f"… and {len(bad) - 10} more"] if len(bad) > 10 else []))
            raise KwsError(f"{root}: {len(bad)} of {len(names)} clips can't be used; mend or remove them:\n  {listed}")
        temporary.rename(pack)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    log.info("packed %d clips into %s", len(names), pack)
    if odd:
        more = f" (and {len(odd) - 3} more such)" if len(odd) > 3 else ""
        log.warning("%s: %s%s", root, "; ".join(odd[:3]), more)
    if longer:
        log.warning("%s: %s", root, note_on_longer(longer, len(names), samples / rate_hz, fit, "taken"))


def _read_in_order(root: Path, names: Sequence[str], rate_hz: int, resample: bool) -> Iterator[Sound | AudioError]:
    def read(name: str) -> Sound | AudioError:
        try:
            return read_sound_file(root / name, rate_hz, resample=resample)
        except AudioError as error:
            return error

    # libsndfile and the file system release the interpreter; a bounded read-ahead keeps memory small.
    remaining = iter(names)
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        while chunk := list(islice(remaining, _READ_AHEAD)):
            yield from pool.map(read, chunk)


def _remove_stale(pack: Path, shape: str) -> None:
    # A run that has an older pack mapped keeps it until it ends: the file system removes the name only.
    for old in pack.parent.glob(f"pack-{shape}-*"):
        if old != pack and len(old.name) == len(pack.name):
            shutil.rmtree(old, ignore_errors=True)


def _cache_name(root: Path) -> str:
    resolved = root.resolve()
    return f"{resolved.name}-{hashlib.sha256(str(resolved).encode()).hexdigest()[:8]}"


def _disk_error(error: OSError, folder: Path, needed: int) -> KwsError:
    if error.errno == errno.ENOSPC:
        return KwsError(
            f"{folder}: the disk is full; the packed corpus takes {needed / 1e6:.0f} MB."
            " Make room, or set data.cache_dir to a folder on another disk"
        )
    if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
        return KwsError(f"{folder}: can't be written ({error.strerror}); set data.cache_dir to a folder that can")
    return KwsError(f"{folder}: the corpus can't be packed there ({error}); set data.cache_dir to another folder")
