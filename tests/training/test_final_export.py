"""Export at the end of a run: the tested weights, judged on the run's own clips."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from training_steps import Run, train_run

from kws.errors import KwsError
from kws.export.formats import FORMATS, Format
from kws.export.parity import LIMIT
from kws.inference.loading import load
from kws.training.final_export import export_run


@pytest.fixture(scope="module")
def run(small_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    folder = tmp_path_factory.mktemp("run")
    return train_run(small_corpus, folder, 12, last_every=12), folder


def test_writes_the_tested_weights(run: tuple[Run, Path]) -> None:
    trained, folder = run
    export_run(trained.trainer, trained.data, folder, "last", [FORMATS["onnx"], FORMATS["torchscript"]])
    names = sorted(path.name for path in (folder / "export").iterdir())
    assert names == ["last.onnx", "last.onnx.json", "last.onnx.parity.json", "last.pt", "last.pt.parity.json"]
    report = json.loads((folder / "export" / "last.onnx.parity.json").read_text())
    testing = trained.data.test_dataloader().clips
    assert report["clips"] == len(testing)
    model = load(folder / "export" / "last.onnx")
    assert model.metadata == load(folder / "checkpoints" / "last.ckpt").metadata
    clips = testing.read(np.arange(4)).astype(np.float32) / 32768
    np.testing.assert_allclose(model.score(clips), load(folder / "checkpoints" / "last.ckpt").score(clips), atol=LIMIT)


def test_without_formats_nothing_is_written(run: tuple[Run, Path], tmp_path: Path) -> None:
    export_run(run[0].trainer, run[0].data, tmp_path, "last", [])
    assert list(tmp_path.iterdir()) == []


def test_one_that_differs_does_not_hold_up_the_others(run: tuple[Run, Path], small_corpus: Path) -> None:
    def write(module, example, metadata, path, calibration):  # type: ignore[no-untyped-def]
        with torch.no_grad():
            module.network.output.bias[0] += 1
        FORMATS["onnx"].write(module, example, metadata, path, calibration)
        with torch.no_grad():
            module.network.output.bias[0] -= 1

    trained, folder = run
    with pytest.raises(KwsError, match=r"last\.off\.onnx: not equal to the checkpoint, and not kept"):
        export_run(trained.trainer, trained.data, folder, "last", [Format("off", ".off.onnx", write), FORMATS["mobile"]])
    names = {path.name for path in (folder / "export").iterdir()}
    assert "last.ptl" in names
    assert not any("off" in name for name in names)
