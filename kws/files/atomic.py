"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import stat
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_STANDARD = {"stdin": 0, "stdout": 1, "stderr": 2}
_OPEN_FILE = re.compile(r"/dev/(stdin|stdout|stderr)|(?:/dev|/proc/self)/fd/(\d+)")


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; replace `path` with it on success, delete it on error.

    The name has the ending of `path`, and is no other thread's or process's: where two write the same file, the last
    one to end is kept, whole. A link is followed: the file behind it is replaced, and keeps its permissions. What is no
    regular file (a device, a pipe, /dev/stdout) is opened and written to, never replaced.

    Raises:
        OSError: what is at `path`, or its folder, doesn't let itself be written, or is a folder.
    """
    if is_special(path):
        with tempfile.TemporaryDirectory(prefix="kws-") as folder:
            temporary = Path(folder) / f"part{path.suffix}"
            yield temporary
            with temporary.open("rb") as source, _opened(path) as target:
                shutil.copyfileobj(source, target)
        return
    target_path = path.resolve()
    if target_path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "is a folder, and a file is to be written; give a file's name", str(path))
    temporary = target_path.with_name(f".part-{os.getpid()}-{threading.get_ident()}{path.suffix}")
    try:
        yield temporary
        replace_file(temporary, target_path)
    finally:
        with contextlib.suppress(OSError):  # it is gone where all went well
            temporary.unlink()


def replace_file(new: Path, path: Path) -> None:
    """Move a finished file onto `path` as `atomic_write` does: links followed, permissions kept, devices written to."""
    if is_special(path):
        with new.open("rb") as source, _opened(path) as target:
            shutil.copyfileobj(source, target)
        new.unlink()
        return
    path = path.resolve()
    if path.is_file():
        shutil.copymode(path, new)
    new.replace(path)


def is_special(path: Path) -> bool:
    """Return whether `path` is neither a regular file nor a folder, but a device, a pipe or an open file descriptor."""
    if _descriptor(path) is not None:
        return True
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _descriptor(path: Path) -> int | None:
    """N for /dev/fd/N and its names: that file is shared with whoever opened it, and is written where it stands."""
    found = _OPEN_FILE.fullmatch(os.path.abspath(path))  # noqa: PTH100 (links are not to be followed)
    if found is None:
        return None
    return _STANDARD[found[1]] if found[1] else int(found[2])


def _opened(path: Path) -> IO[bytes]:
    number = _descriptor(path)
    if number is None:
        # As it is: neither made nor cut, should it be gone by now.
        return os.fdopen(os.open(path, os.O_WRONLY), "wb")
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return os.fdopen(os.dup(number), "wb")
