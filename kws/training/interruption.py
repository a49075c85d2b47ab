"""Ctrl-C and SIGTERM in a run: the first ends it after the current step, a second Ctrl-C at once."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)
_WORDS = "\nstopping once this step, or this validation, is whole; Ctrl-C again stops at once\n"


class Interrupted(SystemExit):
    """A signal stopped the run; the exit status is what a shell expects, 128 and the signal's number.

    Args:
        signum: the signal.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(128 + signum)
        self.signum = signum


class Interruption:
    """Takes SIGINT and SIGTERM while it is open.

    Attributes:
        signum: the first signal that came; None: none.
        deferred: wait for `check` rather than raise at once, as while weights are changed or written.
        is_open: whether signals are taken.
    """

    def __init__(self) -> None:
        self.signum: int | None = None
        self.deferred = self.is_open = False
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interruption:
        self._previous = {number: signal.getsignal(number) for number in SIGNALS}
        self.is_open = True
        self.install()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.is_open = False
        if threading.current_thread() is threading.main_thread():
            for number, handler in self._previous.items():
                signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def install(self) -> None:
        """Take the signals; anew where something else took them (Lightning, for SIGTERM). Only the main thread can."""
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                signal.signal(number, self._handle)

    def check(self) -> None:
        """Stop, if a signal came.

        Raises:
            Interrupted: it did.
        """
        if self.signum is not None:
            raise Interrupted(self.signum)

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        if self.signum is not None:
            if signum == signal.SIGINT:
                signal.signal(signum, signal.SIG_DFL)
                os.kill(os.getpid(), signum)
            return
        self.signum = signum
        if not self.deferred:
            raise Interrupted(signum)
        with contextlib.suppress(OSError):  # plain bytes: what else writes may be in the middle of a line
            os.write(2, _WORDS.encode())
