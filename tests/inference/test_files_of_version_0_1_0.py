"""Files that version 0.1.0 wrote before its modules moved: they load, and score as they did then."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from corpora import write_corpus
from numpy.typing import NDArray
from tiny_runs import TINY, configured, content

from kws.inference.loading import load
from kws.training.run import train

FOLDER = Path(__file__).parents[1] / "golden" / "version_0_1_0"
FILES = sorted(path.name for path in FOLDER.iterdir() if path.suffix in (".ckpt", ".onnx", ".pt", ".ptl"))
SCORES = json.loads((FOLDER / "scores.json").read_text(encoding="utf-8"))


def chirps(samples: int, sample_rate: int) -> NDArray[np.float32]:
    """Two clips that any machine makes alike: a rising and a falling tone."""
    seconds = np.arange(samples) / sample_rate
    phases = (2 * np.pi * (200 + 300 * seconds) * seconds, 2 * np.pi * (900 - 350 * seconds) * seconds)
    return np.stack([0.5 * np.sin(phase) for phase in phases]).astype(np.float32)


def test_every_network_and_format_is_here() -> None:
    assert set(SCORES) == set(FILES) and len(FILES) == 18


@pytest.mark.parametrize("name", FILES)
def test_a_file_scores_as_it_did(name: str) -> None:
    model = load(FOLDER / name)
    scores = model.score(chirps(model.spec.samples, model.spec.sample_rate))
    np.testing.assert_allclose(scores, SCORES[name], atol=1e-4)


@pytest.mark.parametrize("name", ["small.ckpt", "small.onnx", "run.ckpt"])
def test_its_labels_and_settings_are_read(name: str) -> None:
    model = load(FOLDER / name)
    assert model.labels.names[:3] == ("_silence_", "_unknown_", "yes")
    assert (model.spec.sample_rate, model.spec.samples) == (4000, 2000)


def test_a_run_goes_on_from_its_checkpoint(tmp_path: Path, quiet: None) -> None:
    corpus = write_corpus(tmp_path / "corpus")
    sound = ["features.sample_rate=4000", "features.clip_ms=500"]
    mfcc = ["features.upper_hz=2000", "features.bins=8", "features.mel_bands=10"]
    more = ["model.filters=1", "averaging=ema", "schedule.steps=[8,8]", f"ckpt={FOLDER / 'run.ckpt'}"]
    (tmp_path / "run").mkdir()
    train(configured(*TINY, f"data.source.root={corpus}", *sound, *mfcc, *more), tmp_path / "run")
    old, new = torch.load(FOLDER / "run.ckpt", weights_only=True), content(tmp_path / "run")
    assert (old["global_step"], new["global_step"]) == (12, 16)
