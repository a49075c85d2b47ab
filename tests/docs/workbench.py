"""The command blocks of the documentation, and the place where they are run: a clone in which a user has been at work."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from corpora import SPEAKERS, write_background
from warm_python import WarmPython

from kws.audio.io import write_wav

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "mobile/README.md", *(ROOT / "docs").glob("*.md")])

# What a test machine can't do, or not in a test's time: the beginning of a command, and why it is left out.
NOT_RUN = {
    "pip install": "needs the network; tests/test_wheel.py builds and runs the wheel",
    "python3 -m venv": "installs TensorFlow",
    ".venv-tensorflow/": "installs TensorFlow",
    "make demo": "takes minutes; its commands are those of the pages",
    "make test": "would run this test again",
    "make bench": "takes minutes; tests/benchmarks runs each with --quick",
    "make mobile-runtime": "installs another torch",
    "make .venv/ready": "needs the network",
    "python benchmarks/": "takes minutes; tests/benchmarks runs each with --quick",
    "kws listen best.stream.onnx": "needs a microphone; with --wav it is run",
    "kws listen model/": "needs a microphone",
    "kws listen outputs/": "needs a microphone",
    "kws listen --list-devices": "needs PortAudio",
    ". .venv/bin/activate": "the environment of the test is used",
}
# What may end with status 1: networks of four steps know nothing, and a few clips are too few to calibrate or judge by.
MAY_FAIL = ("kws tune", "kws calibrate best.ckpt data", "kws export best.ckpt --to onnx-int8")
# What runs all the same, though it begins like one of those.
RUN_ALL_THE_SAME = re.compile(r"^kws listen .*--wav ")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes:
        page: the file, relative to the repository.
        line: of its first line.
        language: after the fence.
        text: what is inside.
    """

    page: str
    line: int
    language: str
    text: str


@dataclass(frozen=True)
class Command:
    """One command of a block, its lines joined."""

    page: str
    line: int
    text: str

    @property
    def left_out(self) -> str | None:
        """Why it is not run; None: it is."""
        if RUN_ALL_THE_SAME.match(self.text):
            return None
        return next((why for start, why in NOT_RUN.items() if self.text.startswith(start)), None)


def blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page."""
    found, language, start, lines = [], None, 0, []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if not line.lstrip().startswith("```"):
            lines.append(line)
        elif language is None:
            language, start, lines = line.strip()[3:], number + 1, []
        else:
            found.append(Block(str(page.relative_to(ROOT)), start, language, "\n".join(lines)))
            language = None
    assert language is None, f"{page}: a block is not closed"
    return found


def commands(block: Block) -> list[Command]:
    """The commands of a block of shell, without comments."""
    found, text, start = [], "", 0
    for number, line in enumerate(block.text.splitlines(), block.line):
        if not text and (not line.strip() or line.lstrip().startswith("#")):
            continue
        start = start if text else number
        text = f"{text} {line.strip()}".strip()
        if text.endswith("\\"):
            text = text[:-1].rstrip()
            continue
        found.append(Command(block.page, start, text))
        text = ""
    return found


# Few steps, few voices, short streams; the last value given is the one that counts.
_SMALL = """
import os, sys

arguments = sys.argv[1:]
training = ["trainer.max_steps=4", "trainer.val_check_interval=2", "trainer.log_every_n_steps=2", "data.batch_size=4",
            "trainer.accelerator=cpu", "threads=1", "progress=false"]
if arguments[:1] == ["train.py"] or arguments[:3] == ["-m", "kws", "train"]:
    if "--help" not in arguments:
        arguments += training
        if "sweep=optuna" in arguments:
            arguments += ["hydra.sweeper.n_trials=2"]
elif arguments[:2] == ["-m", "kws"]:
    arguments += {"synthesize": ["--voices", "5", "--takes", "1", "--noise-s", "2"], "listen": ["--speed", "50"],
                  "make-stream": ["--minutes", "0.5"]}.get(arguments[2], [])
