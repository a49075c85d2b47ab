"""`load` with every kind of file, and with files that are none."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from corpora import RATE_HZ, WANTED
from exported import make_model

from kws.audio.io import fit_length, read_audio, to_float
from kws.errors import KwsError
from kws.export.exporter import export
from kws.export.formats import FORMATS
from kws.export.parity import LIMIT
from kws.inference.loading import load
from kws.inference.metadata import METADATA_KEY

KINDS = {".onnx": "onnx", ".pt": "torchscript", ".ptl": "mobile"}
suffixes = pytest.mark.parametrize("suffix", list(KINDS))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    for form in KINDS.values():
        assert export(make_model(), FORMATS[form], folder, "model").passed
    return folder


@pytest.mark.parametrize("name", ["model.h5", "model", "model.ONNX"])
def test_an_unknown_ending_is_named(name: str) -> None:
    with pytest.raises(
        KwsError, match=rf"{name}: its ending says no kind of model; \.ckpt \(a checkpoint of train\.py\), \.onnx"
    ):
        load(name)


@pytest.mark.parametrize("suffix", [*KINDS, ".ckpt", ".pte"])
def test_a_missing_file_is_named(suffix: str) -> None:
    with pytest.raises(KwsError, match=rf"nowhere{suffix}: no such file"):
        load(f"nowhere{suffix}")


@suffixes
@pytest.mark.parametrize("kept", [0, 1, 100, 0.5, 0.9, 0.999])
def test_a_cut_off_file_is_named(suffix: str, kept: float, folder: Path, tmp_path: Path) -> None:
    whole = (folder / f"model{suffix}").read_bytes()
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(whole[: int(kept if kept >= 1 else kept * len(whole))])
    with pytest.raises(KwsError, match=rf"cut{suffix}: "):
        load(path)


@suffixes
def test_another_kind_of_file_is_named(suffix: str, folder: Path, tmp_path: Path) -> None:
    other = next(name for name in KINDS if name != suffix)
    if (suffix, other) == (".pt", ".ptl") or suffix == ".ptl":
        other = ".onnx"
    path = tmp_path / f"other{suffix}"
    path.write_bytes((folder / f"model{other}").read_bytes())
    with pytest.raises(KwsError, match=rf"other{suffix}: "):
        load(path)


def test_a_scripted_file_without_bytecode_is_no_mobile_file(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "model.ptl").write_bytes((folder / "model.pt").read_bytes())
    with pytest.raises(
        KwsError, match=r"model\.ptl: holds no bytecode for PyTorch Mobile; export it with `kws export --to mobile`"
    ):
        load(tmp_path / "model.ptl")


def test_a_file_of_another_program_is_named(tmp_path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper

    shape = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", shape[:1], shape[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), tmp_path / "foreign.onnx")
    torch.jit.script(torch.nn.ReLU()).save(str(tmp_path / "foreign.pt"))
    for name in ("foreign.onnx", "foreign.pt"):
        with pytest.raises(KwsError, match=rf"{name}: carries no kws metadata, so its labels are unknown; export it with"):
            load(tmp_path / name)


def rewritten(folder: Path, target: Path, change: dict[str, object]) -> Path:
    """The mobile file with other metadata."""
    with zipfile.ZipFile(folder / "model.ptl") as source, zipfile.ZipFile(target, "w") as sink:
        for name in source.namelist():
            content = source.read(name)
            if name.endswith(f"/extra/{METADATA_KEY}"):
                content = json.dumps({**json.loads(content), **change}).encode()
            sink.writestr(name, content)
    return target


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"format": 2, "kws_version": "9.1"},
            r"was written in format 2 by kws 9\.1; this kws [\d.]+ reads format 1\. Update kws",
        ),
        ({"format": "new"}, r"its kws metadata can't be read"),
        ({"labels": None}, r"its kws metadata lacks or misstates"),
        ({"sound": {"rate_hz": 16000}}, r"its kws metadata lacks or misstates 'clip_ms'"),
        ({"decoder": {"treshold": 1}}, r"treshold"),
    ],
)
def test_metadata_of_another_version(change: dict[str, object], message: str, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(KwsError, match=message):
        load(rewritten(folder, tmp_path / "other.ptl", change))


@pytest.mark.parametrize(
    ("waveform", "message"),
    [
        (np.zeros(16000, np.float32), r"shape \(16000,\) given; \(batch, 16000\) expected, 1000 ms at 16000 Hz"),
        (np.zeros((1, 8000), np.float32), r"shape \(1, 8000\) given; .*kws\.audio\.(io\.)?fit_length"),
        (np.zeros((1, 22050), np.float32), r"shape \(1, 22050\) given"),
        (np.zeros((1, 16000), np.int16), r"int16 given; float in \[-1, 1\] expected"),
        (np.full((2, 16000), np.nan, np.float32), r"NaN or infinite"),
        (np.full((2, 16000), np.inf, np.float32), r"NaN or infinite"),
    ],
)
def test_sound_that_no_model_can_score(waveform: np.ndarray, message: str, folder: Path) -> None:
    for model in (load(folder / "model.onnx"), load(folder / "model.ptl"), make_model()):
        with pytest.raises(KwsError, match=message):
            model.score(waveform)


@suffixes
def test_float64_and_strided_sound_is_scored(suffix: str, folder: Path) -> None:
    model = load(folder / f"model{suffix}")
    clips = np.random.default_rng(0).uniform(-0.5, 0.5, (4, 16000))
    expected = model.score(clips.astype(np.float32))
    np.testing.assert_array_equal(model.score(clips), expected)
    np.testing.assert_array_equal(model.score(np.asfortranarray(clips.astype(np.float32))), expected)
    np.testing.assert_allclose(model.score(clips.astype(np.float32)[::2]), expected[::2], atol=LIMIT)
    assert model.score(clips[:0].astype(np.float32)).shape == (0, 5)


WITHOUT_TORCH = """
import sys
for name in ("torch", "torchaudio", "pytorch_lightning", "hydra", "onnx", "matplotlib", "scipy.signal"):
    sys.modules[name] = None
