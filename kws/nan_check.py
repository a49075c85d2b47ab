"""Finding the layer where numbers stop being finite."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kws.errors import KwsError


class NanCheck:
    """Watches every layer's output and every parameter's gradient (the original's `--check_nans`, which crashed).

    Args:
        network: whose layers are watched, from now on.
    """

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        for name, layer in network.named_modules():
            if not any(layer.children()):
                layer.register_forward_hook(self._watch(name))

    def check_gradients(self) -> None:
        """Look at the gradients.

        Raises:
            KwsError: one is not finite; the layer is named.
        """
        for name, parameter in self._network.named_parameters():
            if parameter.grad is not None and not bool(torch.isfinite(parameter.grad).all()):
                raise KwsError(f"check_nans: the gradient of {name} is not finite; a smaller optim.lr often helps")

    @staticmethod
    def _watch(name: str) -> object:
        def hook(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            if bool(torch.isfinite(output).all()):
                return
            cause = "its weights are not finite"
            if not all(bool(torch.isfinite(value).all()) for value in inputs):
                cause = "its input already is not finite"
            elif all(bool(torch.isfinite(value).all()) for value in layer.parameters()):
                cause = "its sums overflow"
            kind = type(layer).__name__
            raise KwsError(
                f"check_nans: the output of layer {name or 'network'} ({kind}) is not finite: {cause}; try a smaller optim.lr"
            )

        return hook
