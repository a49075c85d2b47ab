"""The six tutorial networks: the original's sizes, weights and outputs, and what holds at other sizes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow_networks as originals
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow_numbers import GOLDEN
from torch import Tensor, nn

from kws.errors import KwsError
from kws.models.conv import Conv
from kws.models.low_latency_conv import LowLatencyConv
from kws.models.single_fc import SingleFc
from kws.models.summary import summarise
from kws.models.svdf import LowLatencySvdf
from kws.models.tensorflow_weights import load_original_weights, read_original_weights
from kws.models.tiny_conv import TinyConv, TinyEmbeddingConv

Network = Callable[..., nn.Module]
FILES = {
    "single_fc": SingleFc,
    "conv": Conv,
    "low_latency_conv": LowLatencyConv,
    "low_latency_svdf": LowLatencySvdf,
    "tiny_conv": TinyConv,
    "tiny_embedding_conv": TinyEmbeddingConv,
}
# Each with narrow layers, for tests that run it often.
SMALL: dict[Network, dict[str, int]] = {
    SingleFc: {},
    Conv: {"filters": 3},
    LowLatencyConv: {"filters": 4, "filter_bins": 3, "units": 5},
    LowLatencySvdf: {"units": 6, "hidden": 5},
    TinyConv: {"filters": 3},
    TinyEmbeddingConv: {"filters": 3},
}
every_network = pytest.mark.parametrize("kind", FILES.values())


@pytest.mark.parametrize(
    ("kind", "parameters", "multiplies"),
    [
        (SingleFc, 47_052, 47_040),
        (Conv, 926_860, 201_456_640),
        (LowLatencyConv, 949_862, 5_615_776),
        (LowLatencySvdf, 751_372, 10_682_368),
        (TinyConv, 94_740, 721_280),
        (TinyEmbeddingConv, 7_804, 736_736),
    ],
)
def test_parameters_and_multiplies(kind: Network, parameters: int, multiplies: int) -> None:
    network = kind(frames=98, bins=40, labels=12)
    layers = summarise(network, 98, 40)
    assert sum(weight.numel() for weight in network.parameters()) == parameters
    assert sum(layer.parameters for layer in layers) == parameters
    assert sum(layer.multiplies for layer in layers) == multiplies


def agreed_logits(path: Path, name: str) -> Tensor:
    """Logits (clips, labels) of a file's inputs with its weights, in a batch and alone, once they are the file's."""
    network = FILES[name](frames=98, bins=40, labels=12).eval()
    load_original_weights(network, read_original_weights(path))
    with np.load(path) as arrays:
        features, expected = torch.from_numpy(arrays["features"]).view(-1, 98, 40), torch.from_numpy(arrays["logits"])
    with torch.no_grad():
        logits = network(features)
        alone = torch.cat([network(clip[None]) for clip in features])
    assert expected.std() > 0.01
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-4)
    torch.testing.assert_close(alone, expected, rtol=0, atol=1e-4)
    return logits


def test_logits_of_the_originals_smallest_network() -> None:
    assert agreed_logits(GOLDEN / "model_tiny_embedding_conv.npz", "tiny_embedding_conv").shape == (4, 12)


@pytest.mark.parametrize("name", [name for name in FILES if name != "conv"])
def test_logits_of_the_originals_weights(shared: Path, name: str) -> None:
    path = shared / "reference" / f"model_{name}.npz"
    logits = agreed_logits(path, name)
    with np.load(path) as arrays:
        labels, loss = torch.from_numpy(arrays["labels"]).long(), float(arrays["loss"])
    assert float(nn.functional.cross_entropy(logits, labels)) == pytest.approx(loss, abs=1e-4)


def variables(kind: str, frames: int, bins: int, labels: int) -> dict[str, np.ndarray[Any, Any]]:
    """Random variables of a small network in the original's layouts."""
    filters, units, hidden = 3, 6, 5
    convolved = {
        "Conv": ((20, 8, 1, filters), (10, 4, filters, filters), -(-frames // 2) * -(-bins // 2) * filters),
        "TinyConv": ((10, 8, 1, filters), None, -(-frames // 2) * -(-bins // 2) * filters),
        "TinyEmbeddingConv": ((10, 8, 1, filters), (10, 8, filters, filters), -(-frames // 16) * -(-bins // 16) * filters),
        "LowLatencyConv": ((frames, 3, 1, 4), None, (bins - 2) * 4),
    }
    shapes: dict[str, tuple[int, ...]] = {}
    if kind == "SingleFc":
        shapes |= {"weights": (frames * bins, labels), "bias": (labels,)}
    elif kind == "LowLatencySvdf":
        shapes |= {"weights_frequency": (bins, 2 * units), "weights_time": (2 * units, frames), "bias": (units,)}
        flat = units
    else:
        first, second, flat = convolved[kind]
        shapes |= {"first_weights": first, "first_bias": first[3:]}
        shapes |= {"second_weights": second, "second_bias": second[3:]} if second else {}
    if kind.startswith("LowLatency"):
        shapes |= {"first_fc_weights": (flat, hidden), "first_fc_bias": (hidden,)}
        shapes |= {"second_fc_weights": (hidden, hidden), "second_fc_bias": (hidden,)}
        flat = hidden
    if kind != "SingleFc":
        shapes |= {"final_fc_weights": (flat, labels), "final_fc_bias": (labels,)}
    rng = np.random.default_rng(1)
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


@every_network
@pytest.mark.parametrize(("frames", "bins"), [(9, 7), (12, 8), (25, 10), (34, 17)])
def test_small_networks_follow_the_originals_formulas(kind: type[nn.Module], frames: int, bins: int) -> None:
    weights = variables(kind.__name__, frames, bins, 4)
    network = kind(frames=frames, bins=bins, labels=4, **SMALL[kind]).double().eval()
    load_original_weights(network, weights)
    clips = np.random.default_rng(2).standard_normal((3, frames, bins))
    expected = np.stack([originals.network(kind.__name__, clip, weights) for clip in clips])
    assert np.abs(expected).min() > 0
    with torch.no_grad():
        np.testing.assert_allclose(network(torch.from_numpy(clips)).numpy(), expected, rtol=1e-9, atol=1e-9)


@every_network
@settings(max_examples=15, deadline=None)
@given(frames=st.integers(1, 40), bins=st.integers(3, 25), labels=st.integers(1, 5), batch=st.integers(1, 3))
def test_any_size(kind: Network, frames: int, bins: int, labels: int, batch: int) -> None:
    network = kind(frames=frames, bins=bins, labels=labels, **SMALL[kind])
    features = torch.randn(batch, frames, bins)
    assert network(features).shape == (batch, labels)
    # In evaluation a clip's logits are its own.
    network.eval()
    alone = torch.cat([network(clip[None]) for clip in features])
    torch.testing.assert_close(network(features), alone, rtol=1e-4, atol=1e-6)


@every_network
def test_every_parameter_learns(kind: Network) -> None:
    torch.manual_seed(0)
    network = kind(frames=98, bins=40, labels=12, **({"filters": 8} if kind is Conv else {}))
    logits = network(10 * torch.randn(4, 98, 40))
    nn.functional.cross_entropy(logits, torch.tensor([0, 3, 7, 11])).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert bool(torch.isfinite(parameter.grad).all()), name
        assert float(parameter.grad.abs().max()) > 0, name


@every_network
def test_initial_weights(kind: Network) -> None:
    torch.manual_seed(0)
    network = kind(frames=98, bins=40, labels=12)
    deviation = 0.001 if kind is SingleFc else 0.01
    for name, parameter in network.state_dict().items():
        if name.endswith("bias"):
            assert not parameter.any(), name
            continue
        assert parameter.abs().max() <= 2 * deviation, name
        # A normal cut off at two deviations has 0.8796 of the deviation.
        spread = float(parameter.std()) / deviation
        assert spread == pytest.approx(0.8796, abs=max(0.01, 2.5 / parameter.numel() ** 0.5)), name
        assert abs(float(parameter.mean())) < 5 * deviation / parameter.numel() ** 0.5, name


def drops(network: nn.Module, features: Tensor) -> bool:
    return not torch.equal(network(features), network(features))


@every_network
def test_dropout_in_training_alone(kind: Network) -> None:
    torch.manual_seed(0)
    features = torch.randn(2, 30, 20)
    network = kind(frames=30, bins=20, labels=3, **SMALL[kind])
    assert drops(network, features) == (kind is not SingleFc)
    assert not drops(network.eval(), features)
    if kind is not SingleFc:
        without = kind(frames=30, bins=20, labels=3, **SMALL[kind], dropout=0)
        assert not drops(without, features)


@every_network
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
def test_scripted_and_traced(kind: Network) -> None:
    torch.manual_seed(0)
    features = 10 * torch.randn(3, 30, 20)
    network = kind(frames=30, bins=20, labels=3, **SMALL[kind]).eval()
    for made in (torch.jit.script(network), torch.jit.trace(network, features[:1])):
        torch.testing.assert_close(made(features), network(features), rtol=1e-5, atol=1e-6)


def test_a_filter_wider_than_the_features() -> None:
    with pytest.raises(KwsError, match=r"model\.filter_bins: 8 is wider than the 5 feature bins; give at most 5"):
        LowLatencyConv(frames=10, bins=5, labels=3)
