"""ExecuTorch programs: equal to the module they came from, whole or refused, and silent."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

pytest.importorskip("executorch")

from exported import make_model

import kws
from kws.audio.framing import FeatureSpec
from kws.errors import KwsError
from kws.export.executorch import write_executorch
from kws.export.exporter import Scores
from kws.export.probes import hard_signals
from kws.inference.executorch import ExecuTorchModel, quiet, sealed
from kws.inference.loading import load
from kws.inference.metadata import METADATA_KEY, Metadata
from kws.streaming.decoder_settings import DecoderSettings

# Frames of 488 samples, 160 apart, are cut by another path than those of 480.
UNEVEN = {"window_ms": 30.5}


def clips_of(spec: FeatureSpec) -> np.ndarray:
    signals = hard_signals(spec)
    return np.concatenate([signals[kind] for kind in ("silence", "full-scale clipping", "white noise", "voice")])


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("executorch") / "model.pte"
    model = make_model("single_fc")
    metadata = model.metadata.with_decoder(DecoderSettings(threshold=0.61, word_thresholds={"yes": 0.8}))
    write_executorch(Scores(model).eval(), torch.zeros(2, 16000), metadata, path)
    return path


@pytest.mark.parametrize(
    ("network", "front_end", "features"),
    [
        ("single_fc", "average", {}),
        ("conv", "mfcc", {}),
        ("low_latency_conv", "log_mel", {}),
        ("low_latency_svdf", "mfcc_torchaudio", {}),
        ("tiny_conv", "mfcc", UNEVEN),
        ("tiny_embedding_conv", "log_mel", {"sample_rate": 8000}),
    ],
)
def test_equal_to_the_module_and_silent(
    network: str, front_end: str, features: dict[str, float], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = make_model(network, front_end, **features)
    clips = clips_of(model.spec)
    write_executorch(Scores(model).eval(), torch.from_numpy(clips[:2]), model.metadata, tmp_path / "model.pte")
    loaded = load(tmp_path / "model.pte")
    expected = model.score(clips)
    np.testing.assert_allclose(loaded.score(clips), expected, atol=1e-4)
    assert np.ptp(expected, axis=0).max() > 0.1
    assert loaded.metadata == model.metadata
    assert capfd.readouterr() == ("", "")


def test_xnnpack_computes_nearly_all(written: Path) -> None:
    from executorch.exir._serialize._program import deserialize_pte_binary

    plans = {plan.name: plan for plan in deserialize_pte_binary(written.read_bytes()[:-42]).program.execution_plan}
    assert {delegate.id for delegate in plans["forward"].delegates} == {"XnnpackBackend"}
    # The shapes, the fold of the frames, and a constant: no arithmetic.
    assert {operator.name for operator in plans["forward"].operators} <= {
        "aten::flip", "aten::unsqueeze_copy", "aten::view_copy", "executorch_prim::et_view", "dim_order_ops::_to_dim_order_copy",
    }  # fmt: skip
    # Memory to be set aside by a phone, beside XNNPACK's own.
    assert sum(plans["forward"].non_const_buffer_sizes) < 500_000


def test_carries_labels_and_settings(written: Path) -> None:
    loaded = ExecuTorchModel(written)
    assert loaded.labels.names == ("_silence_", "_unknown_", "yes", "no", "stop")
    assert loaded.metadata.decoder == DecoderSettings(threshold=0.61, word_thresholds={"yes": 0.8})
    assert loaded.spec == FeatureSpec()


def test_the_same_model_is_the_same_file(written: Path, tmp_path: Path) -> None:
    model = make_model("single_fc")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    write_executorch(Scores(model).eval(), torch.ones(1, 16000), ExecuTorchModel(written).metadata, tmp_path / "again.pte")
    assert (tmp_path / "again.pte").read_bytes() == written.read_bytes()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert str(Path(kws.__file__).parent).encode() not in written.read_bytes()


def test_any_number_of_clips(written: Path) -> None:
    loaded = ExecuTorchModel(written)
    clips = clips_of(loaded.spec)
    together = loaded.score(clips)
    np.testing.assert_array_equal(np.concatenate([loaded.score(clip[None]) for clip in clips]), together)
    np.testing.assert_array_equal(loaded.score(clips[::-1]), together[::-1])
    assert loaded.score(clips[:0]).shape == (0, 5)
    assert loaded.score(clips[:0]).dtype == np.float32
    assert together.dtype == np.float32


def test_a_network_by_itself(tmp_path: Path) -> None:
    model = make_model()
    features = torch.randn(3, 98, 40, generator=torch.Generator().manual_seed(0))
    network = nn.Sequential(model.network, nn.Softmax(-1))
    write_executorch(network, features, model.metadata, tmp_path / "half.pte")
    scores = ExecuTorchModel(tmp_path / "half.pte").run(features.numpy())
    with torch.no_grad():
        np.testing.assert_allclose(scores, network(features).numpy(), atol=1e-5)


def test_a_file_cut_off_anywhere_is_named(written: Path, tmp_path: Path) -> None:
    whole, path = written.read_bytes(), tmp_path / "cut.pte"
    for kept in [*range(0, 100, 7), *range(100, len(whole), 9973), *range(len(whole) - 60, len(whole), 3)]:
        path.write_bytes(whole[:kept])
        with pytest.raises(KwsError, match=r"cut\.pte: does not end as an ExecuTorch model of kws does; it is cut off, or"):
            load(path)


def test_a_file_with_one_wrong_bit_anywhere_is_named(written: Path, tmp_path: Path) -> None:
    # Of these the runtime would notice few in the weights, and die of some in the headers.
    whole, path = written.read_bytes(), tmp_path / "damaged.pte"
    rng = np.random.default_rng(0)
    places = [*range(0, 64, 5), *rng.integers(64, len(whole) - 10, 60)]
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        with pytest.raises(KwsError, match=r"damaged\.pte: is damaged, for its checksum does not fit; copy it again"):
            load(path)


@pytest.mark.parametrize("content", [b"", b"hello" * 500, b"PK\x03\x04" + bytes(300), bytes(5000)])
def test_another_kind_of_file_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "other.pte").write_bytes(content)
    with pytest.raises(KwsError, match=r"other\.pte: does not end as an ExecuTorch model of kws does; .* another kind of file"):
        load(tmp_path / "other.pte")


def test_a_program_that_this_runtime_refuses_is_named(written: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    program = written.read_bytes()[:-42]
    for content in (b"hello" * 500, program[:-1000]):
        (tmp_path / "newer.pte").write_bytes(sealed(content))
        with pytest.raises(KwsError, match=r"newer\.pte: this version of ExecuTorch can't run it \(.*install the version that"):
            load(tmp_path / "newer.pte")
    assert capfd.readouterr() == ("", "")


def test_a_program_of_another_tool_is_named(tmp_path: Path) -> None:
    from executorch.exir import to_edge_transform_and_lower

    with quiet():
        lowered = to_edge_transform_and_lower(torch.export.export(nn.ReLU(), (torch.ones(1, 4),)))
        program = lowered.to_executorch().buffer
    (tmp_path / "foreign.pte").write_bytes(program)
    with pytest.raises(KwsError, match=r"foreign\.pte: does not end as an ExecuTorch model of kws does"):
        load(tmp_path / "foreign.pte")
    (tmp_path / "foreign.pte").write_bytes(sealed(program))
    with pytest.raises(KwsError, match=r"foreign\.pte: carries no kws metadata"):
        load(tmp_path / "foreign.pte")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(KwsError, match=r"can't be read \(Is a directory\)"):
        ExecuTorchModel(tmp_path)


def test_a_model_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    class Undecided(nn.Module):
        def forward(self, waveform: torch.Tensor) -> torch.Tensor:
            return waveform if waveform.sum() > 0 else -waveform

    with pytest.raises(KwsError, match=r"odd\.pte: this model can't be written for ExecuTorch: "):
        write_executorch(Undecided(), torch.ones(1, 4), make_model().metadata, tmp_path / "odd.pte")
    assert not (tmp_path / "odd.pte").exists()


def test_without_executorch_it_says_what_to_install(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("executorch.exir", "executorch.runtime"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(KwsError, match=r"model\.pte: needs ExecuTorch \(.*\); install it with: pip install 'kws\[executorch\]'"):
        load(written)
    with pytest.raises(KwsError, match=r"export to ExecuTorch needs executorch.*pip install 'kws\[executorch\]'"):
        write_executorch(nn.ReLU(), torch.ones(1, 4), make_model().metadata, tmp_path / "m.pte")


THREADS = """
import sys
from pathlib import Path
from kws.inference.executorch import ExecuTorchModel
first = ExecuTorchModel(Path(sys.argv[1]), threads=3)
second = ExecuTorchModel(Path(sys.argv[1]), threads=1)
import numpy
clips = numpy.zeros((2, 16000), numpy.float32)
assert (first.score(clips) == second.score(clips)).all()
from executorch.extension.pybindings.portable_lib import _threadpool_get_thread_count
print(_threadpool_get_thread_count())
"""


def test_the_first_model_sets_the_threads_and_nothing_is_said(written: Path) -> None:
    folders = os.pathsep.join([str(Path(kws.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    result = subprocess.run(
        [sys.executable, "-c", THREADS, str(written)], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": folders}
    )
    assert (result.stdout, result.stderr) == ("3\n", "")


def test_metadata_survives_every_letter(tmp_path: Path) -> None:
    model = make_model(words=("да", "näin", "日本"))
    write_executorch(nn.ReLU(), torch.ones(1, 4), model.metadata, tmp_path / "m.pte")
    assert ExecuTorchModel(tmp_path / "m.pte").metadata == model.metadata
    from executorch.runtime import Runtime

    (text,) = Runtime.get().load_program(tmp_path / "m.pte").load_method(METADATA_KEY).execute(())
    assert Metadata.from_json(text, "m.pte") == model.metadata
