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

from kws.audio.io import read_audio, to_float, write_wav
from kws.cli.main import main
from kws.export.exporter import export
from kws.export.formats import FORMATS
from kws.export.parity import LIMIT
from kws.export.stream_exporter import export_streaming
from kws.inference.checkpoint import WaveformModel
from kws.inference.loading import load, open_scorer
from kws.streaming.decoder import CommandDecoder
from kws.streaming.decoder_settings import DecoderSettings
from kws.streaming.events import read_audacity, read_detections
from kws.streaming.spotter import Spotter

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
    loaded = load(model)
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
    # Every window that holds any of the sound.
    assert kept["times_ms"].tolist() == list(range(-990, 7500, 30))
    assert kept["duration_ms"] == 7500
    clip = sound()[:RATE_HZ].astype(np.float32) / 32768
    np.testing.assert_allclose(kept["scores"][33], load(model).score(clip[None])[0], atol=LIMIT)


def test_as_the_originals_tool_scores_it(model: Path, recording: Path, tmp_path: Path, capsys: Capture) -> None:
    scores = tmp_path / "scores.npz"
    assert main(["stream", str(model), str(recording), "--as-original", "--scores", str(scores), "--format", "json", *EASY]) == 0
    kept, samples = np.load(scores), sound().astype(np.float32) / 32768
    # for (offset = 0; offset < samples - clip; offset += stride), of the sound as it is
    starts = list(range(0, len(samples) - RATE_HZ, 480))
    assert kept["times_ms"].tolist() == [start // 16 for start in starts]
    expected = load(model).score(np.stack([samples[start : start + RATE_HZ] for start in starts]))
    np.testing.assert_allclose(kept["scores"], expected, atol=LIMIT)
    decoder = CommandDecoder(load(model).labels.names, DecoderSettings(90, 0.3, 300, 1))
    steps = [decoder.step(row, start // 16) for row, start in zip(kept["scores"], starts, strict=True)]
    new = [(one.label, one.time_ms) for one in steps if one.is_new and one.label != "_silence_"]
    assert [(one["label"], one["time_ms"]) for one in map(json.loads, capsys.readouterr().out.splitlines())] == new != []
    # A word by itself, and nothing that it scores.
    write_wav(tmp_path / "short.wav", sound()[:RATE_HZ], RATE_HZ)
    assert main(["stream", str(model), str(tmp_path / "short.wav"), "--as-original"]) == 2
    assert "short.wav: 1.00 s is no longer than a window of 1 s, so the original's tool scores nothing" in capsys.readouterr().err


def test_the_screen_and_the_file_say_the_same(tmp_path: Path, recording: Path, capsys: Capture) -> None:
    short = make_model("single_fc", "log_mel", words=("yes", "no"), clip_ms=500.0)
    assert export(short, FORMATS["onnx"], tmp_path, "m").passed
    for form in ("json", "audacity"):
        out = tmp_path / form
        arguments = ["stream", str(tmp_path / "m.onnx"), str(recording), "--format", form, *EASY]
        assert main(arguments) == main([*arguments, "--out", str(out)]) == 0
        printed = capsys.readouterr().out
        assert out.read_text() == printed != ""
    lengths = {round(float(end) - float(start), 6) for start, end, _ in (line.split("\t") for line in printed.splitlines())}
    assert lengths == {0.5}


def test_audacitys_labels_are_what_was_said(model: Path, recording: Path, tmp_path: Path, capsys: Capture) -> None:
    tables = []
    for name, text in (
        ("ms.txt", "yes, 0\nno, 1250\n_unknown_, 2500\nyes, 3750\nno, 6250\n"),
        ("s.txt", "0\t0.5\tyes\n1.25\t1.25\tno\n2.5\t3\t_unknown_\n3.75\t4\tyes\n6.25\t7\tno\n"),
    ):
        (tmp_path / name).write_text(text)
        assert main(["stream", str(model), str(recording), "--ground-truth", str(tmp_path / name), *EASY]) == 0
        tables.append(capsys.readouterr().out)
    assert tables[0] == tables[1]
    assert "all words     4" in tables[0]


def make_loud(word: NDArray[np.int16]) -> WaveformModel:
    """A model that says `loud` where at least half of the word is in the window, and `_silence_` else."""
    model = make_model("single_fc", "log_mel", words=("loud",))
    output = model.network.output
    assert isinstance(output, torch.nn.Linear)
    clips = torch.from_numpy(to_float(np.stack([np.pad(word, (0, RATE_HZ - len(word))), np.zeros(RATE_HZ, np.int16)])))
    with torch.no_grad():
        loud, silent = model.front_end(clips).mean(dim=(1, 2)).tolist()
        output.weight.zero_()
        output.weight[2] = 16 / (loud - silent) / output.in_features
        output.bias.copy_(torch.tensor([0, -20, -8 - 16 * silent / (loud - silent)]))
    return model


def test_a_word_by_itself_is_found(tmp_path: Path, capsys: Capture) -> None:
    """The words of a model of loudness: at the very start, at the very end, alone, and between digital silence."""
    word = word_sound("yes", np.random.default_rng(0))
    word = word[np.flatnonzero(abs(word) > 1000)[0] :][:5600]
    assert export(make_loud(word), FORMATS["onnx"], tmp_path, "m").passed
    assert export_streaming(make_loud(word), "onnx", tmp_path, "m").passed
    around = [(0, 0), (9600, 0), (0, 9600), (32000, 0), (0, 32000), (32000, 1600), (32000, 32000)]
    for name in ("m.onnx", "m.stream.onnx"):
        for before, after in around:
            write_wav(tmp_path / "w.wav", np.pad(word, (before, after)), RATE_HZ)
            (tmp_path / "w.txt").write_text(f"loud, {before // 16}\n")
            arguments = ["stream", str(tmp_path / name), str(tmp_path / "w.wav"), "--ground-truth", str(tmp_path / "w.txt")]
            assert main([*arguments, "--format", "json"]) == 0
            captured = capsys.readouterr()
            found = [json.loads(line) for line in captured.out.splitlines()]
            assert [one["label"] for one in found] == ["loud"], (name, before, after)
            assert 0 <= found[0]["time_ms"] <= before // 16 and "  1     1 " in captured.err


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
    assert caplog.messages == [f"{tmp_path / 'short.wav'}: 0.25 s is shorter than a window of 1 s; silence is put around it"]
    assert np.load(tmp_path / "s.npz")["times_ms"].tolist() == list(range(-990, 250, 30))


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
        (["--tolerance-ms", "-1"], "--tolerance-ms: -1 given; at least 0 is expected"),
        (["--threads", "-1"], "threads: -1 given; 1 to 1024 is expected"),
        (["--threads", "1" + 20 * "0"], "threads: 100000000000000000000 given; 1 to 1024 is expected"),
        (["--average-window-ms", "3600000"], "average_window_ms: 3600000 given; at most 10000 is expected"),
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
