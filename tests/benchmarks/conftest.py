from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the scripts, whose modules can be imported as the scripts import them."""
    folder = ROOT / "benchmarks"
    monkeypatch.syspath_prepend(str(folder))
    return folder


@pytest.fixture
def run_script() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a script of benchmarks/, and gives what it printed."""

    def run(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, str(ROOT / "benchmarks" / name), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, env=env, cwd=ROOT)

    return run
