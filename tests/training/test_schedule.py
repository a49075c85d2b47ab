"""Learning rates step by step."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kws.errors import KwsError
from kws.training.schedule import PiecewiseConstant, Schedule, WarmupCosine


def test_the_tutorials_stages() -> None:
    schedule = PiecewiseConstant([15000, 3000], [1, 0.1])
    assert schedule.total_steps == 18000
    assert [schedule(step) for step in (0, 14999, 15000, 17999, 18000, 99999)] == [1, 1, 0.1, 0.1, 0.1, 0.1]


@given(st.lists(st.tuples(st.integers(1, 20), st.floats(0, 2)), min_size=1, max_size=5))
def test_stages_are_laid_end_to_end(stages: list[tuple[int, float]]) -> None:
    schedule = PiecewiseConstant([steps for steps, _ in stages], [factor for _, factor in stages])
    expected = [factor for steps, factor in stages for _ in range(steps)]
    assert schedule.total_steps == len(expected)
    assert [schedule(step) for step in range(len(expected))] == expected
    assert schedule(len(expected) + 7) == expected[-1]


@pytest.mark.parametrize(
    ("steps", "factors", "message"),
    [
        ([10, 20], [1], "schedule: 2 steps and 1 factors; each stage needs one of both"),
        ([10], [1, 0.1], "schedule: 1 steps and 2 factors"),
        ([], [], "schedule: 0 steps and 0 factors"),
        ([10, 0], [1, 0.1], r"schedule\.steps: \[10, 0\] has a stage without steps; give each at least 1"),
        ([-5], [1], r"schedule\.steps: \[-5\]"),
        ([10**18], [1], r"schedule\.steps: 1000000000000000000 given; a whole number of at most"),
        ([1.5], [1], r"schedule\.steps: 1\.5 given"),
        ([float("nan"), 1], [1, 1], r"schedule\.steps: nan given"),
        ([10], [-1], r"schedule\.factors: -1 given; a finite number of at least 0"),
        ([10], [math.nan], r"schedule\.factors: nan given"),
    ],
)
def test_stages_that_make_no_sense(steps: list[int], factors: list[float], message: str) -> None:
    with pytest.raises(KwsError, match=message):
        PiecewiseConstant(steps, factors)


def test_warmup_and_cosine() -> None:
    schedule = WarmupCosine(steps=110, warmup_steps=10, final_factor=0.2)
    assert schedule.total_steps == 110
    assert [schedule(step) for step in range(10)] == pytest.approx([(step + 1) / 10 for step in range(10)])
    assert schedule(10) == 1
    assert schedule(60) == pytest.approx(0.6)
    assert schedule(35) == pytest.approx(0.2 + 0.8 * 0.5 * (1 + math.cos(math.pi / 4)))
    assert schedule(110) == schedule(1000) == pytest.approx(0.2)


@given(st.integers(1, 60), st.integers(0, 59), st.floats(0, 1))
def test_cosine_rises_then_falls_within_its_bounds(steps: int, warmup: int, final: float) -> None:
    warmup = min(warmup, steps - 1)
    schedule = WarmupCosine(steps, warmup, final)
    factors = [schedule(step) for step in range(steps + 3)]
    assert factors[:warmup] == sorted(factors[:warmup])
    assert factors[warmup:] == sorted(factors[warmup:], reverse=True)
    assert max(factors) == factors[warmup] == 1
    assert min(factors[warmup:]) >= final - 1e-12
    assert factors[-1] == pytest.approx(final)


@pytest.mark.parametrize(("steps", "warmup"), [(10, 10), (10, 11), (10, -1), (0, 0)])
def test_warmups_that_make_no_sense(steps: int, warmup: int) -> None:
    with pytest.raises(KwsError, match=rf"schedule\.warmup_steps: {warmup} does not fit a run of {steps} steps; give fewer"):
        WarmupCosine(steps, warmup)


@pytest.mark.parametrize("schedule", [PiecewiseConstant([2, 3], [1, 0.5]), WarmupCosine(5, 2)])
def test_an_optimisers_rate_follows(schedule: Schedule) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.01)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule)
    rates = []
    for _ in range(schedule.total_steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert rates == pytest.approx([0.01 * schedule(step) for step in range(5)])


@pytest.mark.parametrize(
    ("steps", "final", "named"),
    [(math.inf, 0.0, "steps: inf"), (10, -1.0, "final_factor: -1"), (10, math.nan, "final_factor: nan")],
)
def test_a_cosine_without_an_end_or_below_nothing(steps: int, final: float, named: str) -> None:
    with pytest.raises(KwsError, match=rf"schedule\.{named}"):
        WarmupCosine(steps, 0, final)
