from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# Tests run side by side, and threads that outnumber the cores wait for each other. Set before torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from corpora import write_corpus
from warm_python import WarmPython

_ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Torch computes on one thread, whatever OMP_NUM_THREADS says outside."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder that holds `reference/`, the original's numbers: beside the repository, or where KWS_SHARED points."""
    folder = Path(os.environ.get("KWS_SHARED", _ROOT.parent / "shared"))
    if not (folder / "reference").is_dir():
        pytest.skip(f"the original's reference numbers are not at {folder}; KWS_SHARED can point to them")
    return folder


@pytest.fixture(scope="session")
def warm_python() -> Iterator[WarmPython]:
    """Python for commands, without the wait for torch."""
    with tempfile.TemporaryDirectory(prefix="kws-") as folder:  # the name of a socket must be short
        warm = WarmPython(Path(folder))
        yield warm
        warm.stop()


@pytest.fixture(scope="session")
def command(warm_python: WarmPython) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run train.py as a process of its own, in the folder `cwd`."""
    script = str(_ROOT / "train.py")
    return lambda *arguments, cwd: warm_python.run(script, *arguments, cwd=cwd, OMP_NUM_THREADS="1", COLUMNS="120")


@pytest.fixture(scope="session")
def small_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The corpus of `write_corpus`, for tests that only read it; its pack is made once."""
    return write_corpus(tmp_path_factory.mktemp("small") / "corpus")


@pytest.fixture
def corpus_folder(small_corpus: Path, tmp_path: Path) -> Path:
    """A copy of the small corpus of a test's own, not packed yet."""
    root = tmp_path / "corpus"
    shutil.copytree(small_corpus, root, ignore=shutil.ignore_patterns(".kws-cache"))
    return root


@pytest.fixture
def quiet() -> Iterator[None]:
    """Undo what a run sets for the whole process."""
    import torch

    root, threads, environment = logging.getLogger(), torch.get_num_threads(), dict(os.environ)
    handlers, level = root.handlers[:], root.level
    yield
    for handler in set(root.handlers) - set(handlers):
        handler.close()
    root.handlers[:], root.level = handlers, level
    torch.set_num_threads(threads)
    os.environ.clear()
    os.environ.update(environment)


@pytest.fixture
def run_here(
    quiet: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., Any]:
    """Run the script with these overrides in the folder `run`."""
    # Torch and Hydra take seconds, which other tests need not wait for.
    from runs import Outcome

    from kws.training.app import main

    monkeypatch.setenv("HYDRA_MAIN_MODULE", "__main__")  # Hydra looks for conf/ beside the script then

    def run(*overrides: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["train.py", f"hydra.run.dir={tmp_path / 'run'}", *overrides])
        status = 0
        try:
            main()
        except SystemExit as left:
            status = int(left.code or 0)
        return Outcome(status, *capsys.readouterr())

    return run
