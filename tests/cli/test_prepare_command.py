"""`kws prepare`: its table, its JSON, its exit, its help."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from kws.audio.io import write_wav
from kws.cli import prepare as command
from kws.data.prepare import PrepareSettings
from kws.errors import KwsError

RATE_HZ = 16_000


def record(path: Path, hz: float, seconds: float = 0.5, loudness: int = 10_000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    tone = loudness * np.sin(2 * np.pi * hz * np.arange(round(RATE_HZ * seconds)) / RATE_HZ)
    write_wav(path, np.clip(tone, -32768, 32767).astype(np.int16), RATE_HZ)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for number, name in enumerate(("yes/anna_nohash_0.wav", "yes/ben_nohash_0.wav", "no/anna_nohash_0.wav")):
        record(tmp_path / "in" / name, 300 + 100 * number)
    return tmp_path / "in"


def kws_prepare(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    args = parser.parse_args(["prepare", *map(str, arguments)])
    return int(args.run(args))


def test_the_table(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(source / "no" / "brief.wav", 700, seconds=0.1)
    record(source / "no" / "loud.wav", 800, loudness=200_000)
    assert kws_prepare(source, tmp_path / "out") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "no/brief.wav: short: lasts 100 ms, 200 or more expected"
    assert lines[1].startswith("no/loud.wav: clipped: ")
    assert lines[3].split() == ["recordings", *command.COLUMNS]
    assert [line.split() for line in lines[4:7]] == [
        ["no", "3", "2", "1", "1", "0", "0", "0"],
        ["yes", "2", "2", "0", "0", "0", "0", "0"],
        ["total", "5", "4", "1", "1", "0", "0", "0"],
    ]
    assert lines[-1] == f"4 clips are in {tmp_path / 'out'}"


def test_the_json(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (source / "yes" / "text.wav").write_text("no sound")
    assert kws_prepare(source, tmp_path / "out", "--json", "--min-ms", "100") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["words"]["yes"] | {"short": 0} == report["words"]["yes"]
    assert report["words"]["yes"]["unreadable"] == 1
    assert report["settings"]["min_ms"] == 100
    assert report["out"] == str(tmp_path / "out")
    assert {recording["outcome"] for recording in report["recordings"]} == {"kept", "unreadable"}


def test_nothing_kept_is_an_error_after_the_table(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KwsError, match="none of its 3 recordings could be kept"):
        kws_prepare(source, tmp_path / "out", "--min-ms", "5000")
    assert "total" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes on Linux only")
def test_a_name_that_is_not_utf8_is_printed(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (source / "no" / "caf\udce9.wav").write_text("no sound")
    assert kws_prepare(source, tmp_path / "out") == 0
    assert r"no/caf\udce9.wav: unreadable" in capsys.readouterr().out


def test_defaults_of_the_command_are_those_of_the_library(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kws_prepare(source, tmp_path / "out", "--json")
    assert PrepareSettings(**json.loads(capsys.readouterr().out)["settings"]) == PrepareSettings()


def test_help_starts_at_once_and_says_what_is_not_done() -> None:
    code = (
        "import argparse, sys\nfrom kws.cli import prepare\nparser = argparse.ArgumentParser()\n"
        "prepare.add_parser(parser.add_subparsers())\n"
        "try:\n    parser.parse_args(['prepare', '--help'])\n"
        "finally:\n    print([name for name in ('torch', 'numpy', 'soundfile') if name in sys.modules])\n"
    )
    start = time.perf_counter()
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "120"}
    )
    assert time.perf_counter() - start < 5  # far less on an idle machine
    assert "several words one after another" in shown.stdout
    assert "kws prepare my_words clips" in shown.stdout
    assert shown.stdout.endswith("[]\n")
