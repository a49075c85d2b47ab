"""Batch normalisation folded into convolutions: the same numbers with fewer nodes; what can't be folded stays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kws.export.graph.fold_batch_norm import fold_norms


class Folds(nn.Module):
    """A grouped convolution without bias, one with; both normalised."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.one = nn.Conv2d(2, 4, 3, groups=2, bias=False), nn.BatchNorm2d(4)
        self.second, self.two = nn.Conv2d(4, 3, 1), nn.BatchNorm2d(3, eps=0.01)

    def forward(self, maps: Tensor) -> Tensor:
        out: Tensor = self.two(self.second(torch.relu(self.one(self.first(maps)))))
        return out


class Stays(Folds):
    """The convolution's output is read twice, and the second normalisation follows no convolution."""

    def forward(self, maps: Tensor) -> Tensor:
        first = self.first(maps)
        out: Tensor = self.two(torch.relu(self.second(self.one(first) + first)))
        return out


def exported(network: nn.Module, path: Path) -> onnx.ModelProto:
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for tensor in (layer.running_mean, layer.weight, layer.bias):
                nn.init.normal_(tensor)
            nn.init.uniform_(layer.running_var, 0.5, 2)
    torch.onnx.export(network.eval(), (torch.zeros(2, 2, 6, 5),), str(path), dynamo=True, verbose=False)
    return onnx.load(path)


def run(model: onnx.ModelProto, maps: NDArray[np.float32]) -> NDArray[np.float32]:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    out: NDArray[np.float32] = session.run(None, {session.get_inputs()[0].name: maps})[0]
    return out


@pytest.mark.parametrize(("network", "left"), [(Folds, 0), (Stays, 2)])
def test_the_same_numbers(network: type[nn.Module], left: int, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = exported(network(), tmp_path / "a.onnx")
    maps = np.random.default_rng(0).normal(size=(2, 2, 6, 5)).astype(np.float32)
    before = run(model, maps)
    fold_norms(model.graph)
    onnx.checker.check_model(model)
    assert [node.op_type for node in model.graph.node].count("BatchNormalization") == left
    np.testing.assert_allclose(run(model, maps), before, rtol=1e-4, atol=1e-5)
    used = {name for node in model.graph.node for name in node.input}
    assert {tensor.name for tensor in model.graph.initializer} <= used
