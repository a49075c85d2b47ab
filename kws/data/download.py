"""Fetch a file whose SHA-256 is known, over connections that break; and Google's Speech Commands by it."""

from __future__ import annotations

import hashlib
import http.client
import logging
import re
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from tqdm import tqdm

from kws.data.archive import extract, is_full
from kws.data.corpus import BACKGROUND_FOLDER
from kws.errors import KwsError

_CHUNK_BYTES = 1 << 20
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Archive:
    """A file on the network: its address, its SHA-256 (hex) and its size in bytes."""

    url: str
    sha256: str
    size_bytes: int | None = None


# The hashes are torchaudio's; the addresses are those of download.tensorflow.org/data, by the name that speaks https.
_STORE = "https://storage.googleapis.com/download.tensorflow.org/data"
_ARCHIVES = {
    "v0.01": Archive(
        f"{_STORE}/speech_commands_v0.01.tar.gz", "743935421bb51cccdb6bdd152e04c5c70274e935c82119ad7faeec31780d811d", 1_489_096_277
    ),
    "v0.02": Archive(
        f"{_STORE}/speech_commands_v0.02.tar.gz", "af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58", 2_428_923_189
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
        KwsError: an unknown version.
    """

    root: Path
    version: str

    def __init__(self, root: str | Path, version: str = "v0.02") -> None:
        if version not in _ARCHIVES:
            raise KwsError(f"data.source.version: there is no Speech Commands {version!r}; give one of {', '.join(_ARCHIVES)}")
        object.__setattr__(self, "root", Path(root).expanduser())
        object.__setattr__(self, "version", version)

    def prepare(self) -> Path:
        """The folder of word folders, `_background_noise_` and the lists of the sets; safe for several processes at once.

        Raises:
            KwsError: no network, a damaged archive, a full disk, or a folder that can't be written.
        """
        if (ready := self._unpacked()) is not None:
            return ready
        name = f"speech_commands_{self.version}"
        folder, packed = self.root / name, self.root / f"{name}.tar.gz"
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            lock = _acquire(self.root / f"{name}.lock")
        except OSError as error:
            raise KwsError(f"{self.root}: can't be written ({error}); set data.source.root to a folder that can") from error
        with lock:
            # The process that held the lock has done it all.
            if (ready := self._unpacked()) is not None:
                return ready
            archive = _ARCHIVES[self.version]
            download(archive.url, packed, sha256=archive.sha256, size_bytes=archive.size_bytes)
            extract(packed, folder)
        return folder

    def _unpacked(self) -> Path | None:
        for folder in (self.root, self.root / f"speech_commands_{self.version}"):
            if (folder / BACKGROUND_FOLDER).is_dir() or (folder / "testing_list.txt").is_file():
                return folder
        return None


def download(
    url: str,
    dest: Path,
    *,
    sha256: str,
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
        sha256: hex, of the whole file.
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
            if (found := sha256_of(dest, progress=progress)) != sha256:
                raise KwsError(f"{dest}: its SHA-256 is {found}, {sha256} expected; it is damaged: remove it and try again")
            return
        dest.parent.mkdir(parents=True, exist_ok=True)
        old_part = _size(part) > 0
        _fetch(archive, dest, part, attempts, wait_s, timeout_s, progress)
        found = sha256_of(part, progress=progress)
        if found != sha256 and old_part:
            # The beginning may be that of another version of the file.
            part.unlink()
            _fetch(archive, dest, part, attempts, wait_s, timeout_s, progress)
            found = sha256_of(part, progress=progress)
        if found != sha256:
            part.unlink()
            raise KwsError(
                f"{url}: the file that came has SHA-256 {found}, {sha256} expected, and was removed; a proxy or a login"
                f" page may have answered instead. Try again, or {_by_hand(archive, dest)}"
            )
        part.replace(dest)
    except OSError as error:
        raise KwsError(f"{dest}: can't be written or read ({error}); mend that, or choose another folder") from error


def sha256_of(path: Path, *, progress: bool = False) -> str:
    """SHA-256 of a file, hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file, _bar(f"checking {path.name}", _size(path), 0, progress) as bar:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            bar.update(len(chunk))
    return digest.hexdigest()


class _Dropped(Exception):
    """The connection broke: worth another try."""


class _Refused(Exception):
    """The server won't give the file: no other try will help."""


def _fetch(archive: Archive, dest: Path, part: Path, attempts: int, wait_s: float, timeout_s: float, progress: bool) -> None:
    """Stream to `part` until it is whole, try after try."""
    failures, furthest = 0, _size(part)
    while True:
        try:
            return _stream(archive, part, timeout_s, progress)
        except _Refused as error:
            raise KwsError(f"{archive.url}: can't be fetched ({error}); {_by_hand(archive, dest)}") from error
        except _Dropped as error:
            failures = 1 if _size(part) > furthest else failures + 1
            furthest = max(furthest, _size(part))
            if failures >= attempts:
                raise KwsError(
                    f"{archive.url}: can't be fetched ({error}); look to the network and run again, or {_by_hand(archive, dest)}"
                ) from error
            pause_s = wait_s * 2 ** (failures - 1)
            _log.info("%s: %s; trying again in %g s", archive.url, error, pause_s)
            time.sleep(pause_s)


def _stream(archive: Archive, part: Path, timeout_s: float, progress: bool) -> None:
    """One connection: go on where `part` ends, or start over where the server can't."""
    done = _size(part)
    with _open(archive.url, done, timeout_s) as response:
        start, total = _extent(response, done)
        if start is None or (response.status == 416 and total != done):
            part.unlink(missing_ok=True)
            raise _Dropped("the server can't go on from there, so it starts over")
        if response.status == 416:
            return  # whole already: an earlier run was stopped just before it was checked
        total = archive.size_bytes if total is None else total
        # No If-Range: a file that changed in between can't have the right SHA-256, joined or not.
        with part.open("ab" if start else "wb", buffering=0) as file, _bar(f"fetching {part.stem}", total, start, progress) as bar:
            while chunk := _read(response):
                try:
                    left = memoryview(chunk)
                    while left:
                        left = left[file.write(left) :]
                except OSError as error:
                    if is_full(error):
                        raise _full(part, total) from error
                    raise
                bar.update(len(chunk))
    if total is not None and _size(part) < total:
        raise _Dropped(f"the connection broke off after {_size(part):,} of {total:,} bytes")


def _open(url: str, done: int, timeout_s: float) -> http.client.HTTPResponse | urllib.error.HTTPError:
    headers = {"User-Agent": "kws", "Accept-Encoding": "identity"} | ({"Range": f"bytes={done}-"} if done else {})
    try:
        response: http.client.HTTPResponse = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=timeout_s)
        return response
    except urllib.error.HTTPError as error:
        if error.code == 416 and done:
            return error
        error.close()
        kind = _Dropped if error.code in (408, 429) or error.code >= 500 else _Refused
        raise kind(f"the server answers {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException) as error:
        raise _Dropped(str(getattr(error, "reason", error))) from error
