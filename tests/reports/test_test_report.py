"""What a test leaves behind."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from kws.errors import KwsError
from kws.evaluation.confusion import Confusion
from kws.files.json_file import write_json
from kws.reports.test_report import write_report

CONFUSION = Confusion(np.array([[3, 0, 0], [0, 0, 0], [1, 0, 4]]), ("_silence_", "_unknown_", "häuser"))


def test_report_is_numbers_and_a_picture(tmp_path: Path) -> None:
    write_report(tmp_path / "new" / "run", CONFUSION, {"loss": 0.5, "steps": 100})
    folder = tmp_path / "new" / "run"
    assert sorted(path.name for path in folder.iterdir()) == ["test.json", "test_confusion.png"]
    text = (folder / "test.json").read_text(encoding="utf-8")
    assert "häuser" in text
    content = json.loads(text)
    assert list(content)[:2] == ["loss", "steps"]
    assert content == {"loss": 0.5, "steps": 100, **CONFUSION.to_dict()}
    assert (folder / "test_confusion.png").read_bytes().startswith(b"\x89PNG")


def test_another_name(tmp_path: Path) -> None:
    write_report(tmp_path, CONFUSION, {}, name="evaluation")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["evaluation.json", "evaluation_confusion.png"]


def test_numbers_that_are_none_are_null(tmp_path: Path) -> None:
    write_report(tmp_path, Confusion.count([], [], CONFUSION.names), {"validation_accuracy": float("nan"), "loss": float("inf")})

    def refuse(constant: str) -> None:
        pytest.fail(f"{constant} is not JSON")

    content = json.loads((tmp_path / "test.json").read_text(encoding="utf-8"), parse_constant=refuse)
    assert content["accuracy"] is None
    assert content["validation_accuracy"] is None
    assert content["loss"] is None


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(KwsError, match=r"run: can't be written \(.*\)"):
        write_report(tmp_path / "run", CONFUSION, {})


def test_json_that_breaks_off_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "test.json"
    write_json(path, {"steps": 1})

    def full(temporary: Path, text: str, encoding: str) -> None:
        temporary.write_bytes(text.encode(encoding)[:5])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(KwsError, match="can't be written \\(No space left on device\\)"):
        write_report(tmp_path, CONFUSION, {"steps": 2})
    monkeypatch.undo()
    assert json.loads(path.read_text(encoding="utf-8")) == {"steps": 1}
    assert list(tmp_path.iterdir()) == [path]
