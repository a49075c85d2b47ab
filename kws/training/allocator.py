"""Keeping freed memory in the process, so that every step does not fault its buffers in anew."""

from __future__ import annotations

import ctypes
import logging
import sys

# mallopt's parameters, from malloc.h.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
log = logging.getLogger(__name__)


def keep_freed_memory() -> bool:
    """Tell glibc to keep what is freed for the next allocation, instead of giving it back to the system.

    A training step allocates and frees tens of megabytes in large pieces. By default glibc maps each from the system
    and unmaps it again, and the page faults cost as much as the arithmetic, several times as much on a virtual machine
    (`benchmarks/allocator.py`). The peak of memory stays the same. For the whole process, until it ends.

    Returns:
        Whether it took effect: False without glibc.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        log.debug("no mallopt in this C library")
        return False
    settings = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, 2**31 - 1), (_M_TOP_PAD, 64 << 20))
    return all(mallopt(parameter, value) == 1 for parameter, value in settings)
