"""One HTTP connection that goes on where the last one ended."""

from __future__ import annotations

import errno
import http.client
import io
import re
import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from kws.errors import KwsError

_CHUNK_BYTES = 1 << 20


class Dropped(Exception):
    """The connection broke: worth another try."""


class _BadRange(Exception):
    """The server can't send the file from the byte asked for on; `total` is the size it names, in bytes."""

    def __init__(self, total: int | None) -> None:
        super().__init__(total)
        self.total = total


class Refused(Exception):
    """The server won't give the file: no other try will help."""


def receive(url: str, part: Path, *, size_bytes: int | None, timeout_s: float, progress: bool) -> None:
    """Add to `part` what is missing of the file at `url`, or start over where the server can't go on from there.

    Args:
        url: http or https.
        size_bytes: of the whole file, for a server that doesn't say.
        timeout_s: silence after which the connection counts as broken.

    Raises:
        Dropped, Refused: the file did not come whole; what came is in `part`.
        KwsError: the disk is full.
        OSError: `part` can't be written.
    """
    done = size_of(part)
    try:
        response = _open(url, done, timeout_s)
    except _BadRange as error:
        if error.total == done:
            return  # whole already: an earlier run was stopped just before it was checked
        part.unlink(missing_ok=True)
        raise Dropped("the server can't go on where the last connection ended; starting over") from error
    with response:
        start = done if response.status == 206 else 0
        length = response.headers.get("Content-Length")
        total = start + int(length) if length and length.isdigit() else size_bytes
        # No If-Range: a file that changed in between can't have the right SHA-256, joined or not.
        mode = "ab" if start else "wb"
        bar = byte_bar(f"fetching {part.stem}", total, start, progress=progress)
        with bar, io.FileIO(part, mode) as file:
            while chunk := _read(response):
                _write(file, chunk, part, total)
                bar.update(len(chunk))
    if total is not None and size_of(part) < total:
        raise Dropped(f"the connection broke off after {size_of(part):,} of {total:,} bytes")


def _open(url: str, done: int, timeout_s: float) -> http.client.HTTPResponse:
    headers = {"User-Agent": "kws", "Accept-Encoding": "identity"} | ({"Range": f"bytes={done}-"} if done else {})
    try:
        request = urllib.request.Request(url, headers=headers)
        response: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=timeout_s)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and done:
            raise _BadRange(_extent(error.headers)[1]) from error
        passing = error.code in (408, 429) or error.code >= 500
        raise (Dropped if passing else Refused)(f"the server answers {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException) as error:
        raise Dropped(str(getattr(error, "reason", error))) from error
    if response.status == 206 and _extent(response.headers)[0] != done:
        response.close()
        raise _BadRange(None)
    return response


def _extent(headers: Message) -> tuple[int | None, int | None]:
    """First byte and size of the whole file, as Content-Range gives them: `bytes 5-9/10`, `bytes */10`."""
    match = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(?:(\d+)|\*)", headers.get("Content-Range", ""))
    first, total = match.groups() if match else (None, None)
    return None if first is None else int(first), None if total is None else int(total)


def _read(response: http.client.HTTPResponse) -> bytes:
    try:
        # read1 gives what has come: nothing of it is lost when the connection breaks.
        return response.read1(_CHUNK_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise Dropped(f"the connection broke: {error}") from error


def _write(file: io.FileIO, chunk: bytes, part: Path, total: int | None) -> None:
    left = memoryview(chunk)
    try:
        while left:
            left = left[file.write(left) :]
    except OSError as error:
        if not is_full(error):
            raise
        missing = "more room is" if total is None else f"{total - size_of(part):,} more bytes are"
        raise KwsError(
            f"{part.parent}: the disk is full; {missing} needed. Make room, and run again: it goes on where it stopped"
        ) from error


def byte_bar(what: str, total: int | None, start: int = 0, *, progress: bool) -> tqdm[NoReturn]:
    """Make a progress bar in bytes."""
    return tqdm(total=total, initial=start, desc=what, unit="B", unit_scale=True, disable=not progress, mininterval=0.5)


def is_full(error: OSError) -> bool:
    """Return whether a write failed for want of room on the disk or in the quota."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def size_of(path: Path) -> int:
    """Size of a file in bytes; 0 where there is none."""
    return path.stat().st_size if path.exists() else 0