os.execv(sys.executable, [sys.executable, *WARM, *arguments])
"""


class Workbench:
    """A folder that looks like a clone, with data, recordings and models of a user in it.

    Args:
        folder: to be made.
        warm: runs what is Python.
        checkpoint: becomes best.ckpt; None: there is none.
    """

    def __init__(self, folder: Path, warm: WarmPython, checkpoint: Path | None = None) -> None:
        self.folder, self.warm = folder, warm
        folder.mkdir()
        for name in ("kws", "conf", "mobile"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "target", "assets"))
        shutil.copy(ROOT / "train.py", folder)
        for path in (folder / "conf").rglob("*.yaml"):
            path.write_text(re.sub(r"voices: \d+", "voices: 3", path.read_text(encoding="utf-8")), encoding="utf-8")
        self._write_shims(folder / "bin")
        write_speech_commands(folder / "data/speech_commands_v0.02")
        write_speech_commands(folder / "data/speech_commands_v0.01")
        write_test_set(folder / "data/speech_commands_test_set_v0.02")
        write_test_set(folder / "data/speech_commands_test_set_v0.01")
        write_recordings(folder / "recordings")
        if checkpoint is not None:
            shutil.copy(checkpoint, folder / "best.ckpt")
        rng = np.random.default_rng(14)
        write_wav(folder / "yes.wav", sound("yes", rng), 16_000)
        for name in ("recording.wav", "bad.wav"):  # bad.wav: as a microphone heard it
            write_wav(folder / name, np.concatenate([sound(word, rng) for word in ("yes", "bed", "no")]), 16_000)

    def _write_shims(self, folder: Path) -> None:
        folder.mkdir()
        (folder / "small.py").write_text(f"WARM = {self.warm.client!r}\n{_SMALL}")
        for name, arguments in (("python", ""), ("kws", "-m kws ")):
            (folder / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{folder / "small.py"}" {arguments}"$@"\n')
            (folder / name).chmod(0o755)

    def run(self, text: str, timeout: float = 280) -> subprocess.CompletedProcess[str]:
        """Run a command line in the folder."""
        self.warm.start()
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        environment = os.environ | {"PATH": path, "PYTHONPATH": str(self.folder), "OMP_NUM_THREADS": "1", "COLUMNS": "120"}
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text], cwd=self.folder, env=environment, text=True, capture_output=True,
            stdin=subprocess.DEVNULL, timeout=timeout, check=False,
        )  # fmt: skip

    def run_python(self, text: str) -> subprocess.CompletedProcess[str]:
        """Run a block of Python in the folder."""
        script = self.folder / "block.py"
        script.write_text(text, encoding="utf-8")
        return self.run(f"python {script.name}")


def failures(page: Path, bench: Workbench) -> list[str]:
    """Run what a page says from top to bottom; what fails, and with what words."""
    found = []
    for block in blocks(page):
        runs = [Command(block.page, block.line, block.text)] if block.language == "python" else []
        if block.language == "sh":
            runs = [command for command in commands(block) if command.left_out is None]
        for one in runs:
            done = bench.run_python(one.text) if block.language == "python" else bench.run(one.text)
            said = done.stdout + done.stderr
            allowed = 1 if one.text.startswith(MAY_FAIL) else 0
            if done.returncode not in (0, allowed) or "Traceback (most recent call last)" in said:
                found.append(f"{one.page}:{one.line}: status {done.returncode}: {one.text}\n{said[-2500:]}")
    return found


def is_run(block: Block) -> bool:
    """Whether there is something in a block that a test runs."""
    return block.language == "python" or (block.language == "sh" and any(one.left_out is None for one in commands(block)))


WORDS = (
    "backward", "bed", "bird", "cat", "dog", "down", "eight", "five", "follow", "forward", "four", "go", "happy", "house",
    "learn", "left", "marvin", "nine", "no", "off", "on", "one", "right", "seven", "sheila", "six", "stop", "three", "tree",
    "two", "up", "visual", "wow", "yes", "zero",
)  # fmt: skip


def sound(word: str, rng: np.random.Generator, seconds: float = 1.0, sample_rate: int = 16_000) -> np.ndarray:
    """A hum of the word's own pitch and length, in faint noise."""
    number = WORDS.index(word) if word in WORDS else len(word)
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    envelope = np.exp(-(((time - seconds / 2) / (0.1 + 0.004 * number)) ** 2))
    hum = envelope * np.sin(2 * np.pi * (200 + 60 * number) * rng.uniform(0.97, 1.03) * time)
    return np.rint(32767 * (0.4 * hum + 0.003 * rng.standard_normal(len(time)))).astype(np.int16)


def write_speech_commands(root: Path) -> None:
    """A miniature of the data set: every word, a clip of each speaker, the lists."""
    rng = np.random.default_rng(11)
    lists: dict[str, list[str]] = {"validation": [], "testing": []}
    for word in WORDS:
        (root / word).mkdir(parents=True)
        for part, people in SPEAKERS.items():
            for speaker in people:
                name = f"{word}/{speaker}_nohash_0.wav"
                write_wav(root / name, sound(word, rng), 16_000)
                lists.get(part, []).append(name)
    for part, names in lists.items():
        (root / f"{part}_list.txt").write_text("\n".join(names) + "\n")
    write_background(root)


def write_test_set(root: Path) -> None:
    """A miniature of an official test set."""
    rng = np.random.default_rng(12)
    for folder in ("_silence_", "_unknown_", "yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go"):
        (root / folder).mkdir(parents=True)
        for number in range(2):
            write_wav(root / folder / f"{number}.wav", sound(folder.strip("_"), rng), 16_000)


def write_recordings(root: Path) -> None:
    """Recordings of two words of one's own, of an odd rate and length, and of the room."""
    rng = np.random.default_rng(13)
    for word in ("lamp", "fan"):
        (root / word).mkdir(parents=True)
        for part in SPEAKERS.values():
            for speaker in part:
                write_wav(root / word / f"{speaker}_nohash_0.wav", sound(word, rng, rng.uniform(0.7, 2.0), 22_050), 22_050)
    write_background(root)
