"""The corpus: all clips of a folder packed once into one int16 file, then read by the batch through a memory map."""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from tqdm import tqdm

from kws.audio.cutting import fit_clip, note_on_longer
from kws.audio.framing import START
from kws.audio.io import AUDIO_SUFFIXES, AudioError, Sound, read_sound_file
from kws.data.listing import BACKGROUND_FOLDER as BACKGROUND_FOLDER
from kws.data.listing import list_clips
from kws.errors import KwsError
from kws.files.names import printable
from kws.labels import plain_word

# Raised where the same files give other samples than before.
_FORMAT = 2
_READ_AHEAD = 256
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Corpus:
    """Clips of one length in one memory-mapped file.

    Attributes:
        root: the folder they came from.
        names: `word/file` of each clip, sorted; as they are on disk.
        clips: int16 (clips, samples), on disk.
    """

    root: Path
    names: tuple[str, ...]
    clips: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.names)

    @property
    def words(self) -> list[str]:
        """The word of each clip, as `kws.labels.plain_word` makes it of its folder's name."""
        folders = [name.split("/", 1)[0] for name in self.names]
        words = {folder: plain_word(folder) for folder in set(folders)}
        return [words[folder] for folder in folders]

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
    sample_rate: int,
    clip_samples: int,
    *,
    resample: bool = True,
    cache_dir: Path | None = None,
    progress: bool = True,
    also: Sequence[str] = (),
    fit: str = START,
    warn: bool = True,
) -> Corpus:
    """Open a folder of word folders as a corpus; pack it first where it is new or its files have changed.

    A pack is built under a lock and renamed into place: two runs may start together, and one that is cut off leaves no
    half pack. A pack that is there is read without a lock, so that it may lie on a disk that can't be written. Clips
    that were copied are other files, and are packed again.

    Args:
        root: folder with one folder a word.
        sample_rate, clip_samples: of the packed clips.
        resample: resample clips of another rate, or refuse them by name.
        cache_dir: where packs are kept; None: in `.kws-cache` inside `root`. progress: show a bar while packing.
        also: folders that are taken as words though they start with an underscore.
        fit: how a recording of another length is made a clip: see `kws.audio.cutting.fit_clip`.
        warn: log what is left out, such as sound of a format that is not read.

    Raises:
        KwsError: no clips, two folders of one word, clips that can't be read (all named), a full disk, or a folder that
            can't be written.
    """
    names, fingerprint = _list(root, also, warn)
    shape = f"{sample_rate}hz-{clip_samples}" + ("" if resample else "-exact") + ("" if fit == START else f"-{fit}")
    folder = root / ".kws-cache" if cache_dir is None else cache_dir / _cache_name(root)
    pack, size = folder / _pack_name(shape, fingerprint), len(names) * clip_samples * 2
    try:
        if not _is_whole(pack, size):
            _pack(root, names, pack, sample_rate, clip_samples, resample, fit, progress)
        clips = np.memmap(pack / "clips.int16", dtype=np.int16, mode="r", shape=(len(names), clip_samples))
    except OSError as error:
        raise _disk_error(error, folder, size) from error
    return Corpus(root, names, clips)


def _list(root: Path, also: Sequence[str], warn: bool) -> tuple[tuple[str, ...], str]:
    """Return the names of the clips and their fingerprint; warn of what is left out."""
    listing = list_clips(root, also)
    left_out = listing.left_out_text()
    if not listing.names:
        raise _no_clips(root, left_out)
    if warn and left_out:
        log.warning("%s: left out: %s", printable(str(root)), left_out)
    return listing.names, listing.fingerprint


def _pack(
    root: Path, names: Sequence[str], pack: Path, sample_rate: int, samples: int, resample: bool, fit: str, progress: bool
) -> None:
    """Make a pack, unless another process makes it meanwhile; remove those that it takes the place of."""
    pack.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(pack.parent / "pack.lock"):
        if _is_whole(pack, len(names) * samples * 2):
            return
        if stale := _stale(pack):
            log.info("%s: clips came, went, changed or were copied since they were packed; packing again", root)
        _build(root, names, pack, sample_rate, samples, resample, fit, progress)
        for old in stale:
            shutil.rmtree(old, ignore_errors=True)


def _no_clips(root: Path, left_out: str) -> KwsError:
    suffixes = ", ".join(sorted(AUDIO_SUFFIXES))
    there = f". Left out: {left_out}" if left_out else ""
    return KwsError(f"{root}: holds no clips; it needs one folder a word with sound files ({suffixes}){there}")


def _pack_name(shape: str, fingerprint: str) -> str:
    digest = hashlib.sha256(json.dumps([_FORMAT, shape, fingerprint]).encode()).hexdigest()[:16]
    return f"pack-{shape}-{digest}"


def _is_whole(pack: Path, size: int) -> bool:
    """Return whether there is a pack of this size, in bytes; a power cut may have left a shorter one."""
    clips = pack / "clips.int16"
    return clips.is_file() and clips.stat().st_size == size


def _build(
    root: Path, names: Sequence[str], pack: Path, sample_rate: int, samples: int, resample: bool, fit: str, progress: bool
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
    # Not tempfile's, whose folders only their owner may read: packs on a shared disk are for all whom the umask lets
    # read.
    temporary = pack.parent / f"building-{os.getpid()}"
    temporary.mkdir()
    try:
        # Plain writes, not a memory map: a full disk is then an error, not a bus error.
        with (temporary / "clips.int16").open("wb") as file:
            for name, clip in tqdm(
                zip(names, _read_in_order(root, names, sample_rate, resample), strict=True),
                total=len(names), desc="packing clips", unit="clip", disable=not progress, mininterval=0.5,
            ):  # fmt: skip
                if isinstance(clip, AudioError):
                    bad.append(printable(str(clip)))
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
        log.warning("%s: %s", root, note_on_longer(longer, len(names), samples / sample_rate, fit, "taken"))


def _read_in_order(root: Path, names: Sequence[str], sample_rate: int, resample: bool) -> Iterator[Sound | AudioError]:
    def read(name: str) -> Sound | AudioError:
        try:
            return read_sound_file(root / name, sample_rate, resample=resample)
        except AudioError as error:
            return error

    # libsndfile and the file system release the interpreter; a bounded read-ahead keeps memory small.
    remaining = iter(names)
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        while chunk := list(islice(remaining, _READ_AHEAD)):
            yield from pool.map(read, chunk)


def _stale(pack: Path) -> list[Path]:
    """List earlier packs of its shape. A run that has one mapped keeps it: removal takes away the name only."""
    shape = pack.name.rpartition("-")[0]
    return [old for old in pack.parent.glob(f"{shape}-*") if old != pack and len(old.name) == len(pack.name)]


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
        return KwsError(
            f"{folder}: can't be written ({error.strerror}), and holds no pack of these clips that can be read;"
            " set data.cache_dir to a folder that can be written"
        )
    return KwsError(f"{folder}: the corpus can't be packed there ({error}); set data.cache_dir to another folder")
