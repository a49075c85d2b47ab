"""Weights of TensorFlow's tutorial in our networks: variables by name, in PyTorch's layouts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from kws.errors import KwsError

# The tutorial's variable for each of our layers, the same in every model that has the layer.
_LAYERS = {
    "SingleFc": {"output": ("weights", "bias")},
    "Conv": {
        "first": ("first_weights", "first_bias"),
        "second": ("second_weights", "second_bias"),
        "output": ("final_fc_weights", "final_fc_bias"),
    },
    "LowLatencyConv": {
        "first": ("first_weights", "first_bias"),
        "second": ("first_fc_weights", "first_fc_bias"),
        "third": ("second_fc_weights", "second_fc_bias"),
        "output": ("final_fc_weights", "final_fc_bias"),
    },
    "LowLatencySvdf": {
        "second": ("first_fc_weights", "first_fc_bias"),
        "third": ("second_fc_weights", "second_fc_bias"),
        "output": ("final_fc_weights", "final_fc_bias"),
    },
    "TinyConv": {"first": ("first_weights", "first_bias"), "output": ("final_fc_weights", "final_fc_bias")},
    "TinyEmbeddingConv": {
        "first": ("first_weights", "first_bias"),
        "second": ("second_weights", "second_bias"),
        "output": ("final_fc_weights", "final_fc_bias"),
    },
}


def read_original_weights(path: Path, prefix: str = "w/") -> dict[str, Tensor]:
    """Read the variables of an `.npz` file, by name without `prefix`."""
    with np.load(path) as arrays:
        return {name.removeprefix(prefix): torch.tensor(arrays[name]) for name in arrays.files if name.startswith(prefix)}


def load_original_weights(network: nn.Module, variables: Mapping[str, ArrayLike]) -> None:
    """Put the tutorial's TensorFlow variables into a network of the same architecture.

    Args:
        network: one of the six tutorial models, in the tutorial's sizes.
        variables: arrays by TensorFlow's names: convolutions (time, frequency, in, out), layers (in, out).

    Raises:
        KwsError: the network is none of the six, a variable is missing, or a size differs.
    """
    kind = type(network).__name__
    if kind not in _LAYERS:
        raise KwsError(f"{kind} is none of the original's models; it has {', '.join(_LAYERS)}")
    state = {}
    for layer, (weight, bias) in _LAYERS[kind].items():
        state[f"{layer}.weight"] = _ours(_variable(variables, weight))
        state[f"{layer}.bias"] = _variable(variables, bias)
    if kind == "LowLatencySvdf":
        state["first.frequency"] = _variable(variables, "weights_frequency").T
        state["first.time"] = _variable(variables, "weights_time")
        state["first.bias"] = _variable(variables, "bias")
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise KwsError(f"the original's weights do not fit this {kind}: {error}") from error


def _variable(variables: Mapping[str, ArrayLike], name: str) -> Tensor:
    if name not in variables:
        raise KwsError(f"the original's variable {name} is missing; found {', '.join(sorted(variables))}")
    return torch.as_tensor(variables[name])


def _ours(weight: Tensor) -> Tensor:
    # (time, frequency, in, out) and (in, out) both end in (in, out).
    return weight.permute(3, 2, 0, 1) if weight.dim() == 4 else weight.T
