"""Batch normalisation folded into the convolution before it, in an ONNX graph."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.utils.fusion import fuse_conv_bn_weights

_EPSILON = 1e-5


def fold_norms(graph: Any) -> None:
    """Fold every BatchNormalization that follows a convolution of its own into that convolution's weights and bias.

    ONNX Runtime does so too as it loads a file, but quantising comes before.

    Args:
        graph: an `onnx.GraphProto`, changed in place; weights that no node reads any more are dropped.
    """
    from onnx import numpy_helper

    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    makers = {node.output[0]: node for node in graph.node}
    outputs = {output.name for output in graph.output}
    for norm in [node for node in graph.node if node.op_type == "BatchNormalization"]:
        conv, constants = makers.get(norm.input[0]), list(norm.input)[1:]
        alone = sum(norm.input[0] in node.input for node in graph.node) == 1 and norm.input[0] not in outputs
        if conv is None or conv.op_type != "Conv" or not alone or not {*constants, *conv.input[1:]} <= values.keys():
            continue
        scale, offset, mean, variance = (torch.tensor(values[name], dtype=torch.float64) for name in constants)
        weight, *biases = (torch.tensor(values[name], dtype=torch.float64) for name in conv.input[1:])
        epsilon = next((attribute.f for attribute in norm.attribute if attribute.name == "epsilon"), _EPSILON)
        folded = fuse_conv_bn_weights(weight, biases[0] if biases else None, mean, variance, epsilon, scale, offset)
        names = [f"{conv.input[1]}_folded", f"{conv.input[1]}_bias"]
        for name, tensor in zip(names, folded, strict=True):
            graph.initializer.append(numpy_helper.from_array(tensor.detach().float().numpy(), name))
        inputs = [conv.input[0], *names]
        del conv.input[:]
        conv.input.extend(inputs)
        conv.output[0] = norm.output[0]
        graph.node.remove(norm)
    used = {name for node in graph.node for name in node.input}
    for tensor in [tensor for tensor in graph.initializer if tensor.name not in used]:
        graph.initializer.remove(tensor)
