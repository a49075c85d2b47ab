"""Finding the layer where numbers stop being finite."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from kws.errors import KwsError

_HELP = "the run has diverged: give a smaller optim.lr, or trainer.gradient_clip_val=1"


class Diverged(KwsError):
    """Numbers of a run are not finite any more, and stay so."""


def check_loss(loss: float, step: int, rate: float) -> None:
    """Stop a run whose loss is not finite.

    Args:
        loss: of a batch.
        step: of the run, the first being 1.
        rate: the learning rate of that step.

    Raises:
        Diverged: it is not finite.
    """
    if not math.isfinite(loss):
        raise Diverged(f"the loss is {loss} at step {step}, at learning rate {rate:g}: {_HELP}; check_nans=true names the layer")


def check_weights(state: Mapping[str, Tensor], step: int) -> None:
    """Keep weights that are not finite out of a checkpoint.

    Raises:
        Diverged: one is not; it is named.
    """
    for name, value in state.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise Diverged(f"{name} is not finite after step {step}: {_HELP}; check_nans=true names the step and the layer")


class NanCheck:
    """Watches every layer's output and every parameter's gradient (`--check_nans` of TensorFlow's tutorial).

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
            Diverged: one is not finite; the layer is named.
        """
        for name, parameter in self._network.named_parameters():
            if parameter.grad is not None and not bool(torch.isfinite(parameter.grad).all()):
                raise Diverged(f"check_nans: the gradient of {name} is not finite; a smaller optim.lr often helps")

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
            raise Diverged(
                f"check_nans: the output of layer {name or 'network'} ({kind}) is not finite: {cause}; try a smaller optim.lr"
            )

        return hook
