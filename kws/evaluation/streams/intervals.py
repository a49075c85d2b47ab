"""Rates with confidence intervals, from counts."""

from __future__ import annotations

import math
from dataclasses import dataclass

from kws.errors import KwsError


@dataclass(frozen=True)
class Estimate:
    """A value and its confidence interval; nan and the widest interval if nothing was counted."""

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float | None]:
        """Return a dictionary for JSON: null for nan."""
        return {"value": None if math.isnan(self.value) else self.value, "low": self.low, "high": self.high}


def share(part: int, whole: int, confidence: float = 0.95) -> Estimate:
    """Compute a proportion with its Wilson score interval (Wilson 1927).

    Raises:
        KwsError: the confidence is outside (0, 1).
    """
    from scipy.stats import binomtest  # slow to import

    check_confidence(confidence)
    if not whole:
        return Estimate(math.nan, 0.0, 1.0)
    interval = binomtest(part, whole).proportion_ci(confidence, method="wilson")
    return Estimate(part / whole, float(interval.low), float(interval.high))


def per_hour(count: int, hours: float, confidence: float = 0.95) -> Estimate:
    """Compute events per hour with their exact Poisson interval (Garwood 1936).

    Raises:
        KwsError: the confidence is outside (0, 1), or `hours` is not above 0.
    """
    from scipy.special import gammaincinv  # slow to import

    check_confidence(confidence)
    if not hours > 0:
        raise KwsError(f"hours: {hours} given; events an hour need a time above 0")
    # Garwood's bounds, halves of chi-squared quantiles with 2k degrees of freedom, are gamma quantiles of shape k.
    tail = (1 - confidence) / 2
    low = float(gammaincinv(count, tail)) if count else 0.0
    high = float(gammaincinv(count + 1, 1 - tail))
    return Estimate(count / hours, low / hours, high / hours)


def check_confidence(confidence: float) -> None:
    """Check that a confidence is inside (0, 1).

    Raises:
        KwsError: it is not.
    """
    if not 0 < confidence < 1:
        raise KwsError(f"confidence: {confidence} given; a number between 0 and 1, such as 0.95, is expected")
