"""Dropout: how many values it drops, which, what it leaves, and its gradient."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from kws.errors import KwsError
from kws.models.layers.dropout import Dropout, ReluDropout, keep_mask

PROBABILITIES = [0.0, 0.1, 0.25, 0.5, 0.9]
probabilities = pytest.mark.parametrize("probability", PROBABILITIES)
COUNT = 200_000


def off(share: float, count: int = COUNT) -> float:
    """Five deviations of a share among so many."""
    return 5 * (share * (1 - share) / count) ** 0.5 + 1e-9


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(3)


@probabilities
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("kind", [Dropout, ReluDropout])
def test_the_share_dropped_and_the_mean_kept(kind: type[Dropout], probability: float, dtype: torch.dtype) -> None:
    values = torch.ones(100, COUNT // 100, dtype=dtype)
    out = kind(probability)(values)
    assert out.dtype == dtype
    assert out.shape == values.shape
    dropped = float((out == 0).double().mean())
    # Where no byte holds the probability, the nearest of 65536 steps stands for it.
    assert dropped == pytest.approx(probability, abs=off(probability) + 2**-17)
    kept = out[out != 0].double().unique()
    assert kept.tolist() == pytest.approx([1 / (1 - probability)], rel=2**-7 if dtype == torch.bfloat16 else 1e-6)
    tolerance = off(probability) / (1 - probability) + (2**-8 if dtype == torch.bfloat16 else 1e-4)
    assert float(out.double().mean()) == pytest.approx(1, abs=tolerance)


@probabilities
@pytest.mark.parametrize("kind", [Dropout, ReluDropout])
def test_in_evaluation_nothing_is_dropped(kind: type[Dropout], probability: float) -> None:
    values = torch.randn(50, 40)
    expected = values if kind is Dropout else values.relu()
    assert torch.equal(kind(probability).eval()(values), expected)
    assert torch.equal(kind(0.0)(values), expected)


@probabilities
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_gradient_is_the_mask_scaled(probability: float, layout: torch.memory_format) -> None:
    values = torch.randn(5, 6, 7, 8).to(memory_format=layout).requires_grad_()
    upstream = torch.randn(5, 6, 7, 8)
    out = Dropout(probability)(values)
    out.backward(upstream)
    scaled_mask = out.detach() / values.detach()
    torch.testing.assert_close(values.grad, upstream * scaled_mask)
    assert out.is_contiguous(memory_format=layout)


@probabilities
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_relu_and_dropout_in_one(probability: float, layout: torch.memory_format, dtype: torch.dtype) -> None:
    values = torch.randn(5, 6, 7, 8).to(dtype).to(memory_format=layout).requires_grad_()
    before = values.detach().clone()
    upstream = torch.randn(5, 6, 7, 8).to(dtype)
    out = ReluDropout(probability)(values)
    out.backward(upstream)
    scale = 1 / (1 - probability)
    mask = out.detach() > 0
    assert torch.equal(values.detach(), before)
    assert not mask[before <= 0].any()
    torch.testing.assert_close(out.detach()[mask], before[mask] * scale)
    torch.testing.assert_close(values.grad, torch.where(mask, upstream * scale, torch.zeros((), dtype=dtype)))
    assert float(mask[before > 0].float().mean()) == pytest.approx(1 - probability, abs=off(probability, 840))
    assert out.is_contiguous(memory_format=layout)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@probabilities
def test_the_mask_lies_in_memory_like_the_values(layout: torch.memory_format, probability: float) -> None:
    like = torch.empty(2, 3, 5, 7).to(memory_format=layout)
    mask = keep_mask(like, probability)
    assert mask.shape == like.shape
    assert mask.stride() == like.stride()
    assert mask.dtype == torch.int8
    assert set(mask.unique().tolist()) <= {0, 1}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 9), max_size=4), st.sampled_from([0.1, 0.5]))
def test_values_of_any_shape(shape: list[int], probability: float) -> None:
    values = torch.ones(shape)
    for kind in (Dropout, ReluDropout):
        assert kind(probability)(values).shape == values.shape


def correlation(mask: Tensor, lag: int) -> float:
    return float((mask[lag:] * mask[:-lag]).mean())


@pytest.mark.parametrize("probability", [0.1, 0.5])
def test_neighbours_are_dropped_independently(probability: float) -> None:
    mask = keep_mask(torch.empty(COUNT), probability).double()
    mask = (mask - mask.mean()) / mask.std()
    for lag in range(1, 34):
        assert abs(correlation(mask, lag)) < 5 / COUNT**0.5
    # Every place within the 64 bits of a draw is as likely as another.
    for place in range(8):
        assert abs(float(mask[place::8].mean())) < 5 / (COUNT / 8) ** 0.5


@pytest.mark.parametrize(("probability", "share"), [(1e-6, 1e-6), (0.1 + 1 / 256, 0.1 + 1 / 256), (0.9999, 1e-4), (0.9999999, 0)])
def test_probabilities_near_the_ends(probability: float, share: float) -> None:
    dropped = 1 - float(keep_mask(torch.empty(COUNT), probability).double().mean())
    expected = share if probability < 0.5 else 1 - share
    assert dropped == pytest.approx(expected, abs=off(expected) + 2**-15)


@pytest.mark.parametrize("kind", [Dropout, ReluDropout])
def test_the_seed_decides(kind: type[Dropout]) -> None:
    values = torch.rand(20, 30) + 1
    made = []
    for number in (5, 5, 6):
        torch.manual_seed(number)
        made.append(kind(0.5)(values))
    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])
    assert not torch.equal(kind(0.5)(values), kind(0.5)(values))


@pytest.mark.parametrize("kind", [Dropout, ReluDropout])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_scripted(kind: type[Dropout]) -> None:
    layer = kind(0.5)
    scripted = torch.jit.script(layer)
    assert float((scripted(torch.ones(COUNT)) == 0).float().mean()) == pytest.approx(0.5, abs=off(0.5))
    scripted.eval()
    values = torch.randn(30)
    assert torch.equal(scripted(values), layer.eval()(values))


@pytest.mark.parametrize("probability", [1.0, 1.5, -0.1, float("nan")])
def test_no_probability(probability: float) -> None:
    with pytest.raises(KwsError, match=r"model\.dropout: .* give at least 0 and less than 1"):
        ReluDropout(probability)
