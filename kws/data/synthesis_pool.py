"""Share a synthesis job among processes, and follow them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack, suppress
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import IO

from tqdm import tqdm

from kws.data.synthesis_worker import EXIT_USER_ERROR, Job
from kws.errors import KwsError

# Where `kws` is imported from, so that a worker finds the same one.
_HOME = Path(__file__).parents[2]


def run_jobs(job: Job, folder: Path, workers: int, *, progress: bool) -> dict[str, str]:
    """Do a job in up to `workers` processes.

    New interpreters rather than forks: they don't inherit the caller's threads, nor run its script again.

    Returns:
        Words that a speaker could not say, with the reason.

    Raises:
        KwsError: a worker failed.
    """
    count = min(workers, len(job.speakers))
    # The last share is the smallest, so it makes the noise too.
    shares = [replace(job, speakers=job.speakers[index::count], talkers=()) for index in range(count)]
    shares[-1] = replace(shares[-1], talkers=job.talkers)
    total = len(job.speakers) * len(job.words) * job.takes
    skipped: dict[str, str] = {}
    with ExitStack() as stack, tqdm(total=total, desc="speaking", unit=" clips", disable=not progress, mininterval=0.5) as bar:
        logs = [stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")) for _ in shares]
        processes = [stack.enter_context(_start(share, folder, log)) for share, log in zip(shares, logs, strict=True)]
        for process in processes:
            stack.callback(process.kill)
        for lines in zip_longest(*(process.stdout or () for process in processes)):
            for line in filter(None, lines):
                done = json.loads(line)
                skipped |= done["skipped"]
                bar.update(done["clips"])
        for process, log in zip(processes, logs, strict=True):
            _check(process.wait(), log)
    return skipped


def _start(job: Job, folder: Path, log: IO[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "kws.data.synthesis_worker", str(folder)]
    # One thread each, for there are as many processes as cores.
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}
    process = subprocess.Popen(
        command, cwd=_HOME, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, encoding="utf-8"
    )
    if process.stdin is not None:
        # One that ended at once is found by its exit status.
        with suppress(BrokenPipeError), process.stdin:
            process.stdin.write(job.to_json())
    return process


def _check(status: int, log: IO[str]) -> None:
    if status == 0:
        return
    log.seek(0)
    said = log.read().strip()
    if status == EXIT_USER_ERROR:
        raise KwsError(said)
    raise KwsError(f"a process that makes speech ended with status {status}; it said: {said[-2000:] or 'nothing'}")
