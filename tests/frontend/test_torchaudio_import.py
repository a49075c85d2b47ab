"""Torchaudio beside a torch that its compiled extension does not fit."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kws.errors import KwsError
from kws.frontend.torchaudio_import import torchaudio_functional

USE = """
import sys
from kws.frontend import LogMel, MfccTorchaudio
import torch
print(LogMel()(torch.zeros(1, 16000)).shape[1], MfccTorchaudio().bins, sys.modules["torchaudio"].__file__)
"""


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A copy of the installed torchaudio whose libraries do not load; the folder to import it from."""
    found = importlib.util.find_spec("torchaudio")
    assert found is not None and found.origin is not None
    package = tmp_path / "site" / "torchaudio"
    shutil.copytree(Path(found.origin).parent, package, ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__"))
    ending = ".pyd" if sys.platform == "win32" else ".so"
    (package / "lib").mkdir(exist_ok=True)
    for name in ("_torchaudio", "libtorchaudio"):
        (package / "lib" / f"{name}{ending}").write_bytes(b"built for another torch")
    return package.parent


def use(site: Path) -> subprocess.CompletedProcess[str]:
    code = f"import sys; sys.path.insert(0, {str(site)!r})\n{USE}"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)


def test_features_are_made_without_the_extension(broken: Path) -> None:
    libraries = sorted(path.name for path in (broken / "torchaudio" / "lib").iterdir())
    done = use(broken)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["98", "40", str(broken / "torchaudio" / "__init__.py")]
    # Nothing is renamed or written.
    assert sorted(path.name for path in (broken / "torchaudio" / "lib").iterdir() if path.suffix != ".pyc") == libraries


def test_a_torchaudio_that_fails_for_another_reason_says_so(broken: Path) -> None:
    (broken / "torchaudio" / "functional" / "__init__.py").write_text("raise OSError('a broken file')\n")
    done = use(broken)
    assert "torchaudio does not load beside this torch (a broken file)" in done.stderr


def fail_with(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def import_module(name: str) -> None:
        raise error

    monkeypatch.setattr("kws.frontend.torchaudio_import.importlib.import_module", import_module)


def test_an_absent_torchaudio_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, ModuleNotFoundError("No module named 'torchaudio'", name="torchaudio"))
    with pytest.raises(KwsError, match=r"torchaudio is not installed; install it with: pip install 'kws\[train\]'"):
        torchaudio_functional()


def test_another_absent_module_is_no_matter_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, ModuleNotFoundError("No module named 'torch'", name="torch"))
    with pytest.raises(ModuleNotFoundError, match="No module named 'torch'"):
        torchaudio_functional()
