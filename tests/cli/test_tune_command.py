"""`kws tune`: a trained model, a stream of its words, and what becomes of the model's file."""

from __future__ import annotations

import argparse
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from corpora import OTHERS, RATE_HZ, WANTED, word_sound
from matplotlib.image import imread
from training_steps import train_run

import kws
from kws.audio.io import write_wav
from kws.cli import stream as stream_command
from kws.cli import tune
from kws.errors import KwsError
from kws.evaluation.streams.offline_decoder import read_scores
from kws.evaluation.streams.scoring import score_detections
from kws.export.parity import LIMIT
from kws.inference.loading import load
from kws.inference.metadata_update import write_decoder
from kws.streaming.decoder import CommandDecoder
from kws.streaming.decoder_settings import DecoderSettings
from kws.streaming.events import Detection, SpokenWord, read_truth, write_truth


@pytest.fixture(scope="module")
def trained(small_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    train_run(small_corpus, folder, 60, last_every=60)
    return folder / "checkpoints" / "last.ckpt"


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 s: a word every 2 s, every fourth one not wanted; the ground truth lies beside it."""
    rng = np.random.default_rng(3)
    sound = np.rint(100 * rng.standard_normal(40 * RATE_HZ)).astype(np.int16)
    truth = []
    for index, start_s in enumerate(range(1, 39, 2)):
        word = OTHERS[index % 2] if index % 4 == 3 else WANTED[index % 2]
        sound[start_s * RATE_HZ : (start_s + 1) * RATE_HZ] = word_sound(word, rng)
        truth.append(SpokenWord(word if word in WANTED else "_unknown_", 1000 * start_s))
    path = tmp_path_factory.mktemp("stream") / "stream.wav"
    write_wav(path, sound, RATE_HZ)
    write_truth(path.with_suffix(".txt"), truth)
    return path


@pytest.fixture
def model(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(trained, tmp_path / "model.ckpt"))


def run(*words: Any, command: str = "tune") -> int:
    parser = argparse.ArgumentParser()
    subparsers = parser.add_subparsers()
    for module in (tune, stream_command):
        module.add_parser(subparsers)
    args = parser.parse_args([command, *map(str, words)])
    return int(args.run(args))


def write_scores(path: Path, times_ms: Any, scores: Any, labels: tuple[str, ...]) -> None:
    np.savez(path, times_ms=times_ms, scores=scores, labels=np.array(labels))


def test_writes_what_it_found(model: Path, stream: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(model, stream, "--false-accepts-per-hour", 400, "--json") == 0
    content = json.loads(capsys.readouterr().out)
    loaded = load(model)
    settings = loaded.metadata.decoder
    assert content["written"] is True
    assert settings == DecoderSettings.from_dict(content["after"]["settings"])
    # The decoder with the new settings does as promised.
    scored = tune.score_stream(loaded, stream, settings)
    decoder = CommandDecoder(loaded.labels.names, settings)
    decisions = [decoder.step(row, int(at)) for row, at in zip(scored.scores, scored.times_ms, strict=True)]
    found = [Detection(each.label, each.time_ms, each.score) for each in decisions if each.is_new]
    total = score_detections(read_truth(stream.with_suffix(".txt")), found, 40_000).total
    assert (total.hits, total.false_accepts) == (content["after"]["score"]["hits"], content["after"]["score"]["false_accepts"])
    assert total.hits >= content["before"]["score"]["hits"]


def test_tells_before_and_after(model: Path, stream: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = model.read_bytes()
    picture = tmp_path / "a.png"
    assert run(model, stream, "--false-accepts-per-hour", 400, "--dry-run", "--picture", picture) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["before", "after"]
    assert [line.split()[1] for line in lines[1:5]] == ["0.7", "500", "1500", "3"]
    assert lines[-2].startswith("400 false accepts an hour is not proven: the sound leaves up to ")
    assert lines[-1] == f"{model}: stays as it was"
    assert model.read_bytes() == content
    assert imread(picture).std() > 0.05


def test_a_target_out_of_reach_changes_nothing(model: Path, stream: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = model.read_bytes()
    # The stream again, but nothing was said in it: whatever finds a word makes a false accept.
    assert run(model, stream, "--no-words", stream, "--false-accepts-per-hour", 0) == 1
    out = capsys.readouterr().out
    assert "none of them finds a word at no more than 0 false accepts an hour; these make the fewest" in out
    assert model.read_bytes() == content


def test_saved_scores_give_the_same(model: Path, stream: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scores, truth = tmp_path / "scores.npz", stream.with_suffix(".txt")
    assert run(model, stream, "--scores", scores, command="stream") == 0
    capsys.readouterr()
    assert run(model, stream, "--false-accepts-per-hour", 400, "--dry-run", "--json") == 0
    first = capsys.readouterr().out
    assert run(model, "--scores", scores, "--ground-truth", truth, "--false-accepts-per-hour", 400, "--dry-run", "--json") == 0
    second = capsys.readouterr().out
    assert first == second
    run(model, stream, "--no-words", scores, "--false-accepts-per-hour", 400, "--dry-run", "--json")
    assert json.loads(capsys.readouterr().out)["after"]["score"]["duration_ms"] == 80_000


def test_times_are_starts_of_windows(model: Path, stream: Path) -> None:
    scored = tune.score_stream(load(model), stream, DecoderSettings())
    assert scored.times_ms.tolist() == list(range(-990, 40_000, 30))
    assert scored.duration_ms == 40_000
    sound = kws.audio.io.to_float(kws.audio.io.read_audio(stream, RATE_HZ))
    clips = np.stack([sound[16 * at : 16 * at + RATE_HZ] for at in (0, 2700, 38_970)])
    np.testing.assert_allclose(scored.scores[[33, 33 + 90, 33 + 1299]], load(model).score(clips), atol=LIMIT)


@pytest.mark.parametrize("options", [[], ["--as-original"]])
def test_its_table_is_what_stream_counts(
    options: list[str], model: Path, stream: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Words at the very start and the very end too, and digital silence.
    sound = kws.audio.io.read_audio(stream, RATE_HZ)[RATE_HZ : 38 * RATE_HZ]
    sound[5 * RATE_HZ : 6 * RATE_HZ] = 0
    path, truth = tmp_path / "cut.wav", tmp_path / "cut.txt"
    write_wav(path, sound, RATE_HZ)
    words = [replace(word, time_ms=word.time_ms - 1000) for word in read_truth(stream.with_suffix(".txt"))]
    write_truth(truth, [word for word in words if 0 <= word.time_ms <= 36_000])

    def counted() -> list[int]:
        assert run(model, path, "--ground-truth", truth, *options, command="stream") == 0
        (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("all words")]
        return [int(count) for count in line.split()[2:7]]

    def table(score: dict[str, Any]) -> list[int]:
        return [score[name] for name in ("said", "hits", "wrong", "missed", "false_accepts")]

    before = counted()
    assert run(model, path, "--false-accepts-per-hour", 400, "--json", *options) == 0
    content = json.loads(capsys.readouterr().out)
    assert (table(content["before"]["score"]), table(content["after"]["score"])) == (before, counted())
    assert content["after"]["settings"] != content["before"]["settings"]


# What is refused


def test_saved_scores_are_as_they_were_made(model: Path, stream: Path) -> None:
    with pytest.raises(KwsError, match="--as-original: has no effect on saved scores"):
        run(model, "--scores", stream.with_suffix(".npz"), "--as-original")


def test_scores_of_before_end_with_their_last_window(tmp_path: Path) -> None:
    path, names = tmp_path / "old.npz", ("_silence_", "_unknown_", "yes", "no")
    write_scores(path, np.arange(0, 300, 30), np.full((10, 4), 0.25, np.float32), names)
    assert read_scores(path, (), 1000).duration_ms == 1270
    np.savez(path, times_ms=[-30, 0], scores=np.zeros((2, 4)), labels=np.array(names), duration_ms=35)
    assert read_scores(path, (), 1000).duration_ms == 35


def test_one_source_of_scores_is_asked_for(model: Path, stream: Path) -> None:
    for words in ((model,), (model, stream, "--scores", stream.with_suffix(".npz"))):
        with pytest.raises(KwsError, match="give either STREAM, or --scores"):
            run(*words)


def test_files_that_do_not_fit_are_named(model: Path, stream: Path, tmp_path: Path) -> None:
    with pytest.raises(KwsError, match=r"nowhere\.txt: can't be read"):
        run(model, tmp_path / "nowhere.wav")
    truth = tmp_path / "other.txt"
    truth.write_text("house, 100\n")
    with pytest.raises(KwsError, match=r"other\.txt: labels house are not among the model's"):
        run(model, stream, "--ground-truth", truth)
    with pytest.raises(KwsError, match=r"a\.pte: .*tune the checkpoint, then export"):
        run(tmp_path / "a.pte", stream)


def test_truths_that_do_not_fit_are_named(model: Path, stream: Path, tmp_path: Path) -> None:
    truth, scores = tmp_path / "truth.txt", tmp_path / "scores.npz"
    names = load(model).labels.names
    write_scores(scores, np.arange(0, 3000, 30), np.full((100, 4), 0.25, np.float32), names)
    for source in ((stream,), ("--scores", scores)):
        truth.write_text("yes, 100\nyes, 70000\n")
        with pytest.raises(KwsError, match=r"truth\.txt: a word at 70000 ms \(yes\), but the sound of .* ends at"):
            run(model, *source, "--ground-truth", truth)
        for nothing in ("", "_unknown_, 100\n"):
            truth.write_text(nothing)
            with pytest.raises(KwsError, match=r"truth\.txt: none of yes, no is in it"):
                run(model, *source, "--ground-truth", truth)


def test_sound_that_does_not_fit_is_named(model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path, truth = tmp_path / "sound.wav", tmp_path / "truth.txt"
    truth.write_text("yes, 100\n")
    for samples, message in ((np.zeros(0), "holds no sound"), (np.full(20000, np.nan), "holds NaN or infinite samples")):
        soundfile.write(path, samples, RATE_HZ, subtype="FLOAT")
        with pytest.raises(KwsError, match=rf"sound\.wav: {message}"):
            run(model, path, "--ground-truth", truth)
    soundfile.write(path, np.zeros((4000, 2)), 8000)
    run(model, path, "--ground-truth", truth, "--dry-run")
    assert [message.split(";")[0] for message in caplog.messages] == [
        f"{path}: its 2 channels were averaged and its 8000 Hz were resampled to the model's 16000 Hz",
        f"{path}: 0.50 s is shorter than a window of 1 s",
    ]


def test_scores_that_do_not_fit_are_named(model: Path, stream: Path, tmp_path: Path) -> None:
    path, truth = tmp_path / "other.npz", stream.with_suffix(".txt")
    names = load(model).labels.names
    times_ms, scores = np.arange(0, 400, 40), np.zeros((10, 4), np.float32)
    for labels, message in (
        (names, "scores every 40 ms; the model's stride_ms is 30"),
        (("a", "b", "c", "d"), "scores of a, b, c, d"),
    ):
        write_scores(path, times_ms, scores, labels)
        with pytest.raises(KwsError, match=rf"other\.npz: {message}"):
            run(model, "--scores", path, "--ground-truth", truth)
    for broken, message in ((np.nan, "scores: NaN or infinite ones found"), (np.inf, "scores: NaN or infinite ones found")):
        write_scores(path, np.arange(0, 300, 30), np.full((10, 4), broken, np.float32), names)
        with pytest.raises(KwsError, match=rf"other\.npz: {message}"):
            run(model, "--scores", path, "--ground-truth", truth)
    write_scores(path, [], np.zeros((0, 4)), names)
    write_scores(tmp_path / "object.npz", np.array([{}]), scores, names)
    (tmp_path / "text.npz").write_bytes(b"no scores")
    for broken in (path, tmp_path / "object.npz", tmp_path / "text.npz", tmp_path / "nowhere.npz"):
        with pytest.raises(KwsError, match=rf"{broken.name}: can't be read as scores of a stream .*`kws stream --scores`"):
            read_scores(broken, (), 1000)


def test_thresholds_of_single_words_are_told_and_written(model: Path, stream: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(model, stream, "--false-accepts-per-hour", 400, "--per-word-thresholds") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["before", "one", "threshold", "one", "a", "word"]
    assert len(lines[1].split()) == 4
    settings = replace(DecoderSettings(), word_thresholds={"yes": 0.6})
    write_decoder(model, settings)
    assert run(model, stream, "--false-accepts-per-hour", 400, "--dry-run") == 0
    said = "of single words (kept as they were; --per-word-thresholds chooses them anew): yes 0.6"
    assert said in capsys.readouterr().out.splitlines()
