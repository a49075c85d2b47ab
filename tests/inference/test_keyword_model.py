"""`load_model`: one class for every kind of file; what is given is labelled as a file would be, or refused."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sounds import speech

from kws.audio.cutting import fit_clip
from kws.audio.io import read_audio, to_float, write_wav
from kws.errors import InputError, KwsError
from kws.inference.keyword_model import KeywordModel, as_keyword_model, load_model
from kws.inference.loading import load
from kws.inference.prediction import Prediction

FOLDER = Path(__file__).parents[1] / "golden" / "version_0_1_0"
KINDS = [
    "small.ckpt", "small.onnx", "small.pt", "small.ptl", "small.stream.onnx", "small.stream.pt", "small.stream.ptl",
]  # fmt: skip
RATE_HZ = 4000
SOUND = np.rint(32767 * speech(1.3, RATE_HZ)).astype(np.int16)


@pytest.fixture(scope="module")
def model() -> KeywordModel:
    return load_model(FOLDER / "small.onnx", threads=1)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "speech.wav"
    write_wav(path, SOUND, RATE_HZ)
    return path


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_file_is_one_class(name: str, recording: Path) -> None:
    model, raw = load_model(str(FOLDER / name)), load(FOLDER / name)
    assert type(model) is KeywordModel
    assert (model.sample_rate, model.clip_duration, model.path) == (RATE_HZ, 0.5, FOLDER / name)
    assert (model.labels, model.metadata, model.spec) == (raw.labels, raw.metadata, raw.spec)
    assert name in repr(model) and "yes" in repr(model)
    expected = raw.score(raw.read(recording))
    np.testing.assert_array_equal(model.predict_proba(model.read(recording)), expected)
    prediction = model.predict(recording)
    assert tuple(prediction.scores) == model.labels.names
    np.testing.assert_array_equal(list(prediction.scores.values()), expected[0])
    assert (prediction.label, prediction.score) == (model.labels.names[expected[0].argmax()], expected[0].max())


def test_an_array_is_labelled_as_its_file(model: KeywordModel, recording: Path) -> None:
    expected = model.predict(recording)
    assert model.predict(str(recording)) == expected
    for samples in (SOUND, to_float(SOUND), to_float(SOUND).astype(np.float64), torch.from_numpy(SOUND), SOUND.tolist()):
        if isinstance(samples, list):
            samples = [sample / 32768 for sample in samples]
        assert model.predict(samples) == expected


@pytest.mark.parametrize("seconds", [0.001, 0.2, 0.5, 3])
def test_any_length_is_made_a_clip_by_the_models_rule(model: KeywordModel, seconds: float) -> None:
    sound = np.rint(32767 * speech(seconds, RATE_HZ)).astype(np.int16)
    clip = to_float(fit_clip(sound, model.spec.samples, model.spec.fit))
    np.testing.assert_array_equal(list(model.predict(sound).scores.values()), model.predict_proba(clip[None])[0])


def test_another_rate_is_resampled(model: KeywordModel, tmp_path: Path) -> None:
    sound = np.rint(32767 * speech(0.5, 16_000)).astype(np.int16)
    write_wav(tmp_path / "a.wav", sound, 16_000)
    assert model.predict(sound, sample_rate=16_000) == model.predict(tmp_path / "a.wav")
    assert model.predict(SOUND, sample_rate=RATE_HZ) == model.predict(SOUND)
    with pytest.raises(InputError, match=r"sample_rate: 16000 given with a file, .*a\.wav, which says its own rate"):
        model.predict(tmp_path / "a.wav", sample_rate=16_000)


def test_a_batch_of_16_bit_clips_scores_as_one_of_float(model: KeywordModel) -> None:
    clips = np.stack([SOUND[:2000], SOUND[3000:5000]])
    np.testing.assert_array_equal(model.predict_proba(clips), model.predict_proba(to_float(clips)))
    assert model.predict_proba(clips).shape == (2, len(model.labels))


@pytest.mark.parametrize(
    ("batch", "said"),
    [
        (np.zeros(2000, np.float32), r"shape \(2000,\) given; \(batch, 2000\) expected"),
        (np.zeros((1, 1999), np.int16), r"shape \(1, 1999\) given"),
        (np.zeros((1, 2000), np.int32), "int32 given"),
        (np.full((1, 2000), np.nan), "NaN or infinite"),
        ([[0.0], [0.0, 0.0]], "batch: can't be taken as an array"),
        (np.int16(3), r"shape \(\) given"),
    ],
)
def test_a_batch_that_is_none_is_refused(model: KeywordModel, batch: Any, said: str) -> None:
    with pytest.raises(InputError, match=said) as raised:
        model.predict_proba(batch)
    assert isinstance(raised.value, KwsError) and isinstance(raised.value, ValueError)


@pytest.mark.parametrize("sound", [np.zeros((2, 4000), np.int16), np.zeros(0), np.full(9, np.nan), None, 3])
def test_sound_that_is_none_is_refused(model: KeywordModel, sound: Any) -> None:
    with pytest.raises(InputError, match="samples: "):
        model.predict(sound)


def test_a_checkpoint_gives_its_module_and_other_files_say_why_not(model: KeywordModel) -> None:
    checkpoint = load_model(FOLDER / "small.ckpt")
    assert isinstance(checkpoint.module, torch.nn.Module)
    clips = to_float(SOUND[:2000])[None]
    with torch.no_grad():
        scores = checkpoint.module(torch.from_numpy(clips)).numpy()
    np.testing.assert_allclose(scores, checkpoint.predict_proba(clips), atol=1e-6)
    assert not hasattr(model, "module")
    with pytest.raises(AttributeError, match=r"small\.onnx: has no torch module; load the checkpoint"):
        _ = model.module


def test_a_name_that_is_no_file_says_what_is_expected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(KwsError, match=r"^bc_resnet: no such file; the path of a model is expected, ending in \.ckpt, \.onnx"):
        load_model("bc_resnet")
    with pytest.raises(KwsError, match=r"nowhere\.onnx: no such file"):
        load_model("nowhere.onnx")
    for wrong in (None, 3, b"best.onnx", ["best.onnx"]):
        with pytest.raises(InputError, match=r"path_or_name: .* given; the path of a model is expected"):
            load_model(wrong)  # type: ignore[arg-type]


def test_it_can_be_pickled_and_copied(model: KeywordModel) -> None:
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert other.predict(SOUND) == model.predict(SOUND)


def test_whatever_stands_for_a_model_becomes_one(model: KeywordModel) -> None:
    assert as_keyword_model(model) is model
    raw = load(FOLDER / "small.onnx")
    assert as_keyword_model(raw).loaded is raw
    assert as_keyword_model(raw).path == FOLDER / "small.onnx"
    assert as_keyword_model(load(FOLDER / "small.ckpt")).path is None
    assert as_keyword_model(FOLDER / "small.onnx").predict(SOUND) == model.predict(SOUND)
    with pytest.raises(InputError, match="the path of a model is expected"):
        as_keyword_model(None)  # type: ignore[arg-type]


def test_a_prediction_names_the_likeliest() -> None:
    scores = {"_silence_": 0.2, "_unknown_": 0.1, "yes": 0.7}
    assert Prediction.of(scores) == Prediction("yes", 0.7, scores)


def test_a_file_longer_than_a_clip_is_read_as_the_model_says(model: KeywordModel, recording: Path) -> None:
    clip = fit_clip(read_audio(recording, RATE_HZ), 2000, model.spec.fit)
    np.testing.assert_array_equal(model.read(recording), to_float(clip)[None])
