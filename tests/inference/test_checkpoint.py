"""Checkpoints: what is loaded from them, and what is refused."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from training_steps import RECIPE, make_data, train_run

from kws.errors import KwsError
from kws.inference.checkpoint import WaveformModel, read_checkpoint
from kws.inference.loading import load
from kws.inference.metadata import CHECKPOINT_KEY
from kws.training.loader import RawBatch
from kws.training.module import KeywordModule


@pytest.fixture(scope="module")
def trained(small_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, KeywordModule]:
    folder = tmp_path_factory.mktemp("trained")
    run = train_run(small_corpus, folder, 4, last_every=4)
    return folder / "checkpoints" / "last.ckpt", run.module.eval()


@pytest.fixture(scope="module")
def clips(small_corpus: Path) -> RawBatch:
    data = make_data(small_corpus, batch_size=100)
    data.setup()
    return next(iter(data.test_dataloader()))


def saved(folder: Path, trained: Path, **changes: Any) -> Path:
    """A copy of a checkpoint with some entries changed."""
    path = folder / "changed.ckpt"
    torch.save({**torch.load(trained, weights_only=True), **changes}, path)
    return path


def test_gives_the_probabilities_of_the_trained_network(trained: tuple[Path, KeywordModule], clips: RawBatch) -> None:
    path, module = trained
    model = load(path)
    waveform = clips.clips.float() / 32768
    with torch.no_grad():
        expected = torch.softmax(module(RECIPE.build_front_end()(waveform)), dim=1)
        probabilities = model(waveform)
    assert torch.equal(probabilities, expected)
    assert probabilities.shape == (len(clips.labels), 4)
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(len(clips.labels)))
    # These are the trained weights, not new ones.
    torch.manual_seed(0)
    with torch.no_grad():
        assert not torch.allclose(WaveformModel(RECIPE).eval()(waveform), expected)


def test_scores_arrays(trained: tuple[Path, KeywordModule], clips: RawBatch) -> None:
    model = load(str(trained[0]))
    waveform = clips.clips.numpy().astype(np.float32) / 32768
    scores = model.score(waveform)
    assert (scores.dtype, scores.shape) == (np.float32, (len(waveform), 4))
    with torch.no_grad():
        np.testing.assert_array_equal(scores, model(torch.from_numpy(waveform)).numpy())


def test_says_what_it_is(trained: tuple[Path, KeywordModule]) -> None:
    model = load(trained[0])
    assert not model.training
    assert not model.network.training
    assert model.labels.names == ("_silence_", "_unknown_", "yes", "no")
    assert model.recipe == RECIPE
    assert (model.spec.sample_rate, model.spec.samples) == (16000, 16000)


def test_loads_as_plain_values_only(trained: tuple[Path, KeywordModule], monkeypatch: pytest.MonkeyPatch) -> None:
    original, asked = torch.load, []

    def watched(*args: Any, **settings: Any) -> Any:
        asked.append(settings.get("weights_only"))
        return original(*args, **settings)

    monkeypatch.setattr(torch, "load", watched)
    load(trained[0])
    assert asked == [True]


# What is no checkpoint


def text(path: Path, _: Path) -> None:
    path.write_text("not a checkpoint\n" * 50)


def empty(path: Path, _: Path) -> None:
    path.touch()


def a_zip(path: Path, _: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "not a checkpoint")


def truncated(path: Path, trained: Path) -> None:
    content = trained.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def one_byte_short(path: Path, trained: Path) -> None:
    path.write_bytes(trained.read_bytes()[:-1])


def sound(path: Path, _: Path) -> None:
    path.write_bytes(b"RIFF\x24\0\0\0WAVEfmt " + bytes(40))


class _Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path("/tmp/evil").write_text, ("",))


def code(path: Path, _: Path) -> None:
    torch.save({CHECKPOINT_KEY: _Evil()}, path)


@pytest.mark.parametrize("make", [text, empty, a_zip, truncated, one_byte_short, sound, code])
def test_what_cannot_be_read_is_named(tmp_path: Path, trained: tuple[Path, KeywordModule], make: Any) -> None:
    path = tmp_path / "file.ckpt"
    make(path, trained[0])
    pattern = r"file\.ckpt: can't be read as a checkpoint \(.+\); it is cut off, or was not written by train\.py$"
    with pytest.raises(KwsError, match=pattern) as caught:
        load(path)
    assert "\n" not in str(caught.value)
    assert not Path("/tmp/evil").exists()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.floats(0, 1), st.booleans())
def test_any_damage_is_harmless_or_said(
    tmp_path: Path, trained: tuple[Path, KeywordModule], damage: bytes, place: float, alone: bool
) -> None:
    content = b"" if alone else trained[0].read_bytes()
    start = round(place * len(content))
    path = tmp_path / "damaged.ckpt"
    path.write_bytes(content[:start] + damage + content[start + len(damage) :])
    try:
        load(path)
    except KwsError as error:
        assert "damaged.ckpt" in str(error) or "_target_" in str(error) or "does not fit" in str(error)


@pytest.mark.parametrize("content", [{"state_dict": {}}, torch.zeros(3), [1, 2], {}])
def test_other_files_of_torch_are_named(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "other.ckpt"
    torch.save(content, path)
    with pytest.raises(KwsError, match=r"other\.ckpt: holds no kws model \(no 'kws' entry\); give a checkpoint that train\.py"):
        load(path)


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.ckpt", tmp_path):
        with pytest.raises(KwsError, match=rf"{path}: no such file; give a checkpoint that train\.py wrote"):
            read_checkpoint(path)


# What is a checkpoint, but of something else


@pytest.mark.parametrize("target", ["os.system", "subprocess.Popen", "builtins.dict", "torch.load", "kws.labels.LabelSet"])
@pytest.mark.parametrize("room", ["model", "features"])
def test_a_target_that_is_no_module_is_refused(
    tmp_path: Path, trained: tuple[Path, KeywordModule], room: str, target: str
) -> None:
    recipe = {**RECIPE.to_dict(), room: {"_target_": target, "command": "touch /tmp/evil"}}
    with pytest.raises(KwsError, match=rf"{room}\._target_: {target} is not a (torch\.nn\.Module|kws\.frontend\.FrontEnd)"):
        load(saved(tmp_path, trained[0], **{CHECKPOINT_KEY: recipe}))
    assert not Path("/tmp/evil").exists()


def test_a_module_that_is_no_front_end_is_refused(tmp_path: Path, trained: tuple[Path, KeywordModule]) -> None:
    recipe = {**RECIPE.to_dict(), "features": {"_target_": "torch.nn.ReLU"}}
    with pytest.raises(KwsError, match=r"features\._target_: torch\.nn\.ReLU is not a kws\.frontend\.FrontEnd"):
        load(saved(tmp_path, trained[0], **{CHECKPOINT_KEY: recipe}))


@pytest.mark.parametrize("target", ["kws.models.nothing.Net", "kws.models.conv.Nothing", "Conv", ""])
def test_a_target_that_is_not_there_is_named(tmp_path: Path, trained: tuple[Path, KeywordModule], target: str) -> None:
    recipe = {**RECIPE.to_dict(), "model": {"_target_": target}}
    with pytest.raises(KwsError, match=rf"model\._target_: '{target}' can't be imported .*package\.module\.Class"):
        load(saved(tmp_path, trained[0], **{CHECKPOINT_KEY: recipe}))


def test_settings_that_do_not_fit_their_class_are_named(tmp_path: Path, trained: tuple[Path, KeywordModule]) -> None:
    recipe = {**RECIPE.to_dict(), "model": {**RECIPE.model, "layers": 3}}
    with pytest.raises(KwsError, match=r"model: .*'layers'; tiny_conv does not fit the settings"):
        load(saved(tmp_path, trained[0], **{CHECKPOINT_KEY: recipe}))


def test_weights_that_do_not_fit_the_network_are_said(tmp_path: Path, trained: tuple[Path, KeywordModule]) -> None:
    recipe = {**RECIPE.to_dict(), "model": {**RECIPE.model, "filters": 5}}
    with pytest.raises(KwsError, match=r"changed\.ckpt: its weights do not fit the network it names"):
        load(saved(tmp_path, trained[0], **{CHECKPOINT_KEY: recipe}))


@pytest.mark.parametrize("recipe", [{}, {"words": ["yes"]}, "yes", {"words": 3, "features": {}, "model": {}}, None])
def test_a_broken_recipe_is_said(tmp_path: Path, trained: tuple[Path, KeywordModule], recipe: Any) -> None:
    with pytest.raises(KwsError, match=r"changed\.ckpt: "):
        load(saved(tmp_path, trained[0], **{CHECKPOINT_KEY: recipe}))


def test_a_checkpoint_without_weights_is_said(tmp_path: Path, trained: tuple[Path, KeywordModule]) -> None:
    content = {key: value for key, value in torch.load(trained[0], weights_only=True).items() if key != "state_dict"}
    torch.save(content, tmp_path / "bare.ckpt")
    with pytest.raises(KwsError, match=r"bare\.ckpt: "):
        load(tmp_path / "bare.ckpt")
