"""The fast layers compute what torch's own convolutions and normalisation compute, forwards and backwards."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from kws.errors import KwsError
from kws.models.bc_resnet import CollapsingDepthwise, ImageConv
from kws.models.layers.channel_major import (
    FrequencyDepthwise,
    Pointwise,
    SubSpectralNorm,
    TimeDepthwise,
    add_relu,
    from_channel_major,
    mean_over_frequency,
    to_channel_major,
)

LAYERS: dict[str, tuple[Callable[[], nn.Module], int, int]] = {
    "pointwise": (lambda: Pointwise(3, 5), 3, 10),
    "over time": (lambda: TimeDepthwise(3, 3), 3, 4),
    "over time, dilated": (lambda: TimeDepthwise(3, 5, 4), 3, 1),
    "over time, causal": (lambda: TimeDepthwise(3, 4, 3, causal=True), 3, 1),
    "over frequency": (lambda: FrequencyDepthwise(3), 3, 10),
    "over frequency, halved": (lambda: FrequencyDepthwise(3, 2), 3, 10),
    "image": (lambda: ImageConv(4), 1, 10),
    "collapsing": (lambda: CollapsingDepthwise(3), 3, 5),
    "collapsing to rows": (lambda: CollapsingDepthwise(3), 3, 8),
    "norm": (lambda: SubSpectralNorm(3), 3, 10),
    "norm of bands": (lambda: SubSpectralNorm(3, 5), 3, 10),
    "plain norm": (lambda: SubSpectralNorm(3, affine=False), 3, 10),
}


def plain(monkeypatch: pytest.MonkeyPatch, work: Callable[[], Tensor]) -> Tensor:
    """What the layer does in an exported graph."""
    with monkeypatch.context() as patch:
        patch.setattr(torch.compiler, "is_compiling", lambda: True)
        return work()


@pytest.mark.parametrize("frames", [1, 7, 98])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", LAYERS)
def test_equal_to_the_plain_layer(name: str, training: bool, frames: int, monkeypatch: pytest.MonkeyPatch) -> None:
    make, channels, bins = LAYERS[name]
    torch.manual_seed(0)
    fast = make().double().train(training)
    for buffer in fast.buffers():
        buffer.copy_(torch.rand(buffer.shape) + 0.5)
    slow = copy.deepcopy(fast)
    maps = torch.randn(4, channels, frames, bins, dtype=torch.float64)
    one, two = maps.clone().requires_grad_(), maps.clone().requires_grad_()
    mine, theirs = fast(one), plain(monkeypatch, lambda: slow(two))
    torch.testing.assert_close(mine, theirs)
    weights = torch.randn_like(theirs)
    (mine * weights).sum().backward()
    (theirs * weights).sum().backward()
    torch.testing.assert_close(one.grad, two.grad)
    for ours, other in zip(fast.parameters(), slow.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, other.grad)
    for name_, value in fast.named_buffers():
        torch.testing.assert_close(value, dict(slow.named_buffers())[name_])


@pytest.mark.parametrize("bands", [1, 5])
@pytest.mark.parametrize("momentum", [0.1, 0.01, 1.0, 0.0, None])
def test_every_path_keeps_the_same_running_statistics(
    momentum: float | None, bands: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    # torch's own class, over the same rows, says what is right.
    own = nn.BatchNorm1d(3 * bands, momentum=momentum, affine=False).double()
    fast, slow = (SubSpectralNorm(3, bands).double() for _ in range(2))
    fast.momentum = slow.momentum = momentum
    scripted = torch.jit.script(copy.deepcopy(slow))
    for _ in range(3):
        maps = 3 * torch.randn(4, 3, 7, 10, dtype=torch.float64) + 1
        own(maps.transpose(2, 3).reshape(4, 3 * bands, -1))
        fast(maps), scripted(maps)
        plain(monkeypatch, lambda maps=maps: slow(maps))  # type: ignore[misc]
    for name, expected in own.named_buffers():
        for norm in (fast, slow, scripted):
            torch.testing.assert_close(dict(norm.named_buffers())[name], expected, msg=lambda text, name=name: f"{name}: {text}")


def test_bands_are_runs_of_bins() -> None:
    norm, maps = SubSpectralNorm(2, 5), torch.randn(6, 2, 9, 10) * 3 + 1
    maps[:, 1, :, 4:6] += 100
    out = norm(maps).detach()
    for channel in range(2):
        for band in range(5):
            part = out[:, channel, :, 2 * band : 2 * band + 2]
            assert abs(float(part.mean())) < 1e-3
            assert abs(float(part.var()) - 1) < 0.05


@given(kernel=st.integers(1, 6), dilation=st.integers(1, 5), frames=st.integers(1, 30), seed=st.integers(0, 100))
@settings(deadline=None, max_examples=40)
def test_causal_layers_hear_nothing_of_what_follows(kernel: int, dilation: int, frames: int, seed: int) -> None:
    torch.manual_seed(seed)
    layer = TimeDepthwise(2, kernel, dilation, causal=True)
    maps = torch.randn(1, 2, frames, 1)
    whole = layer(maps)
    torch.testing.assert_close(layer(maps[:, :, : frames // 2 + 1]), whole[:, :, : frames // 2 + 1])
    # And what came before can be given, in place of zeros.
    joined = torch.cat([torch.zeros(1, 2, layer.before, 1), maps], dim=2)
    torch.testing.assert_close(layer.slide(joined), whole)


@pytest.mark.parametrize("past", [True, False])
def test_add_and_rectify(past: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(1)
    parts = [torch.randn(3, 2, 5, size, dtype=torch.float64) for size in (4, 1, 4)]
    fast, slow = ([part.clone().requires_grad_() for part in parts] for _ in range(2))
    mine = add_relu(fast[0], fast[1], fast[2] if past else None)
    theirs = plain(monkeypatch, lambda: add_relu(slow[0], slow[1], slow[2] if past else None))
    torch.testing.assert_close(mine, theirs)
    weights = torch.randn_like(theirs)
    (mine * weights).sum().backward()
    (theirs * weights).sum().backward()
    for one, two in list(zip(fast, slow, strict=True))[: 3 if past else 2]:
        torch.testing.assert_close(one.grad, two.grad)


def test_mean_over_frequency() -> None:
    maps = torch.randn(3, 2, 5, 4, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(mean_over_frequency(maps), maps.mean(dim=3, keepdim=True))
    assert torch.autograd.gradcheck(mean_over_frequency, (maps,))


def test_planes_are_maps_in_another_order() -> None:
    maps = torch.randn(3, 2, 5, 4)
    assert to_channel_major(maps).shape == (2, 4, 3, 5)
    assert torch.equal(from_channel_major(to_channel_major(maps)), maps)


def test_long_maps_need_no_banded_matrix() -> None:
    layer, maps = TimeDepthwise(2, 3), torch.randn(1, 2, 1000, 1)
    torch.testing.assert_close(layer(maps)[:, :, 10:90], layer(maps[:, :, :100])[:, :, 10:90])


def test_an_even_kernel_has_no_middle() -> None:
    with pytest.raises(KwsError, match="kernel of 4 frames has no middle"):
        TimeDepthwise(2, 4)
