"""The description inside an artefact: what goes in comes out, with the file's own runtime and nothing of kws."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from exported import make_model

from kws.audio.framing import FeatureSpec
from kws.errors import KwsError
from kws.export.exporter import export
from kws.export.formats import FORMATS
from kws.files.version import VERSION
from kws.inference.metadata import Metadata
from kws.labels import LabelSet
from kws.streaming.decoder_settings import DecoderSettings

METADATA = Metadata(
    LabelSet(("größer", "no")),
    FeatureSpec(8000, 750.0, 25.0, 12.5),
    {"name": "log_mel", "bins": 32, "upper_hz": None},
    {"name": "conv", "filters": 8},
    DecoderSettings(average_window_ms=700, threshold=0.55, word_thresholds={"no": 0.8}),
    {"checkpoint": "best.ckpt", "steps": 12},
    temperature=1.25,
)
READERS = {
    "onnx": "import onnxruntime; print(onnxruntime.InferenceSession(PATH).get_modelmeta().custom_metadata_map['kws'])",
    "torchscript": "import torch; extra = {'kws': ''}; torch.jit.load(PATH, _extra_files=extra); print(extra['kws'].decode())",
    "mobile": "import zipfile; print(zipfile.ZipFile(PATH).read('archive/extra/kws').decode())",
}


def test_comes_out_as_it_went_in() -> None:
    assert Metadata.from_json(METADATA.to_json(), "x") == METADATA
    assert Metadata.from_json(METADATA.to_json().encode(), "x") == METADATA


def test_json_says_what_other_programs_need() -> None:
    content = json.loads(METADATA.to_json())
    assert content["format"] == 1
    assert content["kws_version"] == VERSION
    assert content["labels"] == ["_silence_", "_unknown_", "größer", "no"]
    assert content["sound"] == {
        "rate_hz": 8000,
        "clip_ms": 750.0,
        "window_ms": 25.0,
        "hop_ms": 12.5,
        "fit": "start",
        "clip_samples": 6000,
    }
    assert content["decoder"]["threshold"] == 0.55


def test_other_decoder_settings_change_nothing_else() -> None:
    tuned = METADATA.with_decoder(DecoderSettings(threshold=0.9))
    assert tuned.decoder.threshold == 0.9
    assert tuned.with_decoder(METADATA.decoder) == METADATA


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "m.onnx: carries no kws metadata"),
        ("{", "m.onnx: its kws metadata can't be read"),
        ("[]", "m.onnx: its kws metadata can't be read"),
        ('{"format": 7}', r"m.onnx: was written in format 7 by kws \?; this kws .* reads format 1\. Update kws"),
        ('{"format": 1}', "m.onnx: its kws metadata lacks or misstates 'labels'"),
    ],
)
def test_what_is_no_metadata_is_named(text: str, message: str) -> None:
    with pytest.raises(KwsError, match=message):
        Metadata.from_json(text, "m.onnx")


@pytest.mark.parametrize("form", list(READERS))
def test_its_own_runtime_reads_it_without_kws(form: str, tmp_path: Path) -> None:
    model = make_model(words=("größer", "no"))
    assert export(model, FORMATS[form], tmp_path, "m").passed
    path = tmp_path / f"m{FORMATS[form].suffix}"
    code = f"import sys; sys.modules['kws'] = None; PATH = {str(path)!r}; {READERS[form]}"
    printed = subprocess.run([sys.executable, "-W", "ignore", "-X", "utf8", "-c", code], check=True, capture_output=True)
    assert Metadata.from_json(printed.stdout.decode(), "printed") == model.metadata
    found = json.loads(printed.stdout)
    assert found["labels"] == ["_silence_", "_unknown_", "größer", "no"]
    assert found["kws_version"] == VERSION
    assert set(found["decoder"]) >= {"average_window_ms", "threshold", "suppression_ms", "minimum_count"}
