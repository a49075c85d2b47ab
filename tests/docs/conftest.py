from __future__ import annotations

from pathlib import Path

import pytest
from warm_python import WarmPython
from workbench import Workbench


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, warm_python: WarmPython) -> Path:
    """A checkpoint of a network that has heard a few steps of `yes` and `no`."""
    bench = Workbench(tmp_path_factory.mktemp("trained") / "clone", warm_python)
    done = bench.run("python train.py 'words=[yes,no]' model=tiny_conv hydra.run.dir=run")
    assert done.returncode == 0, done.stdout + done.stderr
    return bench.folder / "run/checkpoints/best.ckpt"
