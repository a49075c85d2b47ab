"""Lines compute what planes and torch's own layers compute, and stay lines on the way through a network."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from kws.frontend import cpu
from kws.models.bc_tc_resnet import BcTcResNet
from kws.models.ds_tc_resnet import CausalBlock, DsTcResNet
from kws.models.layers import channels_last as lines
from kws.models.layers.channel_major import Pointwise, SubSpectralNorm, TimeDepthwise, from_channel_major, to_channel_major

LAYERS: dict[str, Callable[[], nn.Module]] = {
    "pointwise": lambda: Pointwise(8, 5),
    "over time": lambda: TimeDepthwise(8, 3),
    "over time, dilated": lambda: TimeDepthwise(8, 5, 4),
    "over time, causal": lambda: TimeDepthwise(8, 4, 3, causal=True),
    "norm": lambda: SubSpectralNorm(8),
    "plain norm": lambda: SubSpectralNorm(8, affine=False),
    "block": lambda: CausalBlock(8, 8, 9, 2, "plain"),
    "block with a convolution past it": lambda: CausalBlock(8, 6, 3, 1, "convolved"),
    "mean": lambda: Mean(),
}
NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "ds_tc_resnet": lambda: DsTcResNet(98, 40, 10, dropout=0.0),
    "bc_tc_resnet": lambda: BcTcResNet(98, 40, 10, dropout=0.0),
}


class Mean(nn.Module):
    def forward(self, maps: Tensor) -> Tensor:
        return lines.mean_over_time(maps)


@pytest.fixture(params=[True, False], ids=["favoured", "not favoured"])
def favoured(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[bool]:
    """A processor that favours lines, and one that doesn't."""
    monkeypatch.setattr(cpu, "lacks_avx512", lambda: request.param)
    return request.param


def as_lines(maps: Tensor) -> Tensor:
    return maps.contiguous(memory_format=torch.channels_last)


def in_planes(maps: Tensor) -> Tensor:
    return from_channel_major(to_channel_major(maps).contiguous())


def outcome(module: nn.Module, given: Tensor, weights: Tensor | None = None) -> dict[str, Any]:
    """Output, gradients and statistics of one step of training."""
    module, given = copy.deepcopy(module).train(), given.clone(memory_format=torch.preserve_format).requires_grad_()
    out = module(given)
    (out * (torch.ones_like(out) if weights is None else weights)).sum().backward()
    gradients = {name: value.grad for name, value in module.named_parameters()}
    return {"out": out.detach(), "input": given.grad, **gradients, **dict(module.named_buffers())}


def assert_same(found: dict[str, Any], expected: dict[str, Any], rtol: float = 1e-4, atol: float = 1e-5) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=rtol, atol=atol, msg=lambda text, name=name: f"{name}: {text}")


@pytest.mark.parametrize("frames", [1, 7, 98])
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_gives_the_same_in_either_order(name: str, frames: int, favoured: bool) -> None:
    torch.manual_seed(frames)
    module, maps = LAYERS[name](), torch.randn(4, 8, frames, 1)
    weights = torch.randn_like(module(maps))
    expected = outcome(module, in_planes(maps), weights)
    assert_same(outcome(module, as_lines(maps), weights), expected)
    # A part of a longer stretch lies in memory as neither.
    wider = torch.cat([as_lines(maps), maps], dim=2)[:, :, :frames]
    assert_same(outcome(module, wider, weights), expected)


@pytest.mark.parametrize("name", sorted(LAYERS.keys() - {"mean"}))
def test_lines_stay_lines(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "lacks_avx512", lambda: True)
    given = as_lines(torch.randn(4, 8, 12, 1)).requires_grad_()
    out = LAYERS[name]().train()(given)
    assert lines.is_channels_last(out)
    out.backward(torch.ones_like(out))
    assert given.grad is not None
    assert lines.is_channels_last(given.grad)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_trains_alike_in_either_order(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    network, features = NETWORKS[name](), torch.randn(6, 98, 40)
    found = []
    for favours in (False, True):
        monkeypatch.setattr(cpu, "lacks_avx512", lambda favours=favours: favours)
        found.append(outcome(network, features))
    # A value next to 0 may be rectified in one and not in the other.
    assert_same(found[1], found[0], rtol=0.01, atol=0.01)
    torch.testing.assert_close(found[1]["out"], found[0]["out"], rtol=1e-4, atol=1e-4)


def test_which_maps_are_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    maps = torch.randn(3, 8, 12, 1)
    monkeypatch.setattr(cpu, "lacks_avx512", lambda: True)
    assert lines.is_channels_last(as_lines(maps))
    assert lines.is_channels_last(lines.to_channels_last(in_planes(maps)))
    assert not lines.is_channels_last(in_planes(maps))
    assert not lines.is_channels_last(as_lines(torch.randn(3, 8, 12, 2)))
    assert not lines.is_channels_last(as_lines(maps.double()))
    with torch.autocast("cpu", torch.bfloat16):
        assert not lines.is_channels_last(as_lines(maps))
    monkeypatch.setattr(cpu, "lacks_avx512", lambda: False)
    assert not lines.is_channels_last(as_lines(maps))
    assert lines.to_channels_last(in_planes(maps)).stride() == in_planes(maps).stride()
