"""New decoder settings in a model's file: they are there, and nothing else has changed."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from exported import make_model, save_checkpoint

from kws.errors import KwsError
from kws.export.exporter import Scores
from kws.export.onnx import write_onnx
from kws.export.torchscript import write_mobile, write_torchscript
from kws.inference.loading import load
from kws.inference.metadata import CHECKPOINT_KEY, Metadata
from kws.inference.metadata_file import description_of, write_description
from kws.inference.metadata_update import write_decoder
from kws.streaming.decoder_settings import DecoderSettings

SETTINGS = DecoderSettings(threshold=0.83, average_window_ms=750, word_thresholds={"yes": 0.9}, repeat_words=True)
FILES = ("model.onnx", "model.pt", "model.ptl", "model.ckpt")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """One model in each kind of file."""
    folder = tmp_path_factory.mktemp("models")
    model = make_model()
    module, example = Scores(model).eval(), torch.zeros(2, model.spec.samples)
    write_onnx(module, example, model.metadata, folder / "model.onnx")
    write_torchscript(module, model.metadata, folder / "model.pt")
    write_mobile(module, model.metadata, folder / "model.ptl")
    save_checkpoint(model, folder / "model.ckpt")
    return {name: (folder / name).read_bytes() for name in FILES}


@pytest.fixture(params=FILES)
def path(request: pytest.FixtureRequest, models: dict[str, bytes], tmp_path: Path) -> Path:
    path = tmp_path / request.param
    path.write_bytes(models[request.param])
    return path


def copied(models: dict[str, bytes], folder: Path, name: str) -> Path:
    (folder / name).write_bytes(models[name])
    return folder / name


def facts(metadata: Metadata) -> dict[str, Any]:
    """What is told besides the settings; a checkpoint's own hash follows from them."""
    return {**metadata.with_decoder(SETTINGS).__dict__, "training": {**metadata.training, "sha256": ""}}


def test_the_settings_are_new_and_the_scores_are_not(path: Path) -> None:
    waveform = np.random.default_rng(0).uniform(-0.5, 0.5, (3, 16000)).astype(np.float32)
    before = load(path)
    expected = before.score(waveform)
    assert before.metadata.decoder == DecoderSettings()
    for settings in (SETTINGS, DecoderSettings(threshold=0.2), SETTINGS):
        write_decoder(path, settings)
        after = load(path)
        assert after.metadata.decoder == settings
        assert facts(after.metadata) == facts(before.metadata)
        np.testing.assert_array_equal(after.score(waveform), expected)
    assert list(path.parent.iterdir()) == [path]


def test_twice_the_same_is_the_same(path: Path) -> None:
    write_decoder(path, SETTINGS)
    once = path.read_bytes()
    write_decoder(path, SETTINGS)
    # torch numbers the archives of its checkpoints by what is in them.
    assert len(path.read_bytes()) == len(once) if path.suffix == ".ckpt" else path.read_bytes() == once


def test_the_file_keeps_its_mode(path: Path) -> None:
    path.chmod(0o640)
    write_decoder(path, SETTINGS)
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("name", ["model.pt", "model.ptl"])
def test_archives_keep_their_entries_and_torch_its_alignment(models: dict[str, bytes], tmp_path: Path, name: str) -> None:
    path = copied(models, tmp_path, name)
    with zipfile.ZipFile(path) as old:
        entries = [(entry.filename, entry.compress_type, old.read(entry)) for entry in old.infolist()]
    write_decoder(path, SETTINGS)
    raw = path.read_bytes()
    with zipfile.ZipFile(path) as new:
        kept = [(entry.filename, entry.compress_type, new.read(entry)) for entry in new.infolist()]
        for entry in new.infolist():
            name_size, extra_size = (int.from_bytes(raw[entry.header_offset + at :][:2], "little") for at in (26, 28))
            assert (entry.header_offset + 30 + name_size + extra_size) % 64 == 0
    assert [entry[:2] for entry in kept] == [entry[:2] for entry in entries]
    assert [one[0].split("/", 1)[1] for one, other in zip(kept, entries, strict=True) if one != other] == ["extra/kws"]


def test_torch_reads_the_new_metadata_as_an_extra_file(models: dict[str, bytes], tmp_path: Path) -> None:
    path = copied(models, tmp_path, "model.pt")
    write_decoder(path, SETTINGS)
    extra = {"kws": ""}
    torch.jit.load(str(path), _extra_files=extra)
    assert Metadata.from_json(extra["kws"], "model.pt").decoder == SETTINGS


def test_an_onnx_file_keeps_all_else(models: dict[str, bytes], tmp_path: Path) -> None:
    import onnx

    path = copied(models, tmp_path, "model.onnx")
    old = onnx.load(str(path))
    write_decoder(path, SETTINGS)
    new = onnx.load(str(path))
    onnx.checker.check_model(new)
    assert [entry.key for entry in new.metadata_props] == [entry.key for entry in old.metadata_props]
    del old.metadata_props[:], new.metadata_props[:]
    assert new == old


