"""The table of finished runs leaves out what is none."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest


def test_interrupted_runs_are_left_out_with_a_line(
    benchmarks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from results import main

    interrupted, stranger, moved, file = (tmp_path / name for name in ("interrupted", "stranger", "moved", "notes.txt"))
    for folder in (interrupted, stranger, moved / ".hydra"):
        folder.mkdir(parents=True)
    (moved / ".hydra/overrides.yaml").write_text("- model=conv\n")
    for folder in (stranger, moved):
        (folder / "test.json").write_text(json.dumps({"weights": "gone.ckpt"}))
    file.write_text("not a run")
    runs = [str(path) for path in (interrupted, stranger, moved, file)]
    monkeypatch.setattr(sys, "argv", ["results.py", "--data", str(tmp_path), *runs])
    with pytest.raises(SystemExit, match="no finished run among these folders"):
        main()
    said = capsys.readouterr().err
    assert f"{interrupted}: left out, no test.json: the run was interrupted" in said
    assert f"{stranger}: left out, no .hydra/overrides.yaml" in said
    assert f"{moved}: left out, its weights are no longer at gone.ckpt" in said
    assert f"{file}: left out, not a folder" in said
