"""Jobs of words and speakers, and the processes that share them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import IO

from tqdm import tqdm

from kws.errors import KwsError
from kws.synthesis.speakers import Speaker

# Files of background noise, without .wav.
NOISES = ("white_noise", "pink_noise", "brown_noise", "hum", "clatter", "babble")
EXIT_USER_ERROR = 2
_LONGEST_LINE = 500
# Where `kws` is imported from, so that a worker finds the same one.
_HOME = Path(__file__).parents[2]


@dataclass(frozen=True)
class Job:
    """Job of one speaker: the clips to write below a folder.

    Attributes:
        words: one folder each.
        takes: clips a speaker and word.
        speakers: those of this job.
        noise_words: what the babble is made of.
        talkers: who babbles; none: no background noise is written.
    """

    words: tuple[str, ...]
    takes: int
    sample_rate: int
    clip_samples: int
    noise_samples: int
    room_probability: float
    noise_floor_db: tuple[float, float]
    seed: int
    speakers: tuple[Speaker, ...]
    noise_words: tuple[str, ...] = ()
    talkers: tuple[Speaker, ...] = ()

    def to_json(self) -> str:
        """One line that `from_json` reads."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Job:
        """Undo `to_json`."""
        values = json.loads(text)
        for people in ("speakers", "talkers"):
            values[people] = tuple(Speaker(**person) for person in values[people])
        return cls(**values)


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
            stack.callback(process.terminate)
        for lines in zip_longest(*(process.stdout or () for process in processes)):
            # A line cut off is of a worker that was killed: its status tells.
            for line in (line for line in lines if line and line.endswith("\n")):
                done = json.loads(line)
                skipped |= done["skipped"]
                bar.update(done["clips"])
        for process, log in zip(processes, logs, strict=True):
            _check(process.wait(), log)
    return skipped


def _start(job: Job, folder: Path, log: IO[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "kws.synthesis.worker", str(folder)]
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
    how = f"was ended by signal {-status} (9: perhaps for want of memory)" if status < 0 else f"failed with status {status}"
    # Of a traceback, what was raised.
    last = said.splitlines()[-1].strip()[:_LONGEST_LINE] if said else "nothing"
    raise KwsError(f"a process that makes speech {how}; the last that it said: {last}")
