"""Unpack an archive from the network: plain files only, inside the folder, whole or not at all."""

from __future__ import annotations

import gzip
import shutil
import tarfile
import zlib
from pathlib import Path, PurePosixPath, PureWindowsPath

from kws.data.sources.connection import byte_bar, is_full
from kws.errors import KwsError

_DRAIN_BYTES = 1 << 20


def extract(archive: Path, folder: Path, *, progress: bool = True) -> None:
    """Unpack a .tar.gz into a new folder, which appears under its name only when it is whole.

    What an earlier run left half-done beside it (`<folder>.unpacking`) is removed first. Not for two processes at
    once: the caller holds a lock. File modes, owners and times of the archive are not taken over.

    Args:
        archive: a tar compressed with gzip, of plain files and folders.
        folder: where to; must be new or empty.
        progress: show a bar, in bytes of the archive.

    Raises:
        KwsError: the folder is not empty, the archive is broken or cut off, a member is no plain file or would land
            outside of the folder, or the disk is full. The folder is then not there.
    """
    temporary = folder.with_name(folder.name + ".unpacking")
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise KwsError(f"{folder}: is in the way, for {archive} unpacks to there; move it aside or remove it, and try again")
        if temporary.exists():
            shutil.rmtree(temporary)
        temporary.mkdir(parents=True)
        _unpack(archive, temporary, progress)
        if folder.exists():
            folder.rmdir()  # Windows does not rename onto an empty folder
        temporary.rename(folder)
    # gzip.BadGzipFile is an OSError, so this comes first.
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise KwsError(f"{archive}: is broken or cut off ({error}); remove it and try again") from error
    except OSError as error:
        raise KwsError(f"{folder}: {archive} can't be unpacked to there ({error}); mend that and run again") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _unpack(archive: Path, folder: Path, progress: bool) -> None:
    size = archive.stat().st_size
    unpacked = 0
    with (
        archive.open("rb") as raw,
        gzip.GzipFile(fileobj=raw) as stream,
        tarfile.open(fileobj=stream, mode="r:") as tar,
        byte_bar(f"unpacking {archive.name}", size, progress=progress) as bar,
    ):
        # A second guard behind `_refuse_unsafe`; early patch releases of Python 3.10 don't have it, and ignore the
        # attribute.
        tar.extraction_filter = getattr(tarfile, "data_filter", None)
        try:
            for member in tar:
                _refuse_unsafe(member, archive)
                unpacked += member.size
                tar.extract(member, folder, set_attrs=False)
                bar.update(raw.tell() - bar.n)
            # A tar ends before its gzip does: only at the end of the gzip is its checksum compared.
            while stream.read(_DRAIN_BYTES):
                pass
        except OSError as error:
            if not is_full(error):
                raise
            # The members are met as they are unpacked, so what is still to come is judged from the bytes read so far.
            needed = max(unpacked, round(unpacked * size / max(raw.tell(), 1)))
            raise KwsError(
                f"{folder.parent}: the disk is full; {archive.name} takes about {needed:,} bytes when unpacked."
                " Make room, or choose a folder on another disk, and run again"
            ) from error


def _refuse_unsafe(member: tarfile.TarInfo, archive: Path) -> None:
    posix, windows = PurePosixPath(member.name), PureWindowsPath(member.name)
    # PureWindowsPath splits on both kinds of slash.
    if posix.is_absolute() or windows.anchor or ".." in windows.parts:
        fault = "which would land outside of the folder"
    elif "\0" in member.name:
        fault = "which is no file name"
    elif member.issym() or member.islnk():
        fault = f"a link (to {member.linkname!r})"
    elif not (member.isfile() or member.isdir()):
        fault = "a device or pipe"
    else:
        return
    raise KwsError(
        f"{archive}: holds {member.name!r}, {fault}; plain files and folders expected, so nothing was unpacked."
        " Remove it, and get the archive from its publisher"
    )
