"""The settings of an optimiser: looked at before a run, and taken over by one that goes on from a checkpoint."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import torch
from torch.optim.lr_scheduler import LambdaLR

from kws.errors import KwsError


def given_options(factory: Callable[..., torch.optim.Optimizer] | None) -> dict[str, Any]:
    """Return the options that the configuration gives an optimiser; empty where they can't be seen."""
    return dict(factory.keywords) if isinstance(factory, partial) else {}


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse numbers that every weight would become NaN of.

    Raises:
        KwsError: one is not finite.
    """
    for name, value in options.items():
        for number in value if isinstance(value, Iterable) and not isinstance(value, str) else [value]:
            if isinstance(number, float) and not math.isfinite(number):
                raise KwsError(f"optim.{name}: {number} makes no sense; give a finite number")


def take_options(optimizer: torch.optim.Optimizer, scheduler: LambdaLR, options: Mapping[str, Any], factor: float) -> None:
    """Give an optimiser that was restored from a checkpoint the options of this run.

    Args:
        optimizer: with the state and the options of the checkpoint.
        scheduler: of its rate.
        options: of this run.
        factor: on the rate at this step.
    """
    for group in optimizer.param_groups:
        for name, value in options.items():
            if name == "lr":
                group["initial_lr"] = value
            elif name in group:
                group[name] = tuple(value) if isinstance(group[name], tuple) else value
        if "initial_lr" in group and not isinstance(group["lr"], torch.Tensor):
            group["lr"] = group["initial_lr"] * factor
    scheduler.base_lrs = [group.get("initial_lr", group["lr"]) for group in optimizer.param_groups]


def unlike(kept: Mapping[str, Any], mine: torch.optim.Optimizer) -> bool:
    """Whether a checkpoint's optimiser state is of another kind of optimiser, as the names of its options tell."""
    names = [set(group) - {"initial_lr", "params"} for group in kept.get("param_groups", [])]
    return names != [set(group) - {"initial_lr", "params"} for group in mine.param_groups]
