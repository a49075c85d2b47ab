"""Sweeps as processes: they start, a failed run does not end them, and a table is left."""

from __future__ import annotations

import csv
import importlib.util
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from runs import ROOT, TINY, Command

from kws.training.sweep import as_table, finish_sweep, gather

SHORT = [*(one for one in TINY if not one.startswith("model")), "schedule.steps=[2,1]", "logger=none", "calibrate=false"]


def table(folder: Path) -> list[dict[str, str]]:
    (path,) = folder.glob("multirun/*/results.csv")
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def sweep(command: Command, corpus: Path, folder: Path, *overrides: str) -> tuple[int, str, list[dict[str, str]]]:
    done = command("-m", *SHORT, f"data.source.root={corpus}", *overrides, cwd=folder)
    return done.returncode, done.stdout + done.stderr, table(folder)


def needs(package: str) -> None:
    if importlib.util.find_spec(f"hydra_plugins.{package}") is None:
        pytest.skip("kws[sweeps] is not installed")


@pytest.mark.slow
def test_runs_one_after_another(command: Command, small_corpus: Path, tmp_path: Path) -> None:
    status, said, rows = sweep(command, small_corpus, tmp_path, "model=tiny_conv,single_fc")
    assert status == 0, said
    assert sorted(row["model"] for row in rows) == ["single_fc", "tiny_conv"]
    assert all(float(row["validation_accuracy"]) >= 0 and row["steps"] == "3" and not row["error"] for row in rows)
    assert "HydraConfig" not in said


def test_a_run_that_fails_leaves_the_others(command: Command, small_corpus: Path, tmp_path: Path) -> None:
    status, said, rows = sweep(command, small_corpus, tmp_path, "model=tiny_conv", "features.bins=40,99,30")
    assert status == 1, said
    assert [bool(row["error"]) for row in rows] == [False, False, True]
    assert rows[2]["features.bins"] == "99"
    assert rows[2]["error"].startswith("features.bins: 99 asked")
    assert re.search(r"failed: features\.bins=99 \(multirun/.*/1\): features\.bins: 99 asked", said)
    assert "Traceback" not in said


@pytest.mark.slow
@pytest.mark.parametrize("sweeper", ["basic", "optuna"])
def test_an_error_of_torch_leaves_the_others(command: Command, small_corpus: Path, tmp_path: Path, sweeper: str) -> None:
    needs("hydra_optuna_sweeper")
    given = (
        ["optim.lr=0.001,1e39"] if sweeper == "basic" else ["sweep=optuna", "hydra.sweeper.n_trials=2", "optim.lr=choice(1e39)"]
    )
    status, said, rows = sweep(command, small_corpus, tmp_path, "check_nans=true", *given)
    assert status == 1, said
    assert all(row["error"] for row in rows if row["optim.lr"] == "1e+39")
    assert len(rows) == 2


@pytest.mark.slow
def test_runs_side_by_side(command: Command, small_corpus: Path, tmp_path: Path) -> None:
    needs("hydra_joblib_launcher")
    status, said, rows = sweep(command, small_corpus, tmp_path, "model=tiny_conv", "sweep=parallel", "features.bins=40,99")
    assert status == 1, said
    assert [(row["features.bins"], row["error"][:17]) for row in rows] == [("40", ""), ("99", "features.bins: 99")]


@pytest.mark.slow
def test_a_search_is_for_every_model_and_the_same_again(command: Command, small_corpus: Path, tmp_path: Path) -> None:
    needs("hydra_optuna_sweeper")
    found = []
    for place in (tmp_path / "a", tmp_path / "b"):
        place.mkdir()
        given = ["sweep=optuna", "hydra.sweeper.n_trials=2", "model=single_fc"]
        status, said, rows = sweep(command, small_corpus, place, *given)
        assert status == 0, said
        assert "2 runs of 3 steps each" in said
        found.append([(row["optim.lr"], row["validation_accuracy"], row["loss"]) for row in rows])
    assert found[0] == found[1]
    assert len({rate for rate, *_ in found[0]}) == 2


@pytest.mark.slow
def test_a_sweep_that_is_stopped_leaves_the_table_of_what_is_done(small_corpus: Path, tmp_path: Path) -> None:
    given = ["-m", *SHORT, f"data.source.root={small_corpus}", "model=tiny_conv", "schedule.steps=[3,1],[1000000,1]"]
    run = subprocess.Popen(
        [sys.executable, str(ROOT / "train.py"), *given],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    end = time.monotonic() + 120
    while not list(tmp_path.glob("multirun/*/1/labels.txt")) and time.monotonic() < end:
        time.sleep(0.1)
    time.sleep(1)
    run.send_signal(signal.SIGINT)
    said = run.communicate(timeout=60)[0]
    assert run.returncode not in (0, None)
    assert [row["steps"] for row in table(tmp_path) if not row["error"]] == ["4"]
    assert "results.csv\nschedule.steps" in said or "results.csv\nvalidation_accuracy" in said


# The table


def write_run(folder: Path, overrides: list[str], **files: str) -> None:
    (folder / ".hydra").mkdir(parents=True)
    (folder / ".hydra" / "overrides.yaml").write_text("".join(f"- {override}\n" for override in overrides))
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)


def test_the_best_comes_first_and_what_failed_last(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    result = '{{"validation_accuracy": {}, "accuracy": 0.5, "loss": null, "steps": 7, "minutes": 1.25}}'
    write_run(tmp_path / "0", ["model=conv", "optim.lr=0.1"], error_txt="model.filters: 0\n")
    write_run(tmp_path / "1", ["model=conv", "optim.lr=0.2"], test_json=result.format("0.25"))
    write_run(tmp_path / "2", ["model=conv", "optim.lr=0.3"], test_json=result.format("0.75"))
    rows = gather(tmp_path)
    assert [row["optim.lr"] for row in rows] == ["0.3", "0.2", "0.1"]
    assert as_table(rows[:2]).splitlines()[1].split() == ["0.3", "0.75", "0.5", "7", "1.25", str(tmp_path / "2")]
    assert finish_sweep(tmp_path) == 1
    assert f"failed: optim.lr=0.1 ({tmp_path / '0'}): model.filters: 0" in caplog.text
    assert (tmp_path / "results.csv").read_text().startswith("model,optim.lr,validation_accuracy,")


def test_a_sweep_without_a_run_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert finish_sweep(tmp_path) == 0
    assert "no run of this sweep has finished" in caplog.text
    assert not (tmp_path / "results.csv").exists()
