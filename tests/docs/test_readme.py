"""The commands of the README and of mobile/README.md run, in a file of their own so that they run beside the other pages'."""

from __future__ import annotations

from pathlib import Path

import pytest
from warm_python import WarmPython
from workbench import ROOT, Workbench, failures


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ["README.md", "mobile/README.md"])
def test_every_command_runs_from_top_to_bottom(name: str, trained: Path, warm_python: WarmPython, tmp_path: Path) -> None:
    failed = failures(ROOT / name, Workbench(tmp_path / "clone", warm_python, trained))
    assert not failed, "\n\n".join(failed)
