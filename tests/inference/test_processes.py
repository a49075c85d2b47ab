"""Models in other processes: pickled by path for spawned ones, and in forked ones an error in place of a wait without end."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from exported import make_model, save_checkpoint
from warm_python import WarmPython

from kws.errors import KwsError
from kws.export.exporter import export
from kws.export.formats import FORMATS
from kws.export.stream_exporter import export_streaming
from kws.inference.loading import load
from kws.inference.model import Model

CLIPS = np.random.default_rng(0).uniform(-0.5, 0.5, (3, 16000)).astype(np.float32)
NAMES = ("m.ckpt", "m.onnx", "m.pt", "m.ptl", "m.stream.onnx", "m.stream.pt", "m.stream.ptl")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One model in each kind of file."""
    folder, model = tmp_path_factory.mktemp("models"), make_model("low_latency_conv")
    save_checkpoint(model, folder / "m.ckpt")
    for form in ("onnx", "torchscript", "mobile"):
        assert export(model, FORMATS[form], folder, "m").passed
        assert export_streaming(model, form, folder, "m").passed
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_calling_a_model_is_scoring(name: str, folder: Path) -> None:
    model = load(folder / name)
    expected = model.score(CLIPS)
    np.testing.assert_array_equal(model(CLIPS), expected)
    np.testing.assert_array_equal(model(CLIPS.astype(np.float64)), expected)
    with pytest.raises(KwsError, match=r"shape \(16000,\) given"):
        model(CLIPS[0])


def test_a_checkpoint_is_still_a_module(folder: Path) -> None:
    model = load(folder / "m.ckpt")
    assert isinstance(model, torch.nn.Module)
    scores = model(torch.from_numpy(CLIPS))
    assert isinstance(scores, torch.Tensor)
    assert scores.requires_grad
    np.testing.assert_array_equal(scores.detach().numpy(), model.score(CLIPS))


@pytest.mark.parametrize("name", NAMES)
def test_models_are_pickled_and_copied(name: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    # A relative path is still the file's where the pickle is read.
    model = load(name, threads=1)
    pickled, expected = pickle.dumps(model), model.score(CLIPS)
    monkeypatch.chdir(tmp_path)
    for other in (pickle.loads(pickled), copy.deepcopy(load(folder / name))):
        assert type(other) is type(model)
        assert other.metadata == model.metadata
        np.testing.assert_array_equal(other.score(CLIPS), expected)


def test_executorch_models_are_pickled(tmp_path: Path) -> None:
    pytest.importorskip("executorch")
    assert export(make_model(), FORMATS["executorch"], tmp_path, "m").passed
    model = load(tmp_path / "m.pte", threads=1)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).score(CLIPS), model.score(CLIPS))


def test_spawned_processes_take_models(folder: Path) -> None:
    models = [load(folder / name, threads=1) for name in NAMES]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found = pool.map(scores_of, models)
    for name, model, scores in zip(NAMES, models, found, strict=True):
        np.testing.assert_allclose(scores, model.score(CLIPS), rtol=0, atol=1e-4, err_msg=name)


def scores_of(model: Model) -> np.ndarray:
    torch.set_num_threads(1)
    return model.score(CLIPS)


FORK = """
import multiprocessing, sys
import numpy as np
import torch
from kws.inference.loading import load
from kws.errors import KwsError

name, first, threads_in_child = sys.argv[1], sys.argv[2], int(sys.argv[3])
torch.set_num_threads(2)
# Enough of them that torch shares them among its threads.
clips = np.random.default_rng(0).uniform(-0.5, 0.5, (50, 16000)).astype(np.float32)

def child(model, sink):
    torch.set_num_threads(threads_in_child)
    try:
        sink.send(float((load(name, threads=1) if model is None else model).score(clips).sum()))
    except KwsError as error:
        sink.send(str(error))

load(first, threads=1).score(clips)
model = load(name, threads=1)
for given in (model, None):
    source, sink = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=child, args=(given, sink))
    process.start()
    print(source.recv() if source.poll(10) else "waits forever")
    process.kill()
"""


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system does not fork")
@pytest.mark.parametrize(
    ("name", "first", "threads", "works"),
    [
        ("m.ckpt", "m.ckpt", 2, False),
        ("m.pt", "m.ckpt", 2, False),
        ("m.stream.ptl", "m.pt", 2, False),
        ("m.ckpt", "m.pt", 1, True),
        ("m.pt", "m.ckpt", 1, True),
        ("m.onnx", "m.ckpt", 2, True),
    ],
)
def test_a_forked_process_says_what_it_can_not_do(
    name: str, first: str, threads: int, works: bool, folder: Path, warm_python: WarmPython
) -> None:
    done = warm_python.run("-c", FORK, str(folder / name), str(folder / first), str(threads), cwd=folder, timeout=120)
    lines = done.stdout.splitlines()
    assert len(lines) == 2, done.stderr
    for line in lines:
        if works:
            assert abs(float(line) - 50) < 1e-2
        else:
            assert "this process was forked from one in which torch had started its 2 threads" in line
            assert "spawn" in line
            assert Path(name).name in line
