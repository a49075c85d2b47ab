"""Streaming files of rates at which a millisecond is no whole number of samples: export, stream, tune, mine and listen."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from corpora import word_sound
from exported import make_model
from slow import slow_unless

from kws.audio.io import write_wav
from kws.cli.main import main
from kws.inference.checkpoint import WaveformModel
from kws.inference.loading import load, open_scorer
from kws.streaming.scorer import StatefulScorer

EASY = ["--threshold", "0.3", "--average-window-ms", "90", "--minimum-count", "1", "--suppression-ms", "300"]


@pytest.mark.parametrize(
    ("sample_rate", "stride_ms", "samples", "said"),
    slow_unless(
        [(11_025, 30, 330, "29.932"), (22_050, 30, 660, "29.932"), (22_050, 200, 4400, "199.546"), (8_000, 12.5, 100, "")],
        lambda case: case[0] == 11_025,
    ),
)
def test_a_streaming_file_is_exported_and_used(
    sample_rate: int, stride_ms: float, samples: int, said: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level("INFO")
    hop_ms = 12.5 if stride_ms == 12.5 else 10.0
    model = make_model("single_fc", "log_mel", words=("yes", "no"), sample_rate=sample_rate, hop_ms=hop_ms)
    checkpoint = open_scorer(model, stride_ms)
    assert isinstance(checkpoint, StatefulScorer) and checkpoint.stride_samples == samples

    def made(path: Path) -> WaveformModel:
        return model

    monkeypatch.setattr("kws.inference.checkpoint.load_checkpoint", made)
    assert main(["export", "m.ckpt", "--out", str(tmp_path), "--streaming", "--stride-ms", str(stride_ms)]) == 0
    told = [message for message in caplog.messages if "whole hops" in message]
    expected = f"stride_ms: {stride_ms:g} asked; whole hops are {said} ms ({samples} samples)"
    assert told == ([expected] if said else [])
    file, sound = tmp_path / "m.stream.onnx", tmp_path / "s.wav"
    loaded = load(file)
    assert loaded.metadata.decoder.stride_ms == (12 if stride_ms == 12.5 else stride_ms)
    rng = np.random.default_rng(0)
    words = [word_sound(word, rng, sample_rate=sample_rate) for word in ("yes", "no", "tree", "yes")]
    write_wav(sound, np.concatenate(words), sample_rate)
    sound.with_suffix(".txt").write_text("yes, 0\nno, 1000\n_unknown_, 2000\nyes, 3000\n")
    scores = str(tmp_path / "s.npz")
    easy = [*EASY, "--average-window-ms", "300"] if stride_ms == 200 else EASY
    for stride in ([], ["--stride-ms", str(int(stride_ms))]):
        assert main(["stream", str(file), str(sound), *stride, *easy, "--format", "json", "--scores", scores]) == 0
        found = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith('{"label"')]
    starts = np.arange(-((int(sample_rate) - 1) // samples), -(-4 * sample_rate // samples)) * samples
    assert np.load(scores)["times_ms"].tolist() == (starts * 1000 // sample_rate).tolist()
    for source in ([str(sound)], ["--scores", scores]):
        assert main(["tune", str(file), *source, "--false-accepts-per-hour", "1e6"]) == 0
    assert main(["mine", str(file), str(sound), str(tmp_path / "mined"), "--threshold", "0.2"]) == 0
    capsys.readouterr()
    assert main(["listen", str(file), "--wav", str(sound), "--speed", "1e4", *easy, "--format", "json"]) == 0
    heard = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["label"], one["time_ms"]) for one in heard] == [(one["label"], one["time_ms"]) for one in found] != []
    assert main(["stream", str(file), str(sound), "--stride-ms", "17"]) == 2
    assert "17 ms asked; leave --stride-ms out, or export the checkpoint with another one" in capsys.readouterr().err


@pytest.mark.parametrize(("hop_ms", "stride_ms"), slow_unless([(10.0, 30), (20.0, 40), (40.0, 40)], lambda case: case[0] == 20))
def test_the_default_stride_fits_the_hop(hop_ms: float, stride_ms: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_model("single_fc", "log_mel", words=("yes", "no"), window_ms=40.0, hop_ms=hop_ms)
    monkeypatch.setattr("kws.inference.checkpoint.load_checkpoint", lambda path: model)
    assert main(["export", "m.ckpt", "--out", str(tmp_path), "--streaming"]) == 0
    loaded = load(tmp_path / "m.stream.onnx", threads=1)
    assert loaded.metadata.decoder.stride_ms == stride_ms
    assert open_scorer(loaded).stride_samples == 16 * stride_ms
