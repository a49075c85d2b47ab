"""The layer where numbers stop being finite is named, and why."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from kws.errors import KwsError
from kws.models.svdf import LowLatencySvdf
from kws.models.tiny_conv import TinyEmbeddingConv
from kws.training.nan_guard import NanCheck


@pytest.fixture
def network() -> TinyEmbeddingConv:
    torch.manual_seed(0)
    return TinyEmbeddingConv(20, 10, 3)


def test_finite_numbers_pass(network: TinyEmbeddingConv) -> None:
    features = torch.randn(2, 20, 10)
    torch.manual_seed(1)
    plain = network(features)
    check = NanCheck(network)
    check.check_gradients()
    torch.manual_seed(1)
    watched = network(features)
    assert torch.equal(plain, watched)
    watched.sum().backward()
    check.check_gradients()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize(("layer", "kind"), [("first", "SameConv2d"), ("second", "SameConv2d"), ("output", "Dense")])
def test_weights_that_are_not_finite(network: TinyEmbeddingConv, layer: str, kind: str, value: float) -> None:
    NanCheck(network)
    with torch.no_grad():
        network.get_parameter(f"{layer}.bias")[1] = value
    message = rf"check_nans: the output of layer {layer} \({kind}\) is not finite: its weights are not finite; .*optim\.lr"
    with pytest.raises(KwsError, match=message):
        network(torch.randn(2, 20, 10))


def test_an_input_that_is_not_finite(network: TinyEmbeddingConv) -> None:
    NanCheck(network)
    features = torch.randn(2, 20, 10)
    features[1, 3, 4] = float("nan")
    with pytest.raises(KwsError, match=r"layer first \(SameConv2d\) is not finite: its input already is not finite"):
        network(features)


def test_sums_that_overflow(network: TinyEmbeddingConv) -> None:
    NanCheck(network)
    with torch.no_grad():
        network.second.weight.fill_(3e38)
    with pytest.raises(KwsError, match=r"layer second \(SameConv2d\) is not finite: its sums overflow"):
        network.eval()(torch.randn(2, 20, 10) * 100)


def test_layers_within_layers_and_layers_of_our_own() -> None:
    network = nn.ModuleDict({"body": LowLatencySvdf(6, 5, 3, units=4, hidden=3)})
    NanCheck(network)
    with torch.no_grad():
        network["body"].get_parameter("first.time").fill_(float("nan"))
    with pytest.raises(KwsError, match=r"the output of layer body\.first \(Svdf\)"):
        network["body"](torch.randn(2, 6, 5))


def test_a_network_of_one_layer() -> None:
    network = nn.Linear(2, 2)
    NanCheck(network)
    with pytest.raises(KwsError, match=r"the output of layer network \(Linear\)"):
        network(torch.tensor([float("inf"), 0]))


@pytest.mark.parametrize("name", ["first.weight", "output.bias"])
@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_a_gradient_that_is_not_finite(network: TinyEmbeddingConv, name: str, value: float) -> None:
    check = NanCheck(network)
    network(torch.randn(2, 20, 10)).sum().backward()
    gradient = network.get_parameter(name).grad
    assert gradient is not None
    gradient.view(-1)[-1] = value
    with pytest.raises(KwsError, match=rf"check_nans: the gradient of {name} is not finite; a smaller optim\.lr often helps"):
        check.check_gradients()
