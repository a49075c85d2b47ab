"""The package as a user installs it: a wheel that trains, and a clone that is found from everywhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds what the wheel puts into site-packages."""
    folder = tmp_path_factory.mktemp("wheel")
    # A copy, so that neither an older build's files come in nor this one's stay behind.
    source = folder / "source"
    source.mkdir()
    for name in ("kws", "conf"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run_python(installed: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(installed), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, text=True, capture_output=True, timeout=250, check=False
    )


def test_the_wheel_holds_the_configuration_and_nothing_else_beside_the_package(installed: Path) -> None:
    expected = {path.relative_to(ROOT / "conf") for path in (ROOT / "conf").rglob("*.yaml")}
    assert {path.relative_to(installed / "kws/conf") for path in (installed / "kws/conf").rglob("*.yaml")} == expected
    assert sorted(path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")) == ["kws"]


def test_the_wheel_holds_the_files_beside_its_modules(installed: Path) -> None:
    expected = {path.relative_to(ROOT) for path in (ROOT / "kws").rglob("*") if path.suffix in (".j2", ".typed")}
    assert expected
    assert all((installed / path).is_file() for path in expected)


def test_the_wheel_trains(installed: Path, small_corpus: Path, tmp_path: Path) -> None:
    arguments = [
        "data=folder", f"data.source.root={small_corpus}", f"data.cache_dir={tmp_path / 'cache'}", "words=['yes','no']",
        "model=single_fc", "features.hop_ms=40", "schedule.steps=[2,1]", "trainer.val_check_interval=3", "data.batch_size=5",
        "trainer.accelerator=cpu", "threads=1", "hydra.run.dir=run", "progress=false",
    ]  # fmt: skip
    ran = run_python(installed, tmp_path, "-m", "kws", "train", *arguments)
    assert ran.returncode == 0, ran.stderr
    assert "test accuracy" in ran.stdout + ran.stderr
    for name in ("checkpoints/best.ckpt", "checkpoints/last.ckpt", "test.json", "train.log"):
        assert (tmp_path / "run" / name).is_file(), name


def test_a_folder_of_the_same_name_does_not_hide_the_package(tmp_path: Path) -> None:
    """As in the folder that holds a clone: an editable install must put the clone on Python's path."""
    (tmp_path / "kws").mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    found = subprocess.run(
        [sys.executable, "-c", "import kws; kws.load_model"], cwd=tmp_path, env=environment, text=True, capture_output=True,
        check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