def test_a_checkpoint_keeps_all_else(models: dict[str, bytes], tmp_path: Path) -> None:
    path = copied(models, tmp_path, "model.ckpt")
    old = torch.load(path, weights_only=True)
    write_decoder(path, SETTINGS)
    new = torch.load(path, weights_only=True)
    assert new[CHECKPOINT_KEY].pop("decoder") == SETTINGS.to_dict()
    assert list(new) == list(old)
    for name, value in old["state_dict"].items():
        assert torch.equal(new["state_dict"].pop(name), value)
    assert new["state_dict"] == {}
    assert {**new, "state_dict": 0} == {**old, "state_dict": 0}


def test_what_a_checkpoint_has_goes_into_its_exports(models: dict[str, bytes], tmp_path: Path) -> None:
    path = copied(models, tmp_path, "model.ckpt")
    write_decoder(path, SETTINGS)
    model = load(path)
    write_torchscript(Scores(model).eval(), model.metadata, tmp_path / "new.pt")
    assert load(tmp_path / "new.pt").metadata.decoder == SETTINGS


def test_settings_in_a_checkpoint_that_are_none_are_said(models: dict[str, bytes], tmp_path: Path) -> None:
    path = copied(models, tmp_path, "model.ckpt")
    content = torch.load(path, weights_only=True)
    for decoder, message in ((3, "decoder settings: 3 given"), ({"treshold": 0.5}, "treshold unknown"), ({"threshold": 2}, "2")):
        torch.save({**content, CHECKPOINT_KEY: {**content[CHECKPOINT_KEY], "decoder": decoder}}, path)
        with pytest.raises(KwsError, match=message):
            load(path)


# What is refused; the file stays as it was


def test_words_that_the_model_does_not_know_are_refused(path: Path) -> None:
    content = path.read_bytes()
    with pytest.raises(KwsError, match="word_thresholds: house not among the labels"):
        write_decoder(path, DecoderSettings(word_thresholds={"house": 0.5}))
    assert path.read_bytes() == content


@pytest.mark.parametrize("damage", [b"", b"no model at all" * 20])
def test_what_is_no_model_is_named(path: Path, damage: bytes) -> None:
    path.write_bytes(damage)
    with pytest.raises(KwsError, match=path.name):
        write_decoder(path, SETTINGS)
    assert path.read_bytes() == damage


def test_a_cut_off_file_is_named(path: Path) -> None:
    content = path.read_bytes()[:-100]
    path.write_bytes(content)
    with pytest.raises(KwsError, match=path.name):
        write_decoder(path, SETTINGS)
    assert path.read_bytes() == content


def test_a_model_of_others_is_named(models: dict[str, bytes], tmp_path: Path) -> None:
    import onnx

    foreign = onnx.load_from_string(models["model.onnx"])
    del foreign.metadata_props[:]
    onnx.save(foreign, tmp_path / "foreign.onnx")
    torch.jit.save(torch.jit.script(torch.nn.ReLU()), str(tmp_path / "foreign.pt"))
    for name in ("foreign.onnx", "foreign.pt"):
        with pytest.raises(KwsError, match=rf"{name}: carries no kws metadata"):
            write_decoder(tmp_path / name, SETTINGS)


def test_other_endings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(KwsError, match=r"a\.pte: .*tune the checkpoint, then export"):
        write_decoder(tmp_path / "a.pte", SETTINGS)
    with pytest.raises(KwsError, match=r"a\.txt: its ending says no kind of model"):
        write_decoder(tmp_path / "a.txt", SETTINGS)
    with pytest.raises(KwsError, match=r"a\.pt: no such file"):
        write_decoder(tmp_path / "a.pt", SETTINGS)


def test_without_onnx_it_is_said(models: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = copied(models, tmp_path, "model.onnx")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(KwsError, match=r"model\.onnx: writing settings into it needs the package onnx; install it"):
        write_decoder(path, SETTINGS)


def test_a_write_that_breaks_off_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = path.read_bytes()

    def half(self: Path, _: bytes) -> int:
        with self.open("wb") as file:
            file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(KwsError, match=r"can't be written \(No space left on device\)"):
        write_decoder(path, SETTINGS)
    monkeypatch.undo()
    assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


def test_the_description_beside_an_onnx_file_follows(models: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    path = copied(models, tmp_path / "real", "model.onnx")
    # One that is missing stays so.
    write_decoder(path, SETTINGS)
    assert not description_of(path).exists()
    write_description(path, load(path).metadata)
    write_decoder(path, DecoderSettings(threshold=0.31))
    text = description_of(path).read_text(encoding="utf-8")
    assert Metadata.from_json(text, "beside") == load(path).metadata
    assert Metadata.from_json(text, "beside").decoder.threshold == 0.31
