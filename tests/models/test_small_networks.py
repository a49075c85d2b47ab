"""The small networks: sizes, gradients, learning, and independence of clips from their neighbours, of frames from the future."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from kws.errors import KwsError
from kws.models.bc_resnet import BcResNet
from kws.models.bc_tc_resnet import BcTcResNet
from kws.models.ds_cnn import DsCnn
from kws.models.ds_tc_resnet import DsTcResNet
from kws.models.summary import summarise

MEDIUM = ((2, 1), (2, 2), (1, 1), (1, 1), (1, 1))
LARGE = (*MEDIUM, (1, 1))
NETWORKS: dict[str, tuple[Callable[..., nn.Module], int, int]] = {
    "bc_resnet": (BcResNet, 98, 40),
    "bc_tc_resnet": (BcTcResNet, 98, 40),
    "ds_cnn": (DsCnn, 49, 10),
    "ds_tc_resnet": (DsTcResNet, 98, 40),
}


def sizes(network: nn.Module, frames: int, bins: int) -> tuple[int, int]:
    return sum(p.numel() for p in network.parameters()), sum(layer.multiplies for layer in summarise(network, frames, bins))


@pytest.mark.parametrize(
    ("width", "parameters", "multiplies"),
    [
        (1, 9_232, 2_408_440), (1.5, 17_154, 4_471_140), (2, 27_284, 7_106_160),
        (3, 54_168, 14_093_160), (6, 187_812, 48_789_840), (8, 321_068, 83_367_360),
    ],
)  # fmt: skip
def test_bc_resnet_has_the_papers_sizes(width: float, parameters: int, multiplies: int) -> None:
    # The paper's table: 9.2k, 27.3k, 54.2k, 188k and 321k parameters at 1, 2, 3, 6 and 8. Its multiplies (3.1M, 89M) count
    # normalisation and activations too; what is counted here are the convolutions.
    assert sizes(BcResNet(98, 40, 12, width=width), 98, 40) == (parameters, multiplies)


@pytest.mark.parametrize("make", [BcTcResNet, DsTcResNet])
def test_the_future_changes_nothing(make: Callable[..., nn.Module]) -> None:
    torch.manual_seed(0)
    network = make(98, 40, 5)
    for layer in network.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.momentum = 1.0
    network(torch.randn(16, 98, 40))
    network.eval()
    earlier, later = torch.randn(1, 98, 40), torch.randn(1, 98, 40)
    later[:, :60] = earlier[:, :60]
    maps = []
    # The last maps before their mean.
    network.output.register_forward_pre_hook(lambda _, inputs: maps.append(inputs[0]))
    for features in (earlier, later):
        alone = network.advance(features[0], torch.ones(1, 1, 98, 1), [torch.zeros(1, *shape) for shape in network.histories])[0]
        network(features)
        torch.testing.assert_close(alone.mean(dim=(2, 3)), maps[-1], rtol=1e-4, atol=1e-5)
        maps[-1] = alone
    torch.testing.assert_close(maps[0][:, :, :60], maps[1][:, :, :60], rtol=1e-4, atol=1e-5)
    assert (maps[0][:, :, 60:] - maps[1][:, :, 60:]).abs().max() > 1e-3


def test_ds_cnn_sizes() -> None:
    assert sizes(DsCnn(49, 10, 12), 49, 10) == (23_180, 2_656_768)
    assert sizes(DsCnn(49, 10, 12, channels=172, strides=MEDIUM), 49, 10) == (136_580, 9_816_384)
    assert sizes(DsCnn(49, 10, 12, channels=276, strides=LARGE), 49, 10) == (413_736, 28_327_812)


def test_ds_tc_resnet_sizes() -> None:
    assert sizes(DsTcResNet(98, 40, 12), 98, 40) == (71_556, 6_711_792)


def test_bc_tc_resnet_sizes() -> None:
    assert sizes(BcTcResNet(98, 40, 12), 98, 40) == (81_980, 9_322_512)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_weight_gets_a_gradient(name: str) -> None:
    torch.manual_seed(0)
    make, frames, bins = NETWORKS[name]
    network = make(frames, bins, 5)
    F.cross_entropy(network(torch.randn(8, frames, bins)), torch.arange(8) % 5).backward()
    for place, weight in network.named_parameters():
        assert weight.grad is not None, place
        assert torch.isfinite(weight.grad).all()
        assert weight.grad.abs().max() > 0, place


@pytest.mark.parametrize("name", NETWORKS)
def test_learns_a_batch_by_heart(name: str) -> None:
    torch.manual_seed(0)
    make, frames, bins = NETWORKS[name]
    network = make(frames, bins, 4, dropout=0.0)
    features, labels = torch.randn(12, frames, bins), torch.arange(12) % 4
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(40):
        optimizer.zero_grad()
        loss = F.cross_entropy(network(features), labels)
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 0.2


@pytest.mark.parametrize("name", NETWORKS)
def test_a_clip_is_scored_alike_in_any_batch(name: str) -> None:
    torch.manual_seed(0)
    make, frames, bins = NETWORKS[name]
    network = make(frames, bins, 4)
    for layer in network.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.momentum = 1.0
    with torch.no_grad():
        network(torch.randn(16, frames, bins) + 4 * torch.randn(16, 1, bins))
        clips = torch.randn(9, frames, bins) + 4 * torch.randn(9, 1, bins)
        network.eval()
        whole = network(clips)
        torch.testing.assert_close(torch.cat([network(clip[None]) for clip in clips]), whole, rtol=1e-4, atol=1e-5)
    assert whole.std(dim=0).max() > 1e-3


@pytest.mark.parametrize("name", NETWORKS)
def test_bfloat16_stays_close(name: str) -> None:
    torch.manual_seed(0)
    make, frames, bins = NETWORKS[name]
    network, features = make(frames, bins, 4, dropout=0.0), torch.randn(16, frames, bins)
    exact = network(features)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = network(features)
    assert (exact - rounded.float()).abs().max() < 0.1 * exact.abs().max()


def test_a_front_that_strides_without_more_channels() -> None:
    network = BcTcResNet(
        98, 40, 4, stem=6, front=(6, 6), strides=(2, 1), channels=(8, 8, 10), kernels=(3, 5, 1), dilations=(1, 2, 1)
    )
    assert network(torch.randn(2, 98, 40)).shape == (2, 4)
    assert network.mix[0].in_channels == 6 * 10


def test_settings_that_make_no_network() -> None:
    with pytest.raises(KwsError, match=r"features.bins: 64 given.*give 40"):
        BcResNet(98, 64, 12)
    with pytest.raises(KwsError, match=r"model.width: 0.1 leaves no channel"):
        BcResNet(98, 40, 12, width=0.1)
    with pytest.raises(KwsError, match="6, 1, 6 and 6 entries"):
        DsTcResNet(98, 40, 12, kernels=(3,))
    with pytest.raises(KwsError, match=r"model.front, strides: 2 and 1 entries"):
        BcTcResNet(98, 40, 12, strides=(1,))
    with pytest.raises(KwsError, match=r"model.channels, kernels, dilations: 5, 1 and 5 entries"):
        BcTcResNet(98, 40, 12, kernels=(3,))
    with pytest.raises(KwsError, match=r"features.bins: 64 given.*has 32 of them left.*no 5 equal.*give 40"):
        BcTcResNet(98, 64, 12)
