"""A checkpoint's temperature: in it, in its scores, in every kind of file and over streams; and gone where training goes on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from corpora import RATE_HZ
from exported import make_model
from numpy.typing import NDArray
from training_steps import RECIPE, train_run

from kws.cli.main import main
from kws.data.sets.split_set import open_split
from kws.data.splits import HashedSplit
from kws.errors import KwsError
from kws.evaluation import calibration
from kws.evaluation.calibration import fit_temperature, log_scores, softmax
from kws.evaluation.predictions import predict_dataset
from kws.export.exporter import Scores, export
from kws.export.formats import FORMATS
from kws.export.parity import LIMIT
from kws.export.probes import hard_signals
from kws.export.quantize import write_int8
from kws.export.stream_exporter import SUFFIXES, export_streaming
from kws.inference.checkpoint import WaveformModel
from kws.inference.checkpoint_stream import checkpoint_scorer
from kws.inference.loading import load
from kws.inference.metadata import CHECKPOINT_KEY, Metadata
from kws.inference.metadata_update import write_decoder, write_temperature
from kws.streaming.at_temperature import at_temperature
from kws.streaming.decoder_settings import DecoderSettings

TEMPERATURE = 2.3


@pytest.fixture(scope="module")
def model() -> WaveformModel:
    made = make_model("low_latency_conv")
    made.temperature = TEMPERATURE
    return made


@pytest.fixture(scope="module")
def clips(model: WaveformModel) -> NDArray[np.float32]:
    return np.concatenate([clips for kind, clips in hard_signals(model.spec).items() if kind in ("voice", "white noise")])


@pytest.fixture(scope="module")
def trained(small_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    train_run(small_corpus, folder, 12, last_every=12)
    return folder / "checkpoints" / "last.ckpt"


@pytest.fixture
def checkpoint(trained: Path, tmp_path: Path) -> Path:
    path = tmp_path / "last.ckpt"
    path.write_bytes(trained.read_bytes())
    return path


def test_scores_are_of_the_divided_logits(model: WaveformModel, clips: NDArray[np.float32]) -> None:
    with torch.no_grad():
        logits = model.network(model.front_end(torch.from_numpy(clips))).numpy()
    np.testing.assert_allclose(model.score(clips), softmax(logits / TEMPERATURE), atol=LIMIT)
    assert np.abs(softmax(logits) - model.score(clips)).max() > 0.05
    assert model.metadata.temperature == TEMPERATURE


@pytest.mark.parametrize("form", ["onnx", "torchscript", "mobile", "executorch"])
def test_files_are_equal_and_say_it(form: str, model: WaveformModel, clips: NDArray[np.float32], tmp_path: Path) -> None:
    if form == "executorch":
        pytest.importorskip("executorch")
    assert export(model, FORMATS[form], tmp_path, "m").passed
    loaded = load(tmp_path / f"m{FORMATS[form].suffix}")
    assert loaded.metadata.temperature == TEMPERATURE
    np.testing.assert_allclose(loaded.score(clips), model.score(clips), atol=LIMIT)


def test_8_bits_divide_in_float(model: WaveformModel, clips: NDArray[np.float32], tmp_path: Path) -> None:
    warm = make_model("low_latency_conv")
    found = []
    for temperature in (1.0, TEMPERATURE):
        warm.temperature = temperature
        write_int8(Scores(warm).eval(), torch.zeros(2, 16000), warm.metadata, tmp_path / "m.int8.onnx", clips)
        found.append(load(tmp_path / "m.int8.onnx").score(clips))
    np.testing.assert_allclose(softmax(log_scores(found[0]) / TEMPERATURE), found[1], atol=1e-4)


@pytest.mark.parametrize("form", SUFFIXES)
def test_streaming_files_are_equal_and_say_it(form: str, model: WaveformModel, tmp_path: Path) -> None:
    assert export_streaming(model, form, tmp_path, "m").passed
    assert load(tmp_path / f"m{SUFFIXES[form]}").metadata.temperature == TEMPERATURE


def test_a_checkpoints_stream_is_equal(model: WaveformModel, clips: NDArray[np.float32]) -> None:
    scores = checkpoint_scorer(model).push(clips[0])
    np.testing.assert_allclose(scores[0], model.score(clips[:1])[0], atol=LIMIT)


def test_files_of_before_have_none(checkpoint: Path) -> None:
    assert load(checkpoint).metadata.temperature == 1
    text = json.loads(load(checkpoint).metadata.to_json())
    del text["temperature"]
    assert Metadata.from_json(json.dumps(text), "old").temperature == 1


@pytest.mark.parametrize("wrong", [0, -1, float("nan"), float("inf"), "hot", None, True])
def test_what_is_no_temperature_is_named(wrong: object, checkpoint: Path) -> None:
    before = checkpoint.read_bytes()
    with pytest.raises(KwsError, match=r"last\.ckpt: its temperature is .*; a number above 0 is expected"):
        write_temperature(checkpoint, wrong)  # type: ignore[arg-type]
    assert checkpoint.read_bytes() == before
    content = torch.load(checkpoint, weights_only=True)
    torch.save({**content, CHECKPOINT_KEY: {**content[CHECKPOINT_KEY], "temperature": wrong}}, checkpoint)
    with pytest.raises(KwsError, match=r"last\.ckpt: its temperature is"):
        load(checkpoint)


def test_decoder_settings_and_temperature_live_side_by_side(checkpoint: Path) -> None:
    write_temperature(checkpoint, 1.5)
    write_decoder(checkpoint, DecoderSettings(threshold=0.9))
    write_temperature(checkpoint, 1.7)
    metadata = load(checkpoint).metadata
    assert metadata.temperature == 1.7
    assert metadata.decoder == at_temperature(DecoderSettings(threshold=0.9), 1.5, 1.7, 4)
    write_temperature(checkpoint, 1.5)
    assert load(checkpoint).metadata.decoder.threshold == pytest.approx(0.9, abs=2e-4)


def test_thresholds_follow_the_temperature(checkpoint: Path) -> None:
    # The default ones too, in a checkpoint that says none.
    write_temperature(checkpoint, 3.0)
    decoder = load(checkpoint).metadata.decoder
    assert decoder == at_temperature(DecoderSettings(), 1.0, 3.0, 4)
    assert decoder.threshold < 0.6


def test_training_goes_on_as_if_it_were_not_there(checkpoint: Path, trained: Path, small_corpus: Path, tmp_path: Path) -> None:
    write_temperature(checkpoint, 1.5)
    runs = [train_run(small_corpus, tmp_path / path.parent.name, 20, ckpt=path, last_every=20) for path in (trained, checkpoint)]
    for one, other in zip(*(run.weights.values() for run in runs), strict=True):
        assert torch.equal(one, other)
    # It belonged to other weights.
    assert load(tmp_path / checkpoint.parent.name / "checkpoints" / "last.ckpt").metadata.temperature == 1


def sharpen(path: Path, factor: float) -> None:
    """Multiply a checkpoint's logits."""
    content = torch.load(path, weights_only=True)
    for name, value in content["state_dict"].items():
        if name.startswith("network.output."):
            value *= factor
    torch.save(content, path)


