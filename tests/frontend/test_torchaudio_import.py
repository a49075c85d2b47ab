"""What is said and done where torchaudio's compiled extension does not fit the torch beside it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kws.errors import KwsError
from kws.frontend.torchaudio_import import set_aside_extension, torchaudio_functional

# A stand-in: like the real package it loads its libraries where they are there, and runs without where they are not.
PACKAGE = """
from pathlib import Path
for library in sorted((Path(__file__).parent / "lib").glob("*.so")):
    raise OSError(f"{library.name}: undefined symbol: torch_library_impl")
from . import functional
"""


@pytest.fixture
def without_torchaudio() -> Iterator[None]:
    """torchaudio's modules set aside, and put back afterwards."""
    modules = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == "torchaudio"}
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "torchaudio"]:
        del sys.modules[name]
    sys.modules.update(modules)
    importlib.invalidate_caches()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_torchaudio: None) -> Path:
    """A package `torchaudio` in front of the real one, with libraries that do not load."""
    folder = tmp_path / "site" / "torchaudio"
    (folder / "lib").mkdir(parents=True)
    (folder / "__init__.py").write_text(PACKAGE)
    (folder / "functional.py").write_text("here = True\n")
    for name in ("_torchaudio.so", "libtorchaudio.so", "libtorchaudio.pyd", "notes.txt"):
        (folder / "lib" / name).write_bytes(name.encode())
    monkeypatch.syspath_prepend(folder.parent)
    importlib.invalidate_caches()
    return folder


def fail_with(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def import_module(name: str) -> None:
        assert name == "torchaudio.functional"
        raise error

    monkeypatch.setattr("kws.frontend.torchaudio_import.importlib.import_module", import_module)


@pytest.mark.parametrize("kind", [OSError, ImportError])
def test_an_extension_that_does_not_load_names_the_command(monkeypatch: pytest.MonkeyPatch, kind: type[Exception]) -> None:
    error = kind("libcudart.so.13: cannot open shared object file")
    fail_with(monkeypatch, error)
    with pytest.raises(KwsError, match=r"torchaudio does not load .*libcudart\.so\.13.*kws fix-torchaudio") as raised:
        torchaudio_functional()
    assert raised.value.__cause__ is error


def test_an_absent_torchaudio_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, ModuleNotFoundError("No module named 'torchaudio'", name="torchaudio"))
    with pytest.raises(KwsError, match=r"torchaudio is not installed; install it with: pip install 'kws\[train\]'"):
        torchaudio_functional()


def test_another_absent_module_is_no_matter_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, ModuleNotFoundError("No module named 'torch'", name="torch"))
    with pytest.raises(ModuleNotFoundError, match="No module named 'torch'"):
        torchaudio_functional()


def test_a_torchaudio_that_loads_is_left_alone(package: Path) -> None:
    (package / "__init__.py").write_text("from . import functional\n")
    before = sorted(path.name for path in (package / "lib").iterdir())
    assert set_aside_extension() == []
    assert sorted(path.name for path in (package / "lib").iterdir()) == before


def test_libraries_that_do_not_load_are_set_aside(package: Path) -> None:
    with pytest.raises(KwsError, match="undefined symbol"):
        torchaudio_functional()
    moved = set_aside_extension()
    libraries = ["_torchaudio.so", "libtorchaudio.pyd", "libtorchaudio.so"]
    assert moved == [package / "lib" / name for name in libraries]
    assert sorted(path.name for path in (package / "lib").iterdir()) == [*(f"{name}.unused" for name in libraries), "notes.txt"]
    assert (package / "lib" / "libtorchaudio.so.unused").read_bytes() == b"libtorchaudio.so"
    assert torchaudio_functional().here
    assert set_aside_extension() == []


def test_a_torchaudio_that_fails_for_another_reason_says_so(package: Path) -> None:
    (package / "functional.py").write_text("raise OSError('a broken file')\n")
    with pytest.raises(KwsError, match="a broken file"):
        set_aside_extension()


def test_nothing_to_set_aside_without_torchaudio(monkeypatch: pytest.MonkeyPatch, without_torchaudio: None) -> None:
    monkeypatch.setattr(sys, "path", [])
    importlib.invalidate_caches()
    with pytest.raises(KwsError, match="torchaudio is not installed"):
        set_aside_extension()
