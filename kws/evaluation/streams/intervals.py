"""Rates from counts, with the interval that the counts leave open."""

from __future__ import annotations

import math
from dataclasses import dataclass

from kws.errors import KwsError


@dataclass(frozen=True)
class Estimate:
    """A value and its confidence interval; nan and the widest interval where nothing was counted."""

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float | None]:
        """Convert to JSON types; nan becomes null."""
        return {"value": None if math.isnan(self.value) else self.value, "low": self.low, "high": self.high}


def share(part: int, whole: int, confidence: float = 0.95) -> Estimate:
    """Compute a share of trials with its Wilson score interval (Wilson 1927).

    Raises:
        KwsError: a confidence outside of (0, 1).
    """
    from scipy.stats import binomtest  # here, for it is slow to import

    check_confidence(confidence)
    if not whole:
        return Estimate(math.nan, 0.0, 1.0)
    interval = binomtest(part, whole).proportion_ci(confidence, method="wilson")
    return Estimate(part / whole, float(interval.low), float(interval.high))


def per_hour(count: int, hours: float, confidence: float = 0.95) -> Estimate:
    """Events an hour with their exact Poisson interval (Garwood 1936).

    Raises:
        KwsError: a confidence outside of (0, 1), or no time.
    """
    from scipy.special import gammaincinv  # here, for it is slow to import

    check_confidence(confidence)
    if not hours > 0:
        raise KwsError(f"hours: {hours} given; events an hour need a time above 0")
    # Garwood's halves of chi-squared quantiles of 2k degrees of freedom are gamma quantiles of shape k.
    tail = (1 - confidence) / 2
    low = float(gammaincinv(count, tail)) if count else 0.0
    high = float(gammaincinv(count + 1, 1 - tail))
    return Estimate(count / hours, low / hours, high / hours)


def check_confidence(confidence: float) -> None:
    """Refuse a confidence outside of (0, 1).

    Raises:
        KwsError: it is.
    """
    if not 0 < confidence < 1:
        raise KwsError(f"confidence: {confidence} given; a number between 0 and 1, such as 0.95, is expected")
