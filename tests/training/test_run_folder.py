"""The folder of a run: its own, whoever else starts at the same time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from runs import ROOT, TINY, Command

from kws.errors import KwsError
from kws.training.folder import LATEST, hold, link_latest, make_own, next_steps

SHORT = [*TINY, "schedule.steps=[2,1]", "logger=none", "calibrate=false"]


def start(folder: Path, *overrides: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(ROOT / "train.py"), *overrides], cwd=folder, env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


@pytest.mark.slow
def test_runs_of_the_same_second_have_a_folder_each(small_corpus: Path, tmp_path: Path) -> None:
    runs = [start(tmp_path, *SHORT, f"data.source.root={small_corpus}", f"seed={seed}") for seed in (1, 2, 3)]
    said = [run.communicate(timeout=240)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0], said
    found = {}
    for result in tmp_path.glob("outputs/tiny_conv/*/test.json"):
        overrides = (result.parent / ".hydra" / "overrides.yaml").read_text()
        (seed,) = (seed for seed in (1, 2, 3) if f"seed={seed}" in overrides)
        found[seed] = result.parent
        assert json.loads(result.read_text())["weights"] == str(result.parent / "checkpoints" / "best.ckpt")
    assert sorted(found) == [1, 2, 3]
    assert (tmp_path / "outputs" / LATEST).resolve() in {folder.resolve() for folder in found.values()}


def test_a_folder_is_made_once(tmp_path: Path) -> None:
    made = [make_own(tmp_path / "a" / "date") for _ in range(3)]
    assert [path.name for path in made] == ["date", "date-1", "date-2"]
    assert all(path.is_dir() for path in made)


def test_a_folder_that_another_run_writes_into_is_refused(command: Command, small_corpus: Path, tmp_path: Path) -> None:
    lock = hold(tmp_path / "run")
    assert lock is not None
    given = [*SHORT, f"data.source.root={small_corpus}"]
    for key, switch in (("hydra.run.dir", ()), ("hydra.sweep.dir", ("-m",))):
        done = command(*switch, *given, f"{key}={tmp_path / 'run'}", cwd=tmp_path)
        assert done.returncode == 2
        assert done.stderr.startswith(f"error: {tmp_path / 'run'}: another run writes into this folder; wait for its end, or")
        assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [".run.lock"]
    lock.release()
    done = command(*given, f"hydra.run.dir={tmp_path / 'run'}", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_lock_is_one_processs(tmp_path: Path) -> None:
    lock = hold(tmp_path)
    assert lock is not None
    with pytest.raises(KwsError, match="another run writes into this folder"):
        hold(tmp_path)
    lock.release()
    assert hold(tmp_path) is not None


def test_a_file_system_without_locks_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr("kws.training.folder.FileLock.acquire", refuse)
    assert hold(tmp_path) is None
    assert "has no locks" in caplog.text


# outputs/latest


def test_latest_is_the_newest(tmp_path: Path) -> None:
    for date in ("1", "2"):
        folder = make_own(tmp_path / "outputs" / "conv" / date)
        assert link_latest(folder) == tmp_path / "outputs" / "latest"
        assert (tmp_path / "outputs" / "latest").resolve() == folder.resolve()
    assert sorted(path.name for path in (tmp_path / "outputs").iterdir()) == ["conv", "latest"]


def test_a_folder_elsewhere_gets_no_link(tmp_path: Path) -> None:
    assert link_latest(make_own(tmp_path / "multirun" / "date" / "0")) is None
    assert [path.name for path in tmp_path.iterdir()] == ["multirun"]


def test_a_folder_named_latest_is_left(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = make_own(tmp_path / "outputs" / "conv" / "1")
    (tmp_path / "outputs" / "latest").mkdir()
    assert link_latest(folder) is None
    assert f"is not a link, and is left as it is; the newest run is {folder}" in caplog.text


def test_without_links_a_file_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    folder = make_own(tmp_path / "outputs" / "conv" / "1")
    assert link_latest(folder) is None
    assert (tmp_path / "outputs" / "latest.txt").read_text(encoding="utf-8") == f"{folder}\n"


def test_the_next_commands_can_be_pasted(tmp_path: Path) -> None:
    said = next_steps(tmp_path / "my run", "last", tmp_path / "my clips (new)")
    assert f"kws evaluate '{tmp_path}/my run/checkpoints/last.ckpt' '{tmp_path}/my clips (new)'" in said
