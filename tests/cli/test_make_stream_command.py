"""`kws make-stream`: a stream of one split's clips, with its truth beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from corpora import RATE_HZ, SPEAKERS

from kws.audio import read_audio
from kws.cli.main import main
from kws.streaming.timeline import read_truth

Capture = pytest.CaptureFixture[str]


def test_makes_a_stream_of_the_testing_split(small_corpus: Path, tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "s.wav"
    assert main(["make-stream", str(small_corpus), str(out), "--words", "yes,no", "--minutes", "1", "--seed", "4"]) == 0
    assert "1 min" in capsys.readouterr().out
    assert len(read_audio(out, RATE_HZ, resample=False)) == 60 * RATE_HZ
    truth = read_truth(tmp_path / "s.txt")
    content = json.loads((tmp_path / "s.json").read_text())
    assert [(word["label"], word["time_ms"]) for word in content["truth"]] == [(word.label, word.time_ms) for word in truth]
    assert len(truth) == 20
    for word in content["truth"]:
        folder, file = word["clip"].split("/")
        assert file.split("_nohash_")[0] in SPEAKERS["testing"]
        assert word["label"] == (folder if folder in ("yes", "no") else "_unknown_")
    assert content["duration_ms"] == 60_000


def test_noise_alone(small_corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "s.wav"
    assert main(["make-stream", str(small_corpus), str(out), "--words", "yes", "--minutes", "0.2", "--no-words"]) == 0
    assert read_truth(tmp_path / "s.txt") == ()
    assert read_audio(out, RATE_HZ).any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--words", "maybe"], "no clips of maybe in the testing set"),
        (["--words", "yes", "--minutes", "0"], "minutes: 0 given"),
        (["--words", "yes", "--interval-s", "0.2"], "interval_s: 0.2 s is less than a clip"),
        (["--model", "nowhere.onnx"], "nowhere.onnx: no such file"),
    ],
)
def test_what_makes_no_sense_is_named(
    arguments: list[str], message: str, small_corpus: Path, tmp_path: Path, capsys: Capture
) -> None:
    assert main(["make-stream", str(small_corpus), str(tmp_path / "s.wav"), *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.glob("s.*"))