from kws.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def without_torch(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", WITHOUT_TORCH, *arguments], capture_output=True, text=True)


def test_an_onnx_file_labels_and_evaluates_without_torch(small_corpus: Path, tmp_path: Path) -> None:
    model = make_model(words=WANTED)
    assert export(model, FORMATS["onnx"], tmp_path, "model").passed
    clip = next((small_corpus / "yes").iterdir())
    labelled = without_torch("label", str(tmp_path / "model.onnx"), str(clip), "--json", "--top", "4")
    sound = to_float(fit_length(read_audio(clip, RATE_HZ), RATE_HZ))
    expected = dict(zip(model.labels.names, model.score(sound[None])[0].tolist(), strict=True))
    assert json.loads(labelled.stdout)["scores"] == pytest.approx(expected, abs=LIMIT), labelled.stderr
    evaluated = without_torch("evaluate", str(tmp_path / "model.onnx"), str(small_corpus), "--json", "--split", "all")
    assert json.loads(evaluated.stdout)["clips"] > 40, evaluated.stderr


@pytest.mark.parametrize("arguments", [("export", "x.ckpt"), ("spectrogram", "x.wav", "x.png")])
def test_a_command_that_needs_torch_says_so(arguments: tuple[str, ...]) -> None:
    result = without_torch(*arguments)
    assert result.returncode == 2
    assert result.stderr == f"error: kws {arguments[0]} needs torch, which is not installed; pip install 'kws[train]'\n"


@pytest.mark.parametrize("suffix", [".pt", ".ptl", ".ckpt"])
def test_a_torch_file_without_torch_says_what_to_install(suffix: str, small_corpus: Path, tmp_path: Path) -> None:
    (tmp_path / f"model{suffix}").touch()
    result = without_torch("label", str(tmp_path / f"model{suffix}"), str(next((small_corpus / "yes").iterdir())))
    assert result.returncode == 2
    assert f"model{suffix}: needs torch, which is not installed; pip install 'kws[train]'" in result.stderr


@pytest.mark.parametrize("threads", [-1, 0, 1025, 10**20])
def test_threads_that_make_no_sense_are_named(threads: int, tmp_path: Path) -> None:
    with pytest.raises(KwsError, match=f"threads: {threads} given; 1 to 1024 is expected"):
        load(tmp_path / "m.onnx", threads=threads)