def test_the_command_fits_writes_and_judges(
    checkpoint: Path, small_corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = checkpoint.read_bytes()
    picture = tmp_path / "reliability.png"
    command = ["calibrate", str(checkpoint), str(small_corpus), "--json"]
    # The corpus is small.
    assert main(command) == 1
    few = json.loads(capsys.readouterr().out)
    assert (few["temperature"], few["written"]) == (1, False)
    assert few["temperature_fit"] == f"not fitted: {few['fitted_clips']} clips, 300 needed"
    assert few["ece_after"] == few["ece_before"]
    assert checkpoint.read_bytes() == before
    monkeypatch.setattr(calibration, "FEWEST_CLIPS", 1)
    monkeypatch.setattr(calibration, "FEWEST_OF_A_LABEL", 1)
    # Three times too sure of everything: a fit helps.
    sharpen(checkpoint, 3.0)
    before = checkpoint.read_bytes()
    assert main([*command, "--dry-run", "--reliability", str(picture)]) == 0
    dry = json.loads(capsys.readouterr().out)
    assert checkpoint.read_bytes() == before
    assert picture.read_bytes().startswith(b"\x89PNG")
    model = load(checkpoint)
    validation = open_split(
        small_corpus, model.labels, "validation", HashedSplit(), sample_rate=RATE_HZ, clip_samples=RATE_HZ,
        unknown_percentage=10, silence_percentage=10, seed=59185,
    )  # fmt: skip
    heard = predict_dataset(model.score, validation, model.labels.names)
    assert dry["temperature"] == pytest.approx(fit_temperature(log_scores(heard.scores), heard.truths), rel=1e-4)
    assert (main(command), main(command)) == (0, 1)
    said = [json.loads(text) for text in capsys.readouterr().out.replace("}\n{", "}\0{").split("\0")]
    # The second fit is of the bare logits too, and so no better than the first.
    assert said[0]["temperature"] == pytest.approx(said[1]["temperature"], rel=1e-9)
    assert said[1]["temperature_found"] == said[0]["temperature"]
    assert load(checkpoint).metadata.temperature == said[1]["temperature"]
    assert main(["evaluate", str(checkpoint), str(small_corpus), "--json", "--reliability", str(picture)]) == 0
    tested = json.loads(capsys.readouterr().out)
    assert (tested["ece"], tested["nll"]) == pytest.approx((said[1]["ece_after"], said[1]["nll_after"]), rel=1e-4)


def test_the_command_says_what_to_do_next(checkpoint: Path, small_corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_decoder(checkpoint, DecoderSettings(threshold=0.9))
    before = checkpoint.read_bytes()
    assert main(["calibrate", str(checkpoint), str(small_corpus), "--split", "all"]) == 1
    out = capsys.readouterr().out
    assert "all: not fitted: " in out
    assert "stays as it was" in out
    assert checkpoint.read_bytes() == before
    assert "what it says of itself is too good" in out
    # By hand, and back.
    assert main(["calibrate", str(checkpoint), "--temperature", "2"]) == 0
    assert "its decoder's thresholds for it; export it again" in capsys.readouterr().out
    assert load(checkpoint).metadata.temperature == 2
    assert load(checkpoint).metadata.decoder.threshold < 0.8
    assert main(["calibrate", str(checkpoint), "--temperature", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"model": str(checkpoint), "written": True, "temperature": 1}
    assert load(checkpoint).metadata.decoder.threshold == pytest.approx(0.9, abs=1e-3)
    for arguments in ([], [str(small_corpus), "--temperature", "1"]):
        assert main(["calibrate", str(checkpoint), *arguments]) == 2
        assert "give either DATA to fit a temperature to, or --temperature" in capsys.readouterr().err
    assert main(["calibrate", "m.onnx", str(small_corpus)]) == 2
    assert "calibrate the checkpoint, then export it again" in capsys.readouterr().err
    assert main(["calibrate", "none.ckpt", str(small_corpus)]) == 2
    assert "none.ckpt: no such file" in capsys.readouterr().err
    assert RECIPE.words == load(checkpoint).labels.words
