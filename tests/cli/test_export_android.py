"""`kws export --android`: a model into the app's assets."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from exported import make_model

from kws.cli.main import main
from kws.errors import KwsError
from kws.export import android
from kws.export.android import ASSETS, put_into_app
from kws.inference.checkpoint import WaveformModel
from kws.inference.loading import load
from kws.streaming.decoder_settings import DecoderSettings

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def app(tmp_path: Path) -> Path:
    manifest = tmp_path / "android/app/src/main/AndroidManifest.xml"
    manifest.parent.mkdir(parents=True)
    manifest.touch()
    return tmp_path / "android"


@pytest.fixture(autouse=True)
def loads_a_made_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def made(path: Path) -> WaveformModel:
        model = make_model(words=("left", "right") if path.stem == "other" else ("yes", "no", "stop"))
        model.decoder = DecoderSettings(threshold=0.6, word_thresholds={model.labels.words[0]: 0.9})
        return model

    monkeypatch.setattr("kws.inference.checkpoint.load_checkpoint", made)


def manifest_of(app: Path) -> Any:
    return json.loads((app / ASSETS / "model.json").read_text(encoding="utf-8"))


def test_puts_models_labels_and_settings_into_the_assets(app: Path, tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "models"
    assert main(["export", "m.ckpt", "--to", "mobile,onnx", "--out", str(out), "--android", str(app)]) == 0
    manifest = manifest_of(app)
    assert manifest["name"] == "m"
    assert manifest["kws"] == json.loads(load(out / "m.onnx").metadata.to_json())
    assert manifest["kws"]["decoder"]["word_thresholds"] == {"yes": 0.9}
    for engine, original in (("pytorch", "m.ptl"), ("onnxruntime", "m.onnx")):
        entry = manifest["engines"][engine]
        content = (app / ASSETS / entry["file"]).read_bytes()
        assert content == (out / original).read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (entry["sha256"], entry["bytes"])
    assert str(app / ASSETS / "model.json") in capsys.readouterr().out


def test_a_new_model_replaces_the_old_one(app: Path, tmp_path: Path) -> None:
    for name, form in (("m", "mobile,onnx"), ("other", "mobile")):
        assert main(["export", f"{name}.ckpt", "--to", form, "--out", str(tmp_path / "models"), "--android", str(app)]) == 0
    manifest = manifest_of(app)
    assert manifest["kws"]["labels"] == ["_silence_", "_unknown_", "left", "right"]
    assert {path.name for path in (app / ASSETS).iterdir()} == {"model.json", manifest["engines"]["pytorch"]["file"]}


def test_cut_off_at_any_place_leaves_a_whole_model(app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metadata = make_model().metadata
    old, new = tmp_path / "old.ptl", tmp_path / "new.ptl"
    old.write_bytes(b"old")
    new.write_bytes(b"new")
    put_into_app(app, {"mobile": old}, metadata, "old")

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for function, owner in (("copyfile", android.shutil), ("write_json", android)):
        with monkeypatch.context() as patch:
            patch.setattr(owner, function, fails)
            with pytest.raises(KwsError, match="No space left on device"):
                put_into_app(app, {"mobile": new}, metadata, "new")
        manifest = manifest_of(app)
        assert manifest["name"] == "old"
        assert (app / ASSETS / manifest["engines"]["pytorch"]["file"]).read_bytes() == b"old"
    put_into_app(app, {"mobile": new}, metadata, "new")
    assert len(list((app / ASSETS).iterdir())) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "torchscript"], "no engine for torchscript; give --to mobile"),
        (["--to", "onnx,onnx-int8"], "onnx and onnx-int8 are for one and the same engine"),
        (["--streaming"], "leave --streaming out"),
        (["--android", "nowhere"], "nowhere holds no app/src/main/AndroidManifest.xml"),
    ],
)
def test_what_the_app_can_not_take_is_named(arguments: list[str], message: str, app: Path, capsys: Capture) -> None:
    assert main(["export", "m.ckpt", "--android", str(app), *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not (app / ASSETS).exists()
