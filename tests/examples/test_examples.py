"""The scripts in examples/ run on a made sound, and say what the library says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sounds import speech

import kws
from kws.audio.io import write_wav

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "tests" / "golden" / "version_0_1_0" / "small.stream.onnx"
RATE_HZ = 4000
SAMPLES = np.rint(32767 * speech(3, RATE_HZ)).astype(np.int16)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "speech.wav"
    write_wav(path, SAMPLES, RATE_HZ)
    return path


def run(name: str, *arguments: object, heard: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error::DeprecationWarning:kws", "PYTHONUTF8": "1"}
    command = [sys.executable, str(ROOT / "examples" / name), *map(str, arguments)]
    return subprocess.run(command, input=heard, env=environment, capture_output=True, timeout=60, check=False)


def lines(detections: list[kws.Detection]) -> list[list[str]]:
    return [[f"{found.time:.2f}", "s", found.keyword, f"{found.score:.3f}"] for found in detections]


def test_label_files(recording: Path) -> None:
    done = run("label_files.py", MODEL, recording, recording)
    assert done.returncode == 0, done.stderr
    prediction = kws.load_model(MODEL).predict(recording)
    path, label, score, *_ = done.stdout.decode().splitlines()[1].split()
    assert (path, label, score) == (str(recording), prediction.label, f"{prediction.score:.3f}")


def test_spot_in_file(recording: Path) -> None:
    done = run("spot_in_file.py", MODEL, recording, 0)
    assert done.returncode == 0, done.stderr
    expected = lines(kws.spot(recording, MODEL, threshold=0))
    assert [line.split() for line in done.stdout.decode().splitlines()] == expected and expected


def test_spot_live_from_a_pipe() -> None:
    done = run("spot_live.py", MODEL, 0, heard=SAMPLES.astype("<i2").tobytes())
    assert done.returncode == 0, done.stderr
    spotter = kws.KeywordSpotter(MODEL, threshold=0)
    expected = lines([*spotter.process(SAMPLES), *spotter.flush()])
    assert [line.split() for line in done.stdout.decode().splitlines()] == expected and expected


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "examples").glob("*.py")))
def test_a_script_says_what_is_wrong(name: str) -> None:
    done = run(name)
    assert done.returncode == 1 and f"python {name} MODEL".encode() in done.stderr
    done = run(name, "nowhere.onnx", "nothing.wav") if name != "spot_live.py" else run(name, "nowhere.onnx")
    assert done.returncode == 1 and done.stderr.startswith(b"error: nowhere.onnx: no such file")
