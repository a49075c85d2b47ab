"""Two sides of a comparison, each in a process of its own, that work in turn: one waits while the other is timed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path


class Side:
    """A process that measures when asked.

    Args:
        command: starts it; it must call `answer`.
        env: its environment (default: this process's).
        cwd: its folder.
    """

    def __init__(self, command: list[str], env: Mapping[str, str] | None = None, cwd: Path | None = None) -> None:
        self._command = command
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True, env=env, cwd=cwd
        )
        # What it said when it was ready.
        self.known = self._read()

    def ask(self, **request: object) -> dict:
        """Have it measure once. Raises SystemExit, with the process's last words, if it ends instead."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._log.seek(0)
            last = "\n".join(self._log.read().splitlines()[-12:])
            raise SystemExit(f"{last}\n{' '.join(self._command)} ended with status {self._process.returncode} and no answer")
        return json.loads(line)

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._log.close()

    def __enter__(self) -> Side:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self.close()


def take_turns(sides: Mapping[str, Callable[[], float]], rounds: int, name: str = "") -> dict[str, list[float]]:
    """Measure each side once a round, one after the other; seconds of each, a number a round."""
    times: dict[str, list[float]] = {side: [] for side in sides}
    for place in range(rounds):
        for side, measure in sides.items():
            times[side].append(measure())
        if name:
            print(f"{name}: round {place + 1} of {rounds}", file=sys.stderr, flush=True)
    return times


class Requests:
    """The other end of a Side: requests on the standard input, replies on the standard output.

    What anything else prints goes to the standard error stream, so that it can't be taken for a reply.
    """

    def __init__(self) -> None:
        self._replies = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)

    def reply(self, **facts: object) -> None:
        """Answer; the first reply says that this process is ready, and whatever else it knows by then."""
        print(json.dumps(facts), file=self._replies, flush=True)

    def next(self) -> dict | None:
        """Wait for a request; None when there are no more."""
        line = sys.stdin.readline()
        return json.loads(line) if line else None


def answer(measure: Callable[[dict], dict], **known: object) -> None:
    """Say that this process is ready, and what is known by now, then answer each request."""
    requests = Requests()
    requests.reply(**known)
    while (request := requests.next()) is not None:
        requests.reply(**measure(request))
