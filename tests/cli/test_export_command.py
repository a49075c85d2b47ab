"""`kws export`, and the tools with what it writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from training_steps import train_run

from kws.cli.main import main
from kws.export.parity import LIMIT

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def checkpoint(small_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    train_run(small_corpus, folder, 40, last_every=40)
    return folder / "checkpoints" / "last.ckpt"


def test_writes_beside_the_checkpoint_or_where_told(checkpoint: Path, tmp_path: Path, capsys: Capture) -> None:
    assert main(["export", str(checkpoint)]) == 0
    assert (checkpoint.parent / "last.onnx").is_file()
    assert str(checkpoint.parent / "last.onnx") in capsys.readouterr().out
    assert main(["export", str(checkpoint), "--to", "torchscript, mobile", "--out", str(tmp_path / "a"), "--name", "words"]) == 0
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [
        "words.pt", "words.pt.parity.json", "words.ptl", "words.ptl.parity.json",
    ]  # fmt: skip


def test_reports_as_json(checkpoint: Path, small_corpus: Path, tmp_path: Path, capsys: Capture) -> None:
    arguments = ["--to", "onnx,torchscript", "--out", str(tmp_path), "--data", str(small_corpus), "--json"]
    assert main(["export", str(checkpoint), *arguments]) == 0
    reports = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [report["file"] for report in reports] == ["last.onnx", "last.pt"]
    for report in reports:
        assert report["passed"] is True
        assert report["accuracy"] == report["checkpoint_accuracy"] > 0.4
        assert report["signals"][0]["kind"] == "real clips"


def test_every_file_labels_and_evaluates_alike(checkpoint: Path, small_corpus: Path, tmp_path: Path, capsys: Capture) -> None:
    assert main(["export", str(checkpoint), "--to", "onnx,torchscript,mobile", "--out", str(tmp_path)]) == 0
    capsys.readouterr()
    answers, counts = [], []
    for model in (checkpoint, tmp_path / "last.onnx", tmp_path / "last.pt", tmp_path / "last.ptl"):
        assert main(["label", str(model), str(small_corpus / "yes"), "--json", "--top", "4"]) == 0
        answers.append([json.loads(line) for line in capsys.readouterr().out.splitlines()])
        assert main(["evaluate", str(model), str(small_corpus), "--json"]) == 0
        counts.append(json.loads(capsys.readouterr().out)["confusion_matrix"])
    for other in answers[1:]:
        for mine, theirs in zip(answers[0], other, strict=True):
            assert theirs["file"] == mine["file"]
            assert theirs["scores"] == pytest.approx(mine["scores"], abs=LIMIT)
    assert counts[1:] == counts[:1] * 3


def test_draws_with_the_front_end_of_an_exported_model(checkpoint: Path, small_corpus: Path, tmp_path: Path) -> None:
    assert main(["export", str(checkpoint), "--out", str(tmp_path)]) == 0
    clip = str(next((small_corpus / "yes").iterdir()))
    for model, name in ((checkpoint, "a"), (tmp_path / "last.onnx", "b")):
        picture, values = str(tmp_path / f"{name}.png"), str(tmp_path / f"{name}.csv")
        assert main(["spectrogram", clip, picture, "--model", str(model), "--values", values]) == 0
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.ckpt"], "nowhere.ckpt: no such file"),
        (["CKPT", "--to", "tflite"], "'tflite' is no format"),
        (["CKPT", "--to", "onnx-int8"], "onnx-int8 needs real clips"),
        (["CKPT", "--data", "nowhere"], "nowhere"),
        (["CKPT", "--out", "FILE/x"], "can't be written"),
        (["ONNX"], "can't be read as a checkpoint"),
    ],
)
def test_what_can_not_be_exported_is_named(
    arguments: list[str], message: str, checkpoint: Path, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "m.onnx").write_bytes(b"\x08\x0a")
    places = {"CKPT": str(checkpoint), "FILE/x": str(tmp_path / "file" / "x"), "ONNX": str(tmp_path / "m.onnx")}
    assert main(["export", *(places.get(word, word) for word in arguments)]) == 2
    out, err = capsys.readouterr()
    assert message in err
    assert out == ""
