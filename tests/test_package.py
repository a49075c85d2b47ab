"""The package's public names, and `python -m kws`."""

from __future__ import annotations

import subprocess
import sys

import kws


def test_completion_finds_what_is_imported_late() -> None:
    assert {"load", "__version__"} <= set(dir(kws))


def test_python_m_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "kws", "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, f"kws {kws.__version__}")
