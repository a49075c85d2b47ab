"""The benchmarks on made data and without TensorFlow: they run, print no ratio, and say how to get one."""

from __future__ import annotations

import importlib.util
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]
SCRIPTS = sorted(path.name for path in (Path(__file__).parents[2] / "benchmarks").glob("*.py"))
without_tensorflow = pytest.mark.skipif(importlib.util.find_spec("tensorflow") is not None, reason="TensorFlow is installed")


def check_alone(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stderr
    assert "×" not in done.stdout
    assert "ratio" not in done.stdout
    assert "pip install tensorflow-cpu" in done.stdout
    assert "1 core" in done.stdout or "cores" in done.stdout


@without_tensorflow
def test_training_speed(run_script: Run, small_corpus: Path, tmp_path: Path) -> None:
    data = ["--data", small_corpus, "--cache-dir", tmp_path, "--words", "yes", "no"]
    done = run_script("training_speed.py", "--quick", "--models", "single_fc", *data, "--threads", 1)
    check_alone(done)
    assert "kws, steps/s" in done.stdout


@without_tensorflow
def test_clip_time(run_script: Run) -> None:
    done = run_script("clip_time.py", "--quick", "--models", "single_fc", "--markdown")
    check_alone(done)
    assert "| model | kws, ms |" in done.stdout
    assert "| single_fc, onnx-int8 |" in done.stdout


@without_tensorflow
def test_streaming(run_script: Run) -> None:
    done = run_script("streaming.py", "--quick", "--models", "low_latency_conv", "--threads", 1)
    check_alone(done)
    assert "kws, s" in done.stdout


def test_a_folder_without_clips_is_refused_by_name(run_script: Run, tmp_path: Path) -> None:
    done = run_script("training_speed.py", "--quick", "--data", tmp_path)
    assert done.returncode == 1
    assert f"--data {tmp_path}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("script", [name for name in SCRIPTS if name not in ("comparison.py", "options.py", "sides.py")])
def test_every_script_has_help(
    benchmarks: Path, script: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [script, "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(benchmarks / script), run_name="__main__")
    assert not ended.value.code
    assert capsys.readouterr().out.startswith("usage:")
