"""A network's layers: outputs, parameters, multiplies, receptive field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from kws.files.table import text_table
from kws.frontend.front_end import FrontEnd

_POOLS = (nn.MaxPool2d, nn.AvgPool2d)


@dataclass(frozen=True)
class LayerSummary:
    """One layer that multiplies.

    Attributes:
        name, kind: its name in the network, and its class.
        output: shape of its output, without the batch.
        parameters: weights and biases.
        multiplies: for a clip; biases and padding counted as in TensorFlow's tutorial.
        field_frames, field_bins: receptive field of each output.
    """

    name: str
    kind: str
    output: tuple[int, ...]
    parameters: int
    multiplies: int
    field_frames: int
    field_bins: int


def summarise(network: nn.Module, frames: int, bins: int) -> list[LayerSummary]:
    """List the layers of a network, in the order in which a clip of (frames, bins) features passes them."""
    trace = _Trace(frames, bins)
    handles = [
        layer.register_forward_hook(trace.watch(name))
        for name, layer in network.named_modules()
        if isinstance(layer, _POOLS) or any(True for _ in layer.parameters(recurse=False))
    ]
    training = network.training
    try:
        with torch.no_grad():
            network.eval()(torch.zeros(1, frames, bins))
    finally:
        network.train(training)
        for handle in handles:
            handle.remove()
    return trace.layers


class _Trace:
    """Follows a clip through the layers: cost and receptive field of each."""

    def __init__(self, frames: int, bins: int) -> None:
        self.input = (frames, bins)
        self.layers: list[LayerSummary] = []
        self.field, self.step = (1, 1), (1, 1)

    def watch(self, name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def hook(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            shape = tuple(output.shape[1:])
            matrices = [weight for weight in layer.parameters() if weight.dim() > 1]
            if isinstance(layer, (nn.Conv2d, *_POOLS)):
                self._slide(_pair(layer.kernel_size), _pair(layer.stride))
            elif matrices:
                # A dense layer's receptive field is its whole input; normalisation does not enlarge it.
                self.field = self.input
            if isinstance(layer, _POOLS):
                return
            own = getattr(layer, "multiplies", None)
            multiplies = own() if callable(own) else sum(weight.numel() for weight in matrices)
            if isinstance(layer, nn.Conv2d):
                multiplies *= prod(shape[1:])
            parameters = sum(weight.numel() for weight in layer.parameters())
            seen = (min(self.field[0], self.input[0]), min(self.field[1], self.input[1]))
            self.layers.append(LayerSummary(name, type(layer).__name__, shape, parameters, int(multiplies), *seen))

        return hook

    def _slide(self, kernel: tuple[int, int], stride: tuple[int, int]) -> None:
        self.field = (self.field[0] + (kernel[0] - 1) * self.step[0], self.field[1] + (kernel[1] - 1) * self.step[1])
        self.step = (self.step[0] * stride[0], self.step[1] * stride[1])


def describe(network: nn.Module, front_end: FrontEnd) -> str:
    """Format a table of the layers with totals, and the receptive fields in milliseconds."""
    spec = front_end.spec
    rows = []
    layers = summarise(network, front_end.frames, front_end.bins)
    for layer in layers:
        field_ms = spec.window_ms + (layer.field_frames - 1) * spec.hop_ms
        field = f"{layer.field_frames} × {layer.field_bins} ({min(field_ms, spec.clip_ms):.0f} ms)"
        output = " × ".join(str(size) for size in layer.output)
        rows.append((layer.name, layer.kind, output, f"{layer.parameters:,}", f"{layer.multiplies:,}", field))
    parameters = sum(weight.numel() for weight in network.parameters())
    multiplies = sum(layer.multiplies for layer in layers)
    rows.append(("total", "", "", f"{parameters:,}", f"{multiplies:,}", ""))
    table = text_table(("layer", "kind", "output", "parameters", "multiplies", "receptive field"), rows, align="<<<>><")
    head = f"{type(network).__name__}: features {front_end.frames} frames × {front_end.bins} bins by {type(front_end).__name__}"
    return f"{head}\n{table}"


def _pair(size: Any) -> tuple[int, int]:
    return (int(size), int(size)) if isinstance(size, int) else (int(size[0]), int(size[1]))
