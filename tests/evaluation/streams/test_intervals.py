"""Confidence intervals against published numbers and their definitions."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson

from kws.errors import KwsError
from kws.evaluation.streams.intervals import Estimate, per_hour, share


def test_shares_by_hand() -> None:
    # Newcombe 1998, Statistics in Medicine 17, table I, method 3.
    for part, whole, low, high in [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ]:
        estimate = share(part, whole)
        assert estimate.value == part / whole
        assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=5e-5)


def test_rates_by_hand() -> None:
    # Garwood's table: 95 % limits of the mean for 0, 1, 5 and 10 events.
    for count, low, high in [(0, 0, 3.689), (1, 0.0253, 5.572), (5, 1.623, 11.668), (10, 4.795, 18.390)]:
        estimate = per_hour(count, 2.0)
        assert estimate.value == count / 2
        assert (2 * estimate.low, 2 * estimate.high) == pytest.approx((low, high), abs=1e-3)


@given(st.integers(0, 500), st.integers(0, 500), st.floats(0.5, 0.999))
def test_an_interval_holds_its_share(part: int, rest: int, confidence: float) -> None:
    if part + rest:
        estimate = share(part, part + rest, confidence)
        assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1


@given(st.integers(0, 300), st.floats(0.01, 100), st.floats(0.5, 0.999))
def test_rates_fit_the_definition_of_an_exact_interval(count: int, hours: float, confidence: float) -> None:
    estimate = per_hour(count, hours, confidence)
    tail = (1 - confidence) / 2
    assert poisson.cdf(count, estimate.high * hours) == pytest.approx(tail, rel=1e-6)
    if count:
        assert poisson.sf(count - 1, estimate.low * hours) == pytest.approx(tail, rel=1e-6)
    else:
        assert estimate.low == 0


def test_nothing_counted_leaves_everything_open() -> None:
    assert json.dumps(share(0, 0).to_dict(), allow_nan=False) == '{"value": null, "low": 0.0, "high": 1.0}'
    assert Estimate(0.5, 0.2, 0.8).to_dict() == {"value": 0.5, "low": 0.2, "high": 0.8}


def test_refuses() -> None:
    for confidence in (0, 1, 95, float("nan")):
        with pytest.raises(KwsError, match=f"confidence: {confidence} given; a number between 0 and 1"):
            share(1, 2, confidence)
        with pytest.raises(KwsError, match="confidence"):
            per_hour(1, 2, confidence)
    with pytest.raises(KwsError, match="hours: 0 given"):
        per_hour(1, 0)
