"""The Python that has TensorFlow, where there is one."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent.parent
HOW_TO_INSTALL = """\
Ours alone: without TensorFlow there is nothing to compare with. To measure TensorFlow's original beside it, in the same run:
    python3 -m venv .venv-tensorflow
    .venv-tensorflow/bin/pip install tensorflow-cpu
and run this again with --tensorflow-python .venv-tensorflow/bin/python"""
# TensorFlow's own word on which instructions it has is no part of the output.
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1"}


@dataclass(frozen=True)
class Interpreter:
    """A Python in which TensorFlow of this version can be imported."""

    path: str
    version: str

    def command(self, module: str, *arguments: object) -> list[str]:
        """The command that runs a module of this package; to be started with `environment()`."""
        return [self.path, "-m", f"original.{module}", *map(str, arguments)]


def environment() -> dict[str, str]:
    """The environment of a process of this package: the benchmarks can be imported, and the GPU is not seen."""
    return {**os.environ, **QUIET, "PYTHONPATH": str(BENCHMARKS)}


def find_tensorflow(given: Path | None) -> Interpreter | None:
    """The interpreter given, or this one if TensorFlow is installed in it; None where it is not.

    Raises SystemExit where the interpreter given can't import TensorFlow.
    """
    if given is None and importlib.util.find_spec("tensorflow") is None:
        return None
    # Not resolved: a virtual environment's Python is a link, and is known by its place.
    path = sys.executable if given is None else str(given.absolute())
    ask = "import tensorflow; print(tensorflow.__version__)"
    try:
        asked = subprocess.run([path, "-c", ask], capture_output=True, text=True, env=environment())
    except OSError as error:
        raise SystemExit(f"--tensorflow-python {given}: {error.strerror}; expected a Python with TensorFlow installed") from None
    if asked.returncode:
        last = (asked.stderr.strip().splitlines() or ["no message"])[-1]
        raise SystemExit(f"{path} can't import TensorFlow ({last}); install it there: {path} -m pip install tensorflow-cpu")
    return Interpreter(path, asked.stdout.strip().splitlines()[-1])
