"""`kws stream`: the same words in every format, scored where it is known what was said, and bad input named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from corpora import RATE_HZ, word_sound
from exported import make_model
from numpy.typing import NDArray

import kws
from kws.audio import read_audio, write_wav
from kws.cli.main import main
from kws.export.exporter import export
from kws.export.formats import FORMATS
from kws.export.parity import LIMIT
from kws.loading import open_scorer
from kws.streaming.spotter import Spotter
from kws.streaming.timeline import read_audacity, read_detections

torch.set_num_threads(1)
Capture = pytest.CaptureFixture[str]
Log = pytest.LogCaptureFixture
# An untrained model is never sure of anything: this finds something all the same.
EASY = ["--threshold", "0.3", "--average-window-ms", "90", "--minimum-count", "1", "--suppression-ms", "300"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    assert export(make_model("single_fc", "log_mel", words=("yes", "no")), FORMATS["onnx"], folder, "m").passed
    return folder / "m.onnx"


def sound() -> NDArray[np.int16]:
    rng = np.random.default_rng(3)
    words = [word_sound(word, rng) for word in ("yes", "no", "tree", "yes", "bed", "no")]
    return np.concatenate([np.concatenate([word, np.zeros(4000, np.int16)]) for word in words])


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "words.wav"
    write_wav(path, sound(), RATE_HZ)
    return path


def test_finds_what_the_spotter_finds_in_every_format(model: Path, recording: Path, tmp_path: Path, capsys: Capture) -> None:
    assert main(["stream", str(model), str(recording), "--format", "json", *EASY]) == 0
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    loaded = kws.load(model)
    settings = {"threshold": 0.3, "average_window_ms": 90, "minimum_count": 1, "suppression_ms": 300}
    decoder = type(loaded.metadata.decoder)(**settings)
    spotter = Spotter(open_scorer(loaded), decoder)
    expected = [found.to_dict() for found in [*spotter.feed(sound()), *spotter.flush()]]
    assert len(expected) > 2
    assert printed == expected
    for form, read in (("json", read_detections), ("audacity", read_audacity)):
        out = tmp_path / form
        assert main(["stream", str(model), str(recording), "--format", form, "--out", str(out), *EASY]) == 0
        assert [(item.label, item.time_ms) for item in read(out)] == [(item["label"], item["time_ms"]) for item in expected]
    assert main(["stream", str(model), str(recording), *EASY]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[2] for line in lines] == [item["label"] for item in expected]


def test_scores_against_what_was_said(model: Path, recording: Path, tmp_path: Path, capsys: Capture) -> None:
    truth, picture, scores = tmp_path / "truth.txt", tmp_path / "words.png", tmp_path / "scores.npz"
    truth.write_text("yes, 0\nno, 1250\n_unknown_, 2500\nyes, 3750\n_unknown_, 5000\nno, 6250\n")
    arguments = ["--ground-truth", str(truth), "--picture", str(picture), "--scores", str(scores)]
    assert main(["stream", str(model), str(recording), *arguments, *EASY]) == 0
    out = capsys.readouterr().out
    assert "% of 6 words matched" in out
    assert "all words     4" in out
    assert picture.read_bytes().startswith(b"\x89PNG")
    kept = np.load(scores)
    assert kept["labels"].tolist() == ["_silence_", "_unknown_", "yes", "no"]
    assert kept["times_ms"][:3].tolist() == [0, 30, 60]
    clip = sound()[480 * 7 : 480 * 7 + RATE_HZ].astype(np.float32) / 32768
    np.testing.assert_allclose(kept["scores"][7], kws.load(model).score(clip[None])[0], atol=LIMIT)


def test_another_rate_and_two_channels_are_converted_and_told(model: Path, tmp_path: Path, capsys: Capture, caplog: Log) -> None:
    from scipy.signal import resample_poly

    fast = resample_poly(sound().astype(float) / 32768, 3, 1)
    soundfile.write(tmp_path / "fast.wav", np.stack([fast, fast], axis=1), 48000, subtype="FLOAT")
    write_wav(tmp_path / "converted.wav", read_audio(tmp_path / "fast.wav", RATE_HZ), RATE_HZ)
    found = []
    for path in (tmp_path / "converted.wav", tmp_path / "fast.wav"):
        assert main(["stream", str(model), str(path), "--format", "json", *EASY]) == 0
        found.append([json.loads(line) for line in capsys.readouterr().out.splitlines()])
    assert found[0] == found[1] != []
    assert caplog.messages == [
        f"{tmp_path / 'fast.wav'}: its 2 channels were averaged and its 48000 Hz were resampled to the model's 16000 Hz;"
        " give sound like the microphone's where its numbers matter"
    ]


def test_a_recording_shorter_than_a_window_is_filled_up(model: Path, tmp_path: Path, caplog: Log) -> None:
    write_wav(tmp_path / "short.wav", sound()[:4000], RATE_HZ)
    assert main(["stream", str(model), str(tmp_path / "short.wav"), "--scores", str(tmp_path / "s.npz")]) == 0
    assert caplog.messages == [f"{tmp_path / 'short.wav'}: 0.25 s is shorter than a window of 1 s; zeros are put after it"]
    assert np.load(tmp_path / "s.npz")["times_ms"].tolist() == [0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--ground-truth", "nowhere.txt"], "nowhere.txt: can't be read"),
        (["--ground-truth", "STRANGE"], "labels maybe are not among the model's"),
        (["--ground-truth", "LATE"], "late.txt: a word at 99000 ms (yes), but the sound of "),
        (["--ground-truth", "EARLY"], "early.txt: a word at -5 ms (no), but the sound of "),
        (["--ground-truth", "BROKEN"], "broken.txt:2: 'yes'; a line such as <label>, <ms> is expected"),
        (["--stride-ms", "0"], "stride_ms"),
        (["--stride-ms", "1500"], "stride_ms"),
        (["--threshold", "2"], "threshold"),
        (["--out", "x.txt"], "needs --format json or --format audacity"),
        (["--scores", "FOLDER"], "can't be written"),
    ],
)
def test_what_makes_no_sense_is_named(
    arguments: list[str], message: str, model: Path, recording: Path, tmp_path: Path, capsys: Capture
) -> None:
    files = {"STRANGE": "maybe, 10\n", "LATE": "yes, 99000\n", "EARLY": "no, -5\n", "BROKEN": "yes, 1\nyes\n"}
    for name, content in files.items():
        (tmp_path / f"{name.lower()}.txt").write_text(content)
    places = {name: str(tmp_path / f"{name.lower()}.txt") for name in files} | {"FOLDER": str(tmp_path / "no" / "s.npz")}
    assert main(["stream", str(model), str(recording), *(places.get(word, word) for word in arguments)]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(("content", "message"), [(b"", "x.wav: is empty"), (b"RIFF....", "x.wav: can't be read as sound")])
def test_a_file_that_is_no_sound(content: bytes, message: str, model: Path, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "x.wav").write_bytes(content)
    assert main(["stream", str(model), str(tmp_path / "x.wav")]) == 2
    assert message in capsys.readouterr().err


def test_a_file_without_sound(model: Path, tmp_path: Path, capsys: Capture) -> None:
    soundfile.write(tmp_path / "none.wav", np.zeros(0), RATE_HZ)
    for command in ("stream", "listen"):
        assert main([command, str(model), *(["--wav"] if command == "listen" else []), str(tmp_path / "none.wav")]) == 2
        assert "none.wav: holds no sound (0 frames)" in capsys.readouterr().err


def test_a_truth_out_of_order_is_put_in_order_and_told(model: Path, recording: Path, tmp_path: Path, caplog: Log) -> None:
    truth = tmp_path / "truth.txt"
    truth.write_text("no, 1250\nyes, 3750\nyes, 0\n_unknown_, 2500\n")
    assert main(["stream", str(model), str(recording), "--ground-truth", str(truth)]) == 0
    assert caplog.messages == [f"{truth}:3: 0 ms after 3750 ms; the words are put in order: see that the times are right"]


def test_sound_that_is_not_finite(model: Path, tmp_path: Path, capsys: Capture) -> None:
    soundfile.write(tmp_path / "nan.wav", np.array([0.0, np.nan] * 16000), RATE_HZ, subtype="FLOAT")
    assert main(["stream", str(model), str(tmp_path / "nan.wav")]) == 2
    assert "nan.wav: holds NaN or infinite samples" in capsys.readouterr().err
