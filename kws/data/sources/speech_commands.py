"""Fetch a file whose SHA-256 is known, over connections that break; and Google's Speech Commands by it."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from kws.data.corpus import BACKGROUND_FOLDER
from kws.data.sources.archive import extract
from kws.data.sources.connection import Dropped, Refused, byte_bar, receive, size_of
from kws.errors import KwsError, checks

# The words of Speech Commands, both versions.
WORDS = (
    "backward", "bed", "bird", "cat", "dog", "down", "eight", "five", "follow", "forward", "four", "go", "happy", "house",
    "learn", "left", "marvin", "nine", "no", "off", "on", "one", "right", "seven", "sheila", "six", "stop", "three", "tree",
    "two", "up", "visual", "wow", "yes", "zero",
)  # fmt: skip
_CHUNK_BYTES = 1 << 20
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Archive:
    """A file on the network: its address, its SHA-256 (hex; None: unknown, not compared) and its size in bytes."""

    url: str
    sha256: str | None
    size_bytes: int | None = None


# The hashes are torchaudio's; the addresses are those of download.tensorflow.org/data, by the name that speaks https.
STORE = "https://storage.googleapis.com/download.tensorflow.org/data"
_ARCHIVES = {
    "v0.01": Archive(
        f"{STORE}/speech_commands_v0.01.tar.gz",
        "743935421bb51cccdb6bdd152e04c5c70274e935c82119ad7faeec31780d811d",
        1_489_096_277,
    ),
    "v0.02": Archive(
        f"{STORE}/speech_commands_v0.02.tar.gz",
        "af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
        2_428_923_189,
    ),
}


@dataclass(frozen=True)
class SpeechCommands:
    """Google's Speech Commands (Warden 2018, arXiv:1804.03209), fetched and unpacked where it is not there yet.

    The archive stays beside its folder, and may be removed. An archive put there by hand is used; so is a data set
    already unpacked in `root`, or in its folder `speech_commands_<version>`, and nothing is then fetched.

    Args:
        root: folder of the archive and of its unpacked folder; or the unpacked data set itself.
        version: `v0.01` (30 words) or `v0.02` (35 words).

    Raises:
        KwsError: an unknown version, or an empty name of the folder.
    """

    root: Path
    version: str

    def __init__(self, root: str | Path, version: str = "v0.02") -> None:
        if version not in _ARCHIVES:
            raise KwsError(f"data.source.version: there is no Speech Commands {version!r}; give one of {', '.join(_ARCHIVES)}")
        object.__setattr__(self, "root", checks.folder("data.source.root", root))
        object.__setattr__(self, "version", version)

    def prepare(self) -> Path:
        """Return the folder with word folders, `_background_noise_` and set lists; safe for several processes.

        Raises:
            KwsError: no network, a damaged archive, a full disk, or a folder that can't be written.
        """
        archive, name = _ARCHIVES[self.version], f"speech_commands_{self.version}"
        return fetch_and_unpack(archive, self.root, name, self._unpacked, "data.source.root")

    def _unpacked(self) -> Path | None:
        for folder in (self.root, self.root / f"speech_commands_{self.version}"):
            if (folder / BACKGROUND_FOLDER).is_dir() or (folder / "testing_list.txt").is_file():
                return folder
        return None


def fetch_and_unpack(archive: Archive, root: Path, name: str, unpacked: Callable[[], Path | None], setting: str) -> Path:
    """Fetch an archive to `<root>/<name>.tar.gz` and unpack it to `<root>/<name>`, where that is not done yet.

    Args:
        archive: the file.
        root: folder of archive and unpacked folder.
        name: of the archive and the unpacked folder.
        unpacked: gives the unpacked folder, if there is one.
        setting: that names `root`, for errors.

    Returns:
        The unpacked folder.

    Raises:
        KwsError: no network, a damaged archive, a full disk, or a folder that can't be written.
    """
    try:
        if (ready := unpacked()) is not None:
            return ready
        root.mkdir(parents=True, exist_ok=True)
        with _lock(root / f"{name}.lock"):
            # Another process may have held the lock, and done it all.
            if (ready := unpacked()) is not None:
                return ready
            packed = root / f"{name}.tar.gz"
            download(archive.url, packed, sha256=archive.sha256, size_bytes=archive.size_bytes)
            extract(packed, root / name)
    except OSError as error:
        raise KwsError(f"{root}: can't be written or read ({error}); set {setting} to a folder that can") from error
    return root / name


def download(
    url: str,
    dest: Path,
    *,
    sha256: str | None,
    size_bytes: int | None = None,
    attempts: int = 4,
    wait_s: float = 1.0,
    timeout_s: float = 30.0,
    progress: bool = True,
) -> None:
    """Fetch a file; it appears under its name only when it is whole and its SHA-256 is right.

    What came before a connection broke is kept as `<dest>.part`, and the next try, or the next run, goes on from
    there. A file already at `dest` is checked and used. Not for two processes at once: the caller holds a lock.

    Args:
        url: http or https.
        sha256: hex, of the whole file; None: what comes is not compared, and its SHA-256 is logged.
        size_bytes: of the file, for a server that doesn't say.
        attempts: tries in a row that bring nothing new, before giving up.
        wait_s: pause before the second of them, doubled each time.
        timeout_s: silence after which a connection counts as broken.
        progress: show a bar while fetching and while checking.

    Raises:
        KwsError: no network or no such file there, another SHA-256 than expected, a full disk, or a folder that can't
            be written.
    """
    archive, part = Archive(url, sha256, size_bytes), dest.with_name(dest.name + ".part")
    try:
        if dest.exists():
            if sha256 is not None and (found := sha256_of(dest, progress=progress)) != sha256:
                raise KwsError(f"{dest}: its SHA-256 is {found}, {sha256} expected; it is damaged: remove it and try again")
            return
        dest.parent.mkdir(parents=True, exist_ok=True)
        _fetch_right(archive, dest, part, _Patience(attempts, wait_s, timeout_s), progress)
        part.replace(dest)
    except OSError as error:
        raise KwsError(f"{dest}: can't be written or read ({error}); mend that, or choose another folder") from error


def sha256_of(path: Path, *, progress: bool = False) -> str:
    """SHA-256 of a file, hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file, byte_bar(f"checking {path.name}", size_of(path), progress=progress) as bar:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            bar.update(len(chunk))
    return digest.hexdigest()


