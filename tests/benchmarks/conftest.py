from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from warm_python import WarmPython

ROOT = Path(__file__).parents[2]


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the scripts, whose modules can be imported as the scripts import them."""
    folder = ROOT / "benchmarks"
    monkeypatch.syspath_prepend(str(folder))
    return folder


@pytest.fixture
def run_script(warm_python: WarmPython) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a script of benchmarks/, and gives what it printed."""

    def run(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        return warm_python.run(str(ROOT / "benchmarks" / name), *map(str, arguments), cwd=ROOT, PYTHONPATH=str(ROOT))

    return run
