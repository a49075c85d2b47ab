from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from kws.cli import synthesize
from kws.errors import KwsError

pytest.importorskip("espeakng_loader")


def call(*words: str) -> int:
    parser = argparse.ArgumentParser(prog="kws")
    synthesize.add_parser(parser.add_subparsers())
    args = parser.parse_args(["synthesize", *words])
    return int(args.run(args))


def test_a_corpus_is_made_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "speech"
    command = [str(out), "--words", "ja, nein", "--other-words", "eins", "--language", "de"]
    command += ["--voices", "3", "--takes", "1", "--noise-s", "1"]
    assert call(*command) == 0
    assert f"{out}: made: wanted words: 2, other words: 1, voices: 3, takes: 1" in capsys.readouterr().out
    assert len(list((out / "ja").iterdir())) == 3
    assert call(*command) == 0
    assert "was there with these settings" in capsys.readouterr().out


def test_errors_are_for_users(tmp_path: Path) -> None:
    with pytest.raises(KwsError, match="no 'xx'"):
        call(str(tmp_path / "speech"), "--words", "yes", "--language", "xx")
    with pytest.raises(KwsError, match="no wanted word"):
        call(str(tmp_path / "speech"), "--words", ",")


def test_help_shows_an_example_and_the_licence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call("--help")
    shown = capsys.readouterr().out
    assert "kws synthesize speech --words yes,no,stop" in shown
    assert "GPL-3.0" in shown
