"""`kws label`, `evaluate` and `spectrogram` with a trained checkpoint, and `kws` itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from corpora import RATE_HZ, SPEAKERS, word_sound
from training_steps import RECIPE, make_data, train_run
from warm_python import WarmPython

import kws
from kws.audio.io import write_wav
from kws.cli.main import COMMANDS, main
from kws.inference.loading import load
from kws.labels import SILENCE
from kws.training.module import KeywordModule


@pytest.fixture(scope="module")
def model(small_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    train_run(small_corpus, folder, 40, last_every=40)
    return folder / "checkpoints" / "last.ckpt"


def clip_of(corpus: Path, word: str) -> Path:
    return corpus / word / f"{SPEAKERS['testing'][0]}_nohash_0.wav"


def test_labels_a_file_and_a_folder(model: Path, small_corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["label", str(model), str(clip_of(small_corpus, "yes")), str(small_corpus / "no"), "--top", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(list((small_corpus / "no").iterdir()))
    assert lines[0].startswith(str(clip_of(small_corpus, "yes")))
    assert len(lines[0].split()) == 1 + 2 * 2


def test_labels_as_the_model_scores(model: Path, small_corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["label", str(model), str(clip_of(small_corpus, "yes")), "--json", "--top", "9"]) == 0
    answer = json.loads(capsys.readouterr().out)
    loaded = load(model)
    sound = kws.audio.io.read_audio(clip_of(small_corpus, "yes"), RATE_HZ)
    scores = loaded.score(kws.audio.io.to_float(kws.audio.io.fit_length(sound, RATE_HZ))[None])[0]
    assert answer["scores"] == pytest.approx(dict(zip(loaded.labels.names, scores.tolist(), strict=True)))
    assert answer["label"] == loaded.labels.names[int(scores.argmax())]


def test_takes_the_loudest_part_of_a_longer_recording(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    word = word_sound("yes", np.random.default_rng(1))
    quiet = np.zeros(2 * RATE_HZ, dtype=np.int16)
    write_wav(tmp_path / "late.wav", np.concatenate([quiet, word]), RATE_HZ)
    write_wav(tmp_path / "alone.wav", word, RATE_HZ)
    assert main(["label", str(model), str(tmp_path / "late.wav"), "--json", "--top", "4"]) == 0
    first = capsys.readouterr()
    assert "--loudest" in first.err
    assert main(["label", str(model), str(tmp_path / "late.wav"), "--json", "--top", "4", "--loudest"]) == 0
    loudest = capsys.readouterr()
    assert loudest.err == "1 of 1 recordings is longer than 1 s: the loudest 1 s of each is labelled\n"
    assert json.loads(first.out)["scores"] != json.loads(loudest.out)["scores"]


def test_goes_on_after_a_bad_file(model: Path, small_corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.wav").write_text("not sound")
    assert main(["label", str(model), str(tmp_path / "text.wav"), str(clip_of(small_corpus, "yes"))]) == 2
    out, err = capsys.readouterr()
    assert "text.wav" in err
    assert len(out.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["label", "none.ckpt", "x.wav"], "none.ckpt: no such file"),
        (["label", "MODEL", "EMPTY"], "holds no sound files"),
        (["label", "MODEL", "x.wav", "--top", "0"], "--top: 0"),
        (["evaluate", "MODEL", "EMPTY"], "empty"),
        (["evaluate", "MODEL", "nowhere"], "nowhere"),
        (["evaluate", "MODEL", "DATA", "--unknown-percentage", "-1"], "--unknown-percentage: -1"),
        (["evaluate", "MODEL", "DATA", "--testing-percentage", "95"], "testing_percentage"),
        (["evaluate", "MODEL", "DATA", "--lists"], "validation_list.txt"),
        (["evaluate", "MODEL", "DATA", "--errors", "DATA"], "a new or empty folder"),
        (["evaluate", "MODEL", "DATA", "--errors-count", "3"], "without --errors"),
        (["evaluate", "MODEL", "DATA", "--errors", "new", "--errors-count", "0"], "--errors-count: 0"),
        (["evaluate", "MODEL", "DATA", "--unseen-words", "tree,lamp"], "no clips of lamp"),
        (["evaluate", "MODEL", "DATA", "--unseen-words", "yes"], "yes is a wanted word"),
        (["evaluate", "MODEL", "DATA", "--unseen-words", "tree", "--split", "training"], "--unseen-words: "),
        (["spectrogram", "x.wav", "x.png"], "x.wav"),
        (["spectrogram", "CLIP", "x.docx"], "x.docx"),
    ],
)
def test_says_what_is_wrong(
    arguments: list[str],
    message: str,
    model: Path,
    small_corpus: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    stand_ins = {"MODEL": str(model), "EMPTY": "empty", "DATA": str(small_corpus), "CLIP": str(clip_of(small_corpus, "no"))}
    assert main([stand_ins.get(argument, argument) for argument in arguments]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert message in err


def test_evaluates_what_training_tested(
    model: Path, small_corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import pytorch_lightning as pl

    data = make_data(small_corpus)
    command = ["evaluate", str(model), str(small_corpus), "--seed", str(data.seed), "--json", "--out", str(tmp_path / "out")]
    shares = ["--unknown-percentage", str(data.unknown_percentage), "--silence-percentage", str(data.silence_percentage)]
    assert main(command + shares) == 0
    found = json.loads(capsys.readouterr().out)
    module = KeywordModule(RECIPE)
    pl.Trainer(logger=False, accelerator="cpu", enable_progress_bar=False).test(module, data, ckpt_path=model, verbose=False)
    assert module.confusion is not None
    assert found["confusion_matrix"]["counts"] == module.confusion.counts.tolist()
    assert found["clips"] == module.confusion.total > 0
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text())["accuracy"] == found["accuracy"]
    assert (tmp_path / "out" / "evaluation_confusion.png").stat().st_size > 5000


def test_evaluates_all_clips(model: Path, small_corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shares = ["--unknown-percentage", "0", "--silence-percentage", "0"]
    assert main(["evaluate", str(model), str(small_corpus), "--split", "all", *shares]) == 0
    out = capsys.readouterr().out
    clips = sum(len(list((small_corpus / word).iterdir())) for word in RECIPE.words)
    assert f"of {clips} clips (all)" in out
    assert SILENCE in out


def test_copies_the_clips_it_got_wrong(
    model: Path, small_corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    errors = tmp_path / "errors"
    assert (
        main(["evaluate", str(model), str(small_corpus), "--split", "all", "--errors", str(errors), "--errors-count", "2"]) == 0
    )
    out = capsys.readouterr().out
    content = json.loads((errors / "errors.json").read_text(encoding="utf-8"))
    assert f"of {content['clips']} clips (all)" in out
    assert str(errors / "index.html") in out
    assert len(content["worst"]) == min(2, content["wrong"]) > 0
    for pair in content["pairs"]:
        assert f"{pair['truth']} → {pair['prediction']}" in out


@pytest.mark.parametrize("missing", ["torch", "matplotlib"])
def test_says_before_it_scores_what_errors_need(
    model: Path,
    small_corpus: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    missing: str,
) -> None:
    monkeypatch.delitem(sys.modules, "kws.reports.error_report", raising=False)
    monkeypatch.delitem(sys.modules, "kws.plots.clip", raising=False)
    monkeypatch.setitem(sys.modules, missing, None)
    if missing == "matplotlib":
        monkeypatch.setitem(sys.modules, "matplotlib.axes", None)
    assert main(["evaluate", "none.onnx", str(small_corpus), "--errors", str(tmp_path / "new")]) == 2
    assert f"needs {missing}, which is not installed; pip install 'kws[train]'" in capsys.readouterr().err


@pytest.mark.parametrize("split", ["testing", "validation", "all"])
def test_evaluates_unseen_words(model: Path, small_corpus: Path, capsys: pytest.CaptureFixture[str], split: str) -> None:
    command = ["evaluate", str(model), str(small_corpus), "--split", split]
    assert main([*command, "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert main([*command, "--json", "--unseen-words", "tree,bed"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {name: value for name, value in found.items() if not name.startswith("unseen_")} == plain
    speakers = [speaker for part, people in SPEAKERS.items() if split in (part, "all") for speaker in people]
    assert found["unseen_clips"] == 2 * 2 * len(speakers)
    names = [f"{speaker}_nohash_{take}.wav" for speaker in speakers for take in (0, 1)]
    clips = [small_corpus / word / name for word in ("bed", "tree") for name in names]
    sound = np.stack([kws.audio.io.fit_length(kws.audio.io.read_audio(clip, RATE_HZ), RATE_HZ) for clip in clips])
    called = load(model).score(kws.audio.io.to_float(sound)).argmax(axis=1)
    assert found["unseen_unknown_recall"] == pytest.approx((called == 1).mean())
    assert found["unseen_words"]["tree"]["accepted"] == pytest.approx((called[len(called) // 2 :] > 1).mean())
    assert main([*command, "--unseen-words", "tree"]) == 0
    assert f"clips called unknown, {100 * found['unseen_words']['tree']['accepted']:.2f} % taken" in capsys.readouterr().out


def test_draws_a_clip_of_any_length(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_wav(tmp_path / "long.wav", word_sound("no", np.random.default_rng(2), seconds=2.5), RATE_HZ)
    values = tmp_path / "long.csv"
    assert main(["spectrogram", str(tmp_path / "long.wav"), str(tmp_path / "long.png"), "--values", str(values)]) == 0
    assert (tmp_path / "long.png").read_bytes().startswith(b"\x89PNG")
    assert "248 frames × 40 bins" in capsys.readouterr().out
    assert np.loadtxt(values, delimiter=",").shape == (248, 40)
    picture = str(tmp_path / "own.svg")
    assert main(["spectrogram", str(tmp_path / "long.wav"), picture, "--model", str(model)]) == 0
    assert f"× {RECIPE.features['bins']} bins" in capsys.readouterr().out


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "train"])  # the help of train is Hydra's
def test_help_has_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([command.replace("_", "-"), "--help"])
    assert stop.value.code == 0
    assert f"kws {command.replace('_', '-')}" in capsys.readouterr().out.split("example", 1)[1]


def test_help_and_preparation_need_no_torch() -> None:
    code = (
        "import sys; from kws.cli.main import build_parser; import kws.data.prepare, kws.audio.io, kws.labels; build_parser();"
        "sys.exit(any(name in sys.modules for name in ('torch', 'pytorch_lightning', 'hydra', 'matplotlib', 'scipy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_evaluation_needs_no_torch() -> None:
    code = (
        "import sys; import kws.evaluation.predictions, kws.data.sets.split_set, kws.data.sources.folder;"
        "sys.exit(any(name in sys.modules for name in ('torch', 'pytorch_lightning', 'hydra')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_reads_files_as_label_does(model: Path, small_corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    loaded = load(model)
    clips = sorted((small_corpus / "yes").iterdir())[:3]
    scores = loaded.score(loaded.read(*clips))
    assert main(["label", str(model), *map(str, clips), "--json", "--top", "9"]) == 0
    for line, row in zip(capsys.readouterr().out.splitlines(), scores, strict=True):
        expected = dict(zip(loaded.labels.names, row.tolist(), strict=True))
        assert json.loads(line)["scores"] == pytest.approx(expected, abs=1e-6)


def test_standard_input_is_labelled(model: Path, small_corpus: Path, warm_python: WarmPython) -> None:
    warm_python.start()
    for name in ("-", "/dev/stdin"):
        command = [sys.executable, *warm_python.client, "-m", "kws.cli.main", "label", str(model), name, "--json"]
        sound = clip_of(small_corpus, "yes").read_bytes()
        out = subprocess.run(command, input=sound, capture_output=True, check=True, timeout=120).stdout
        assert json.loads(out)["file"] == name


def test_names_that_are_not_utf_8_or_hold_formulas(
    model: Path, small_corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = clip_of(small_corpus, "yes").read_bytes()
    names = [os.fsdecode(b"\xff.wav"), "$^$.wav", "a\x1b[2J.wav"]
    for name in names:
        (tmp_path / name).write_bytes(sound)
        path = str(tmp_path / name)
        assert main(["label", str(model), path, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["file"] == path
        assert main(["label", str(model), path]) == 0
        assert "\x1b" not in capsys.readouterr().out
        assert main(["spectrogram", path, str(tmp_path / "x.png")]) == 0
        assert main(["stream", str(model), path, "--picture", str(tmp_path / "y.png")]) == 0
        capsys.readouterr()


def test_evaluates_the_words_that_a_folder_has(
    model: Path, small_corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("yes", "tree"):
        shutil.copytree(small_corpus / folder, tmp_path / folder)
    arguments = ["evaluate", str(model), str(tmp_path), "--split", "all", "--silence-percentage", "0"]
    assert main([*arguments, "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["clips" if "clips" in out else "total"]
    assert "no clips of no: " in err


def test_hints_name_the_options_of_the_command(
    model: Path, small_corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(small_corpus / "yes", tmp_path / "data" / "yes")
    assert main(["evaluate", str(model), str(tmp_path / "data"), "--silence-percentage", "0"]) == 2
    err = capsys.readouterr().err
    assert "--unknown-percentage 0" in err
    assert "data." not in err
    (tmp_path / "file").write_text("")
    cache = str(tmp_path / "file" / "cache")
    assert main(["evaluate", str(model), str(small_corpus), "--cache-dir", cache]) == 2
    err = capsys.readouterr().err
    assert "set --cache-dir to another folder" in err
    assert main(["calibrate", str(model), str(small_corpus), "--cache-dir", cache]) == 2
    assert "set --cache-dir to another folder" in capsys.readouterr().err


def test_several_models_are_counted(model: Path, small_corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(model), str(model), str(small_corpus)]) == 2
    assert "2 models given" in capsys.readouterr().err
