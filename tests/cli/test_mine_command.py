"""`kws mine`: a model's mistakes as clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from corpora import RATE_HZ, word_sound
from exported import make_model

from kws.audio.io import write_wav
from kws.cli.main import main
from kws.export.exporter import export
from kws.export.formats import FORMATS


def test_cuts_out_and_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export(make_model("single_fc", "log_mel", words=("yes", "no")), FORMATS["onnx"], tmp_path, "m").passed
    rng = np.random.default_rng(3)
    sounds = tmp_path / "sounds"
    sounds.mkdir()
    for name in ("radio", "office"):
        write_wav(sounds / f"{name}.wav", np.concatenate([word_sound("tree", rng) for _ in range(4)]), RATE_HZ)
    (sounds / "text.wav").write_text("none")
    arguments = ["mine", str(tmp_path / "m.onnx"), str(sounds), str(tmp_path / "out"), "--threshold", "0.2"]
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    clips = sorted(str(path) for path in (tmp_path / "out" / "mined").iterdir())
    assert sorted(line.split("  ")[0] for line in out.splitlines()) == clips != []
    assert f"{len(clips)} false detections in 0.1 min of sound" in err
    assert "text.wav" in err
    (sounds / "text.wav").unlink()
    assert main(arguments) == 0
    assert main(["mine", str(tmp_path / "m.onnx"), "nowhere.wav", str(tmp_path / "out")]) == 2
