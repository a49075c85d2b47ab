"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A name in the same folder to write a file under; it takes `path` where the block ends without an error, else it goes.

    The name has the ending of `path`, and is no other thread's or process's: where two write the same file, the last one to end
    is kept, whole.

    Raises:
        OSError: what is at `path`, or its folder, doesn't let itself be written.
    """
    temporary = path.with_name(f".part-{os.getpid()}-{threading.get_ident()}{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        with contextlib.suppress(OSError):  # it is gone where all went well
            temporary.unlink()