@dataclass(frozen=True)
class _Patience:
    attempts: int
    wait_s: float
    timeout_s: float


def _fetch_right(archive: Archive, dest: Path, part: Path, patience: _Patience, progress: bool) -> None:
    """Stream to `part` until its SHA-256 is right."""
    old_part = size_of(part) > 0
    _fetch(archive, dest, part, patience, progress)
    found = sha256_of(part, progress=progress)
    if archive.sha256 is None:
        _log.info("%s: its SHA-256 is %s; there is none to compare it with", archive.url, found)
        return
    if found != archive.sha256 and old_part:
        # Its beginning, from an earlier run, may be that of another version of the file.
        part.unlink()
        _fetch(archive, dest, part, patience, progress)
        found = sha256_of(part, progress=progress)
    if found != archive.sha256:
        part.unlink()
        raise KwsError(
            f"{archive.url}: the file that came has SHA-256 {found}, {archive.sha256} expected, and was removed; a proxy or"
            f" a login page may have answered instead. Try again, or {_by_hand(archive, dest)}"
        )


def _fetch(archive: Archive, dest: Path, part: Path, patience: _Patience, progress: bool) -> None:
    """Stream to `part` until it is whole, try after try."""
    failures, furthest = 0, size_of(part)
    while True:
        try:
            return receive(archive.url, part, size_bytes=archive.size_bytes, timeout_s=patience.timeout_s, progress=progress)
        except Refused as error:
            raise KwsError(f"{archive.url}: can't be fetched ({error}); {_by_hand(archive, dest)}") from error
        except Dropped as error:
            failures = 1 if size_of(part) > furthest else failures + 1
            furthest = max(furthest, size_of(part))
            if failures >= patience.attempts:
                raise KwsError(
                    f"{archive.url}: can't be fetched ({error}); look to the network and run again, or {_by_hand(archive, dest)}"
                ) from error
            pause_s = patience.wait_s * 2 ** (failures - 1)
            _log.info("%s: %s; trying again in %g s", archive.url, error, pause_s)
            time.sleep(pause_s)


def _lock(path: Path) -> AbstractContextManager[object]:
    lock = FileLock(path)
    try:
        return lock.acquire(timeout=0)
    except Timeout:
        _log.info("waiting for another process, which is fetching the same data (%s)", path)
        return lock.acquire()


def _by_hand(archive: Archive, dest: Path) -> str:
    known = f" (SHA-256 {archive.sha256})" if archive.sha256 is not None else ""
    return f"fetch that file by hand{known} and put it at {dest.absolute()}"
