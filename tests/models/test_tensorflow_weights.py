"""The original's variables in our layers: names, layouts, and what is said where they do not fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from kws.errors import KwsError
from kws.models.low_latency_conv import LowLatencyConv
from kws.models.single_fc import SingleFc
from kws.models.svdf import LowLatencySvdf
from kws.models.tensorflow_weights import load_original_weights, read_original_weights
from kws.models.tiny_conv import TinyConv


def tiny() -> tuple[TinyConv, dict[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    shapes = {
        "first_weights": (10, 8, 1, 8),
        "first_bias": (8,),
        "final_fc_weights": (6 * 5 * 8, 3),
        "final_fc_bias": (3,),
    }
    variables = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    return TinyConv(12, 10, 3), variables


def test_every_weight_takes_its_place() -> None:
    network, variables = tiny()
    load_original_weights(network, variables)
    state = network.state_dict()
    assert state["first.weight"].shape == (8, 1, 10, 8)
    for time, frequency, out in ((0, 0, 0), (9, 7, 7), (3, 5, 2)):
        assert state["first.weight"][out, 0, time, frequency] == variables["first_weights"][time, frequency, 0, out]
    for entry, out in ((0, 0), (239, 2), (17, 1)):
        assert state["output.weight"][out, entry] == variables["final_fc_weights"][entry, out]
    assert np.array_equal(state["first.bias"], variables["first_bias"])
    assert np.array_equal(state["output.bias"], variables["final_fc_bias"])


def test_the_network_keeps_its_own_copy() -> None:
    network, variables = tiny()
    load_original_weights(network, variables)
    before = network.output.bias.detach().clone()
    variables["final_fc_bias"] += 1
    assert torch.equal(network.output.bias, before)
    # More variables than the network has, such as the optimiser's, are no matter.
    load_original_weights(network, {**variables, "global_step": np.zeros(())})
    assert torch.equal(network.output.bias, before + 1)


def test_svdf_filters() -> None:
    network = LowLatencySvdf(5, 4, 3, units=2, hidden=6)
    rng = np.random.default_rng(0)
    shapes = {
        "weights_frequency": (4, 4),
        "weights_time": (4, 5),
        "bias": (2,),
        "first_fc_weights": (2, 6),
        "first_fc_bias": (6,),
        "second_fc_weights": (6, 6),
        "second_fc_bias": (6,),
        "final_fc_weights": (6, 3),
        "final_fc_bias": (3,),
    }
    variables = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    load_original_weights(network, variables)
    first = network.first
    np.testing.assert_allclose(first.frequency.detach(), variables["weights_frequency"].T, rtol=1e-6)
    np.testing.assert_allclose(first.time.detach(), variables["weights_time"], rtol=1e-6)
    np.testing.assert_allclose(first.bias.detach(), variables["bias"], rtol=1e-6)


def test_variables_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    weights, bias = np.ones((6, 2), np.float32), np.zeros(2, np.float32)
    arrays = {"w/weights": weights, "w/bias": bias, "features": np.ones((1, 6)), "v/weights": 2 * weights}
    np.savez(path, **arrays)
    found = read_original_weights(path)
    assert sorted(found) == ["bias", "weights"]
    assert np.array_equal(found["weights"], weights)
    assert np.array_equal(read_original_weights(path, prefix="v/")["weights"], 2 * weights)
    network = SingleFc(3, 2, 2)
    load_original_weights(network, found)
    assert torch.equal(network.output.weight, torch.ones(2, 6))


def test_a_variable_is_missing() -> None:
    network, variables = tiny()
    del variables["first_bias"]
    found = "final_fc_bias, final_fc_weights, first_weights"
    with pytest.raises(KwsError, match=f"variable first_bias is missing; found {found}"):
        load_original_weights(network, variables)


def test_weights_of_another_size() -> None:
    network, variables = tiny()
    variables["final_fc_weights"] = variables["final_fc_weights"][:-8]
    with pytest.raises(KwsError, match=r"(?s)do not fit this TinyConv: .*output\.weight.*\[3, 232\].*\[3, 240\]"):
        load_original_weights(network, variables)


def test_weights_of_another_model() -> None:
    _, variables = tiny()
    with pytest.raises(KwsError, match="variable first_fc_weights is missing"):
        load_original_weights(LowLatencyConv(12, 10, 3), variables)


def test_a_network_that_the_original_does_not_have() -> None:
    with pytest.raises(KwsError, match=r"Linear is none of the original's models; it has SingleFc, Conv, .*TinyEmbeddingConv"):
        load_original_weights(nn.Linear(2, 2), {})
