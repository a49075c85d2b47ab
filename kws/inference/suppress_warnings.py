"""Silence for other packages' warnings that a user could do nothing about."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def suppress_warnings(*loggers: str) -> Iterator[None]:
    """No warnings inside, neither Python's nor those of these loggers; errors are logged all the same."""
    quietened = [logging.getLogger(name) for name in loggers]
    levels = [logger.level for logger in quietened]
    for logger in quietened:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(quietened, levels, strict=True):
            logger.setLevel(level)
