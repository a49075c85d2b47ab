"""Learning rates over a run, as multiples of the optimiser's own rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from kws.errors import KwsError

# A run of more would never end.
_MOST_STEPS = 1_000_000_000


class Schedule(Protocol):
    """A learning rate for every step."""

    @property
    def total_steps(self) -> int:
        """Steps after which the run ends."""
        ...

    def __call__(self, step: int) -> float:
        """Factor on the optimiser's rate at a step, the first being 0."""
        ...


@dataclass(frozen=True)
class PiecewiseConstant:
    """Stages of constant rate, as the original's `--how_many_training_steps` and `--learning_rate`.

    Args:
        steps: length of each stage.
        factors: factor of each stage on the optimiser's rate.

    Raises:
        KwsError: lists of different length, a stage of no steps or without an end, or a factor below 0.
    """

    steps: Sequence[int]
    factors: Sequence[float]

    def __post_init__(self) -> None:
        if len(self.steps) != len(self.factors) or not self.steps:
            raise KwsError(f"schedule: {len(self.steps)} steps and {len(self.factors)} factors; each stage needs one of both")
        if min(self.steps) < 1:
            raise KwsError(f"schedule.steps: {list(self.steps)} has a stage without steps; give each at least 1")
        _check_steps(*self.steps)
        _check_factors("factors", *self.factors)

    @property
    def total_steps(self) -> int:
        """Steps of all stages."""
        return sum(self.steps)

    def __call__(self, step: int) -> float:
        """Return the factor of the step's stage; beyond the end the last stage's."""
        for length, factor in zip(self.steps, self.factors, strict=True):
            if step < length:
                return factor
            step -= length
        return self.factors[-1]


@dataclass(frozen=True)
class WarmupCosine:
    """A linear rise, then half a cosine down (Loshchilov and Hutter 2017).

    Args:
        steps: of the whole run.
        warmup_steps: of the rise.
        final_factor: factor at the end.

    Raises:
        KwsError: a warm-up as long as the run, a run without an end, or a factor below 0.
    """

    steps: int
    warmup_steps: int = 0
    final_factor: float = 0.0

    def __post_init__(self) -> None:
        _check_steps(self.steps)
        _check_factors("final_factor", self.final_factor)
        if not 0 <= self.warmup_steps < self.steps:
            raise KwsError(f"schedule.warmup_steps: {self.warmup_steps} does not fit a run of {self.steps} steps; give fewer")

    @property
    def total_steps(self) -> int:
        """Steps of the whole run."""
        return self.steps

    def __call__(self, step: int) -> float:
        """Return the factor at a step; `final_factor` beyond the end."""
        if step < self.warmup_steps:
            return (step + 1) / self.warmup_steps
        progress = min(1.0, (step - self.warmup_steps) / (self.steps - self.warmup_steps))
        return self.final_factor + (1 - self.final_factor) * 0.5 * (1 + math.cos(math.pi * progress))


def _check_steps(*steps: int) -> None:
    for count in steps:
        # NaN too is not below or above anything.
        if not count <= _MOST_STEPS or count != int(count):
            raise KwsError(f"schedule.steps: {count} given; a whole number of at most {_MOST_STEPS} expected")


def _check_factors(name: str, *factors: float) -> None:
    for factor in factors:
        if not (math.isfinite(factor) and factor >= 0):
            raise KwsError(f"schedule.{name}: {factor} given; a finite number of at least 0 expected")
