"""The front ends as graphs: what they are made of, and that scripted, traced and exported ones say the same."""

from __future__ import annotations

import io

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from kws.frontend.features import Average, LogMel, Mfcc, MfccTorchaudio
from kws.frontend.front_end import FrontEnd

pytestmark = [
    pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
front_ends = pytest.mark.parametrize("kind", [Mfcc, MfccTorchaudio, LogMel, Average])

# All that may happen to a waveform on its way: real arithmetic, and looking at the same numbers in another shape.
ARITHMETIC = {"addcmul", "add", "sub", "mul", "mm", "addmm", "convolution", "sqrt", "log", "clamp", "maximum", "amax"}
SHAPE = {"flip", "unsqueeze", "reflection_pad1d", "select", "slice", "unfold", "clone", "view", "permute", "alias", "detach", "t"}
SHAPE |= {"_unsafe_view", "squeeze", "transpose", "expand", "lift_fresh_copy", "_to_copy"}


@pytest.fixture
def clips() -> torch.Tensor:
    return torch.rand(3, 16000, generator=torch.Generator().manual_seed(0)) - 0.5


@front_ends
def test_made_of_plain_arithmetic(kind: type[FrontEnd], clips: torch.Tensor) -> None:
    graph = make_fx(kind())(clips).graph
    used = {str(node.target).removeprefix("aten.").split(".")[0] for node in graph.nodes if node.op == "call_function"}
    assert used <= ARITHMETIC | SHAPE
    assert used & {"mm", "addmm", "convolution"}


@front_ends
def test_scripted(kind: type[FrontEnd], clips: torch.Tensor) -> None:
    front_end = kind()
    stream = io.BytesIO()
    torch.jit.save(torch.jit.script(front_end), stream)
    stream.seek(0)
    scripted = torch.jit.load(stream)
    assert "fft" not in str(scripted.inlined_graph)
    for batch in (clips, clips[:1]):
        torch.testing.assert_close(scripted(batch), front_end(batch), rtol=1e-5, atol=1e-4)


@front_ends
def test_traced_with_one_clip_and_run_with_three(kind: type[FrontEnd], clips: torch.Tensor) -> None:
    front_end = kind()
    traced = torch.jit.trace(front_end, clips[:1])
    assert "fft" not in str(traced.inlined_graph)
    torch.testing.assert_close(traced(clips), front_end(clips), rtol=1e-5, atol=1e-4)


@front_ends
def test_exported_for_any_batch(kind: type[FrontEnd], clips: torch.Tensor) -> None:
    front_end = kind()
    program = torch.export.export(front_end, (clips,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    # The convolution that stands in for a product on this processor is no business of a program for others.
    assert not any("conv" in str(node.target) for node in program.graph.nodes)
    for batch in (clips, clips[:1], clips[[0, 1, 2, 0, 1]]):
        torch.testing.assert_close(program.module()(batch), front_end(batch), rtol=1e-5, atol=1e-4)


@front_ends
def test_onnx(kind: type[FrontEnd], clips: torch.Tensor) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    from onnx.reference import ReferenceEvaluator

    front_end = kind()
    program = torch.onnx.export(front_end, (clips,), dynamo=True, dynamic_shapes=({0: torch.export.Dim("batch")},), verbose=False)
    assert program is not None
    model = program.model_proto
    onnx.checker.check_model(model)
    assert not {node.op_type for node in model.graph.node} & {"DFT", "STFT"}
    for batch in (clips, clips[:1]):
        (features,) = ReferenceEvaluator(model).run(None, {model.graph.input[0].name: batch.numpy()})
        torch.testing.assert_close(torch.from_numpy(features), front_end(batch), rtol=1e-5, atol=1e-4)
