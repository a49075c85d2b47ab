"""`kws make-stream`: a stream of one split's clips, with its truth beside it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from corpora import OTHERS, RATE_HZ, SPEAKERS, WANTED
from exported import make_model

from kws.audio.io import read_audio
from kws.cli.main import main
from kws.export.exporter import export
from kws.export.formats import FORMATS
from kws.streaming.events import read_truth

Capture = pytest.CaptureFixture[str]
WITHOUT_TORCH = """
import sys
for name in ("torch", "torchaudio", "pytorch_lightning", "hydra", "onnx", "matplotlib", "scipy.signal"):
    sys.modules[name] = None
from kws.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def make(data: Path, out: Path, *arguments: str, minutes: float = 1) -> dict[str, Any]:
    """What the JSON says after the command made a stream."""
    words = () if "--model" in arguments else ("--words", "yes,no")
    assert main(["make-stream", str(data), str(out), *words, "--minutes", str(minutes), *arguments]) == 0
    content: dict[str, Any] = json.loads(out.with_suffix(".json").read_text())
    return content


@pytest.mark.parametrize("split", ["testing", "validation", "training"])
def test_makes_a_stream_of_one_split_alone(split: str, small_corpus: Path, tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "s.wav"
    content = make(small_corpus, out, "--split", split, "--seed", "4")
    truth = read_truth(tmp_path / "s.txt")
    unknown = sum(word.label == "_unknown_" for word in truth)
    assert capsys.readouterr().out == f"{out}: 1 min, {20 - unknown} wanted words, {unknown} others, of the {split} split\n"
    assert len(read_audio(out, RATE_HZ, resample=False)) == 60 * RATE_HZ
    assert [(word["label"], word["time_ms"]) for word in content["truth"]] == [(word.label, word.time_ms) for word in truth]
    for word in content["truth"]:
        folder, file = word["clip"].split("/")
        assert file.split("_nohash_")[0] in SPEAKERS[split]
        assert word["label"] == (folder if folder in WANTED else "_unknown_")
    assert (content["rate_hz"], content["duration_ms"], content["clipped_samples"]) == (RATE_HZ, 60_000, 0)
    assert (content["split"], content["settings"]["seed"]) == (split, 4)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s.json", "s.txt", "s.wav"]


def test_splits_by_lists(corpus_folder: Path, tmp_path: Path) -> None:
    listed = {f"{word}/{SPEAKERS['training'][0]}_nohash_0.wav" for word in (*WANTED, *OTHERS)}
    (corpus_folder / "testing_list.txt").write_text("".join(f"{name}\n" for name in listed))
    (corpus_folder / "validation_list.txt").write_text("")
    content = make(corpus_folder, tmp_path / "s.wav", "--lists")
    assert {word["clip"] for word in content["truth"]} <= listed


def test_the_same_again_and_another_by_the_seed(small_corpus: Path, tmp_path: Path) -> None:
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        make(small_corpus, tmp_path / f"{name}.wav", "--seed", seed, minutes=0.2)
    for suffix in (".wav", ".txt", ".json"):
        first, again, other = ((tmp_path / name).with_suffix(suffix).read_bytes() for name in "abc")
        assert first == again != other


def test_streams_without_wanted_words(small_corpus: Path, tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "s.wav"
    assert {word["label"] for word in make(small_corpus, out, "--only-unknown")["truth"]} == {"_unknown_"}
    assert "0 wanted words, 20 others" in capsys.readouterr().out
    assert make(small_corpus, out, "--no-words")["truth"] == []
    assert read_truth(tmp_path / "s.txt") == ()
    assert read_audio(out, RATE_HZ).any()


def test_takes_labels_and_rate_of_a_model(small_corpus: Path, tmp_path: Path) -> None:
    assert export(make_model(words=("no",)), FORMATS["onnx"], tmp_path, "m").passed
    content = make(small_corpus, tmp_path / "s.wav", "--model", str(tmp_path / "m.onnx"))
    assert content["labels"] == ["_silence_", "_unknown_", "no"]
    assert {word["label"] for word in content["truth"]} == {"_unknown_", "no"}


def test_needs_no_torch(small_corpus: Path, tmp_path: Path) -> None:
    arguments = ["make-stream", str(small_corpus), str(tmp_path / "s.wav"), "--words", "yes", "--minutes", "0.1"]
    result = subprocess.run([sys.executable, "-c", WITHOUT_TORCH, *arguments], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")


def test_help_shows_an_example(capsys: Capture) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["make-stream", "--help"])
    assert "kws make-stream clips validation.wav --model best.onnx" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--words", "yes,maybe"], "no clips of maybe in the testing set"),
        (["--words", "yes", "--minutes", "0"], "minutes: 0 given"),
        (["--words", "yes", "--interval-s", "0.2"], "interval_s: 0.2 s is less than a clip"),
        (["--words", "yes", "--no-words", "--snr-db", "10"], "snr_db: 10 given, but no_words"),
        (["--words", "yes", "--lists"], "validation_list.txt: this list of clips is missing"),
        (["--model", "nowhere.onnx"], "nowhere.onnx: no such file"),
    ],
)
def test_what_makes_no_sense_is_named(
    arguments: list[str], message: str, small_corpus: Path, tmp_path: Path, capsys: Capture
) -> None:
    assert main(["make-stream", str(small_corpus), str(tmp_path / "s.wav"), *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("out", "message"), [("s.mp3", r"s.mp3: ends in .mp3"), ("nowhere/s.wav", "nowhere: no such folder")])
def test_a_place_that_is_none_is_named(out: str, message: str, small_corpus: Path, tmp_path: Path, capsys: Capture) -> None:
    assert main(["make-stream", str(small_corpus), str(tmp_path / out), "--words", "yes"]) == 2
    assert message in capsys.readouterr().err


def test_data_without_noise_is_named(corpus_folder: Path, tmp_path: Path, capsys: Capture) -> None:
    shutil.rmtree(corpus_folder / "_background_noise_")
    assert main(["make-stream", str(corpus_folder), str(tmp_path / "s.wav"), "--words", "yes"]) == 2
    assert "_background_noise_: no such folder" in capsys.readouterr().err


@pytest.mark.parametrize("failing", ["write_truth", "write_json", "write_wav"])
def test_a_stream_that_was_there_stays_whole(
    failing: str, small_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    make(small_corpus, tmp_path / "s.wav", minutes=0.2)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    home = {"write_truth": "kws.streaming.events", "write_json": "kws.files.json_file", "write_wav": "kws.audio.io"}[failing]
    monkeypatch.setattr(f"{home}.{failing}", full)
    arguments = ["make-stream", str(small_corpus), str(tmp_path / "s.wav"), "--words", "yes", "--minutes", "0.2", "--seed", "9"]
    assert main(arguments) == 2
    assert "s.wav: can't be written: No space left on device" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_noise_that_is_converted_is_named(corpus_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    noise = corpus_folder / "_background_noise_" / "stereo.wav"
    soundfile.write(noise, np.zeros((2 * 44100, 2)), 44100)
    make(corpus_folder, tmp_path / "s.wav")
    assert [message.split(";")[0] for message in caplog.messages if "stereo" in message] == [
        f"{noise}: its 2 channels were averaged and its 44100 Hz were resampled to the model's 16000 Hz"
    ]


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "is empty"), (b"RIFF....", "can't be read as sound"), (None, "holds NaN or infinite samples")]
)
def test_noise_that_is_no_sound_is_named(
    content: bytes | None, message: str, corpus_folder: Path, tmp_path: Path, capsys: Capture
) -> None:
    noise = corpus_folder / "_background_noise_" / "bad.wav"
    if content is None:
        soundfile.write(noise, np.full(32000, np.nan), 16000, subtype="FLOAT")
    else:
        noise.write_bytes(content)
    assert main(["make-stream", str(corpus_folder), str(tmp_path / "s.wav"), "--words", "yes,no"]) == 2
    assert f"{noise}: {message}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--minutes", "1e9"], "minutes: 1e+09 given; a WAV file holds at most 2237 at 16000 Hz"),
        (["--minutes", "1e300"], "minutes: 1e+300 given; a WAV file holds at most 2237 at 16000 Hz"),
        (["--minutes", "1e-9", "--no-words"], "minutes: 1e-09 is less than a clip of 1 s"),
        (["--minutes", "nan"], "minutes: nan given"),
        (["--interval-s", "1e300"], "minutes: 10 is less than one interval_s of 1e+300 s"),
        (["--snr-db=-1e9"], "snr_db: -1e+09 given; a level in dB from -200 to 200 is expected"),
        (["--seed", "-1"], "seed: -1 given"),
    ],
)
def test_numbers_that_make_no_sense_are_named(
    arguments: list[str], message: str, small_corpus: Path, tmp_path: Path, capsys: Capture
) -> None:
    assert main(["make-stream", str(small_corpus), str(tmp_path / "s.wav"), "--words", "yes,no", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not list(tmp_path.iterdir())
