"""The product through a convolution is the plain product, forward and backward."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from kws.frontend.fast_linear import fast_linear

# Rows, inputs, outputs: below the threshold of 64 rows, on it, above it; the last rows are made of two dimensions.
SHAPES = [
    ((1,), 5, 3),
    ((63,), 7, 4),
    ((64,), 7, 4),
    ((65,), 1, 1),
    ((300,), 33, 17),
    ((2, 31), 6, 5),
    ((4, 98), 40, 13),
    ((20, 9), 12, 7),
    ((2, 3, 50), 8, 2),
]


def tensors(
    rows: tuple[int, ...], inputs: int, outputs: int, dtype: torch.dtype = torch.float64
) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    shapes = ((*rows, inputs), (outputs, inputs), (outputs,))
    x, weight, bias = (torch.randn(shape, generator=generator, dtype=dtype).requires_grad_() for shape in shapes)
    return x, weight, bias


@pytest.mark.parametrize("per_clip", [True, False])
@pytest.mark.parametrize("with_bias", [True, False])
@pytest.mark.parametrize(("rows", "inputs", "outputs"), SHAPES)
def test_forward_and_backward(rows: tuple[int, ...], inputs: int, outputs: int, with_bias: bool, per_clip: bool) -> None:
    ours, theirs = tensors(rows, inputs, outputs), tensors(rows, inputs, outputs)
    leaves = 3 if with_bias else 2
    out, expected = fast_linear(*ours[:leaves], per_clip=per_clip), F.linear(*theirs[:leaves])
    assert out.shape == expected.shape == (*rows, outputs)
    torch.testing.assert_close(out, expected, rtol=1e-12, atol=1e-12)
    upstream = torch.randn(expected.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    out.backward(upstream)
    expected.backward(upstream)
    for leaf, other in zip(ours[:leaves], theirs[:leaves], strict=True):
        torch.testing.assert_close(leaf.grad, other.grad, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("rows", [63, 64, 500])
def test_float32(rows: int) -> None:
    x, weight, bias = tensors((rows,), 200, 30, torch.float32)
    exact = F.linear(x.double(), weight.double(), bias.double())
    torch.testing.assert_close(fast_linear(x, weight, bias).double(), exact, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(("rows", "convolved"), [((63,), False), ((64,), True), ((2, 31), False), ((2, 32), True)])
def test_which_products_are_worth_a_convolution(monkeypatch: pytest.MonkeyPatch, rows: tuple[int, ...], convolved: bool) -> None:
    calls: list[torch.Size] = []
    plain = F.conv2d
    monkeypatch.setattr(F, "conv2d", lambda *values: calls.append(values[0].shape) or plain(*values))
    fast_linear(*tensors(rows, 6, 5))
    assert bool(calls) == convolved


def test_matrices_that_do_not_lie_in_a_row() -> None:
    x, weight, _ = tensors((80,), 12, 9)
    across, strided = x.t().contiguous().t(), weight.t().contiguous().t()
    assert not across.is_contiguous()
    assert not strided.is_contiguous()
    torch.testing.assert_close(fast_linear(across, strided), F.linear(x, weight), rtol=1e-12, atol=1e-12)
    frames = torch.randn(3, 400, dtype=torch.float64).unfold(1, 12, 4)
    torch.testing.assert_close(fast_linear(frames, weight), F.linear(frames, weight), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("rows", [(0,), (0, 98), (4, 0)])
def test_an_empty_batch(rows: tuple[int, ...]) -> None:
    x, weight, bias = tensors(rows, 6, 5)
    out = fast_linear(x, weight, bias)
    assert out.shape == (*rows, 5)
    out.sum().backward()
    assert weight.grad is not None
    assert not weight.grad.any()


@pytest.mark.parametrize("rows", [10, 200])
def test_bfloat16_autocast(rows: int) -> None:
    ours, theirs = tensors((rows,), 64, 16, torch.float32), tensors((rows,), 64, 16, torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        out, expected = fast_linear(*ours), F.linear(*theirs)
    assert out.dtype == expected.dtype == torch.bfloat16
    # One rounding to the eight bits of bfloat16, of sums as large as 30.
    torch.testing.assert_close(out, expected, rtol=2**-7, atol=2**-6)
    out.float().sum().backward()
    expected.float().sum().backward()
    for leaf, other in zip(ours, theirs, strict=True):
        assert leaf.grad is not None
        assert leaf.grad.dtype == torch.float32
        torch.testing.assert_close(leaf.grad, other.grad, rtol=2**-6, atol=2**-4)


@pytest.mark.parametrize("rows", [10, 200])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_scripted_it_is_the_plain_product(rows: int) -> None:
    scripted = torch.jit.script(fast_linear)
    values = tensors((rows,), 6, 5)
    assert "conv2d" not in str(scripted.inlined_graph)
    torch.testing.assert_close(scripted(*values), F.linear(*values), rtol=1e-12, atol=1e-12)
