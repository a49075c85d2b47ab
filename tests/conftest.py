from __future__ import annotations

import os
import shutil
from pathlib import Path

# Tests run side by side, and threads that outnumber the cores wait for each other. Set before torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from corpora import write_corpus

_ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder that holds `reference/`, the original's numbers: beside the repository, or where KWS_SHARED points."""
    folder = Path(os.environ.get("KWS_SHARED", _ROOT.parent / "shared"))
    if not (folder / "reference").is_dir():
        pytest.skip(f"the original's reference numbers are not at {folder}; KWS_SHARED can point to them")
    return folder


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
