"""Export as a whole: what is kept, what is not, and what the report says."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from exported import make_model
from slow import slow_unless
from torch import Tensor, nn

from kws.errors import KwsError
from kws.export import exporter
from kws.export.exporter import ExportData, export
from kws.export.formats import FORMATS, Calibration, Format
from kws.export.parity import LIMIT
from kws.inference.checkpoint import WaveformModel
from kws.inference.loading import load
from kws.inference.metadata import Metadata
from kws.labels import LabelSet

Change = Callable[[nn.Module], object]


def data_of(corpus: Path, model: WaveformModel) -> ExportData:
    from kws.data.sets.split_set import open_split
    from kws.data.splits import HashedSplit

    clips = open_split(
        corpus, LabelSet(model.labels.words), "all", HashedSplit(), sample_rate=16000, clip_samples=16000,
        unknown_percentage=10, silence_percentage=10, seed=1,
    )  # fmt: skip
    return ExportData(clips, exporter.calibration_clips(clips))


def broken(form: str, change: Change) -> Format:
    """A format that writes the right file of a model that something has happened to."""

    def write(module: nn.Module, example: Tensor, metadata: Metadata, path: Path, calibration: Calibration) -> None:
        spoilt = copy.deepcopy(module)
        with torch.no_grad():
            change(spoilt)
        FORMATS[form].write(spoilt, example, metadata, path, calibration)

    return Format(form, FORMATS[form].suffix, write)


@pytest.mark.parametrize("form", ["onnx", "torchscript", "mobile"])
def test_keeps_what_is_equal_with_its_report(form: str, small_corpus: Path, tmp_path: Path) -> None:
    model = make_model(words=("yes", "no"))
    data = data_of(small_corpus, model)
    report = export(model, FORMATS[form], tmp_path / "new" / "folder", "m", data)
    name = f"m{FORMATS[form].suffix}"
    assert report.passed
    beside = [f"{name}.json", f"{name}.parity.json"] if form == "onnx" else [f"{name}.parity.json"]
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == [name, *beside]
    if form == "onnx":
        described = json.loads((tmp_path / "new" / "folder" / beside[0]).read_text(encoding="utf-8"))
        assert described == json.loads(model.metadata.to_json())
    written = json.loads((tmp_path / "new" / "folder" / f"{name}.parity.json").read_text())
    assert written["passed"] is True
    assert written["file"] == name
    assert written["size_bytes"] == (tmp_path / "new" / "folder" / name).stat().st_size
    assert written["clips"] == len(data.testing)
    assert written["accuracy"] == written["checkpoint_accuracy"]
    assert 0 < written["clip_ms"] < 1000
    kinds = {row["kind"]: row for row in written["signals"]}
    assert {"real clips", "silence", "full-scale clipping", "pure tones", "one sample", "white noise"} <= set(kinds)
    assert kinds["real clips"]["difference"] <= 1e-4
    assert kinds["real clips"]["agreement"] == 1
    assert "equal" in report.to_text()
    clips = data.calibration[:5]
    loaded = load(tmp_path / "new" / "folder" / name)
    np.testing.assert_allclose(loaded.score(clips), model.score(clips), atol=LIMIT)


def louder_window(module: nn.Module) -> None:
    for name, buffer in module.named_buffers():
        if name.endswith("cosine"):
            buffer.mul_(1.02)


def shifted_output(module: nn.Module) -> None:
    for name, weight in module.named_parameters():
        if name.endswith("output.bias"):
            weight[2] += 0.01


def nan_output(module: nn.Module) -> None:
    for name, weight in module.named_parameters():
        if name.endswith("output.bias"):
            weight[2] = float("nan")


@pytest.mark.parametrize("form", slow_unless(["onnx", "torchscript", "mobile"], lambda form: form != "onnx"))
@pytest.mark.parametrize(
    ("change", "where"),
    [
        (louder_window, "first difference: in the front end, whose features differ by "),
        (shifted_output, "first difference: in the network, which differs by "),
        (nan_output, "first difference: in the network, which differs by nan"),
    ],
)
def test_keeps_nothing_that_differs_and_says_where(form: str, change: Change, where: str, tmp_path: Path) -> None:
    report = export(make_model(), broken(form, change), tmp_path, "m")
    assert not report.passed
    assert list(tmp_path.iterdir()) == []
    assert report.first_difference.startswith(where)
    assert "FAILED" in report.to_text()
    assert "NOT KEPT" in report.to_text()


def test_a_difference_that_is_nowhere_in_the_halves(tmp_path: Path) -> None:
    def fewer_samples(module: nn.Module) -> None:
        if isinstance(module, exporter.Scores):
            module.network, module.front_end = copy.deepcopy((module.network, module.front_end))
            module.register_forward_pre_hook(lambda _, inputs: (inputs[0] * 0.9,))

    report = export(make_model(), broken("onnx", fewer_samples), tmp_path, "m")
    assert report.first_difference.startswith("front end and network are each equal to the checkpoint's by themselves")


def test_a_failed_export_leaves_the_one_before(tmp_path: Path) -> None:
    export(make_model(), FORMATS["onnx"], tmp_path, "m")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert not export(make_model(), broken("onnx", shifted_output), tmp_path, "m").passed
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_writer_that_dies_leaves_nothing(tmp_path: Path) -> None:
    def write(module: nn.Module, example: Tensor, metadata: Metadata, path: Path, calibration: Calibration) -> None:
        path.write_bytes(b"half a file")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(make_model(), Format("onnx", ".onnx", write), tmp_path, "m")
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(KwsError, match=r"file/sub/m\.onnx: can't be written"):
        export(make_model(), FORMATS["onnx"], tmp_path / "file" / "sub", "m")
    (tmp_path / "m.onnx").mkdir()
    with pytest.raises(KwsError, match=r"m\.onnx: can't be written"):
        export(make_model(), FORMATS["onnx"], tmp_path, "m")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "m.onnx"]


def test_whole_numbers_need_real_clips(tmp_path: Path) -> None:
    with pytest.raises(KwsError, match="onnx-int8 needs real clips to calibrate with and to judge the result by; give a data"):
        export(make_model(), FORMATS["onnx-int8"], tmp_path, "m")
