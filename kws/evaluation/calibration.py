"""Calibration: fit a temperature to logits, and measure how far confidence is from accuracy. NumPy only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kws.errors import KwsError
from kws.labels import SILENCE

BINS = 15
# With fewer clips no temperature is fitted; docs/calibration.md says why.
FEWEST_CLIPS, FEWEST_OF_A_LABEL = 300, 5
# Folds of the cross-validation that judges a fit.
FOLDS = 5
# A temperature beyond these means that the scores carry no information, or that there were too few clips.
LOWEST, HIGHEST = 0.05, 20.0
# Smaller probabilities are raised to this before the logarithm: float32's smallest number.
_SMALLEST = 1e-45


@dataclass(frozen=True)
class Reliability:
    """Reliability diagram: accuracy by confidence, in bins of equal width from 0 to 1.

    Attributes:
        counts: int64 (bins,), number of clips.
        confidence: (bins,), mean probability of the predicted label; nan in an empty bin.
        accuracy: (bins,), share of correct predictions; nan in an empty bin.
    """

    counts: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    @property
    def ece(self) -> float:
        """Expected calibration error (Guo et al. 2017, arXiv:1706.04599): mean gap over clips; nan without clips."""
        filled = self.counts > 0
        if not filled.any():
            return float("nan")
        return float(np.average(np.abs(self.confidence - self.accuracy)[filled], weights=self.counts[filled]))


@dataclass(frozen=True)
class Choice:
    """The temperature chosen for a model, and why.

    Attributes:
        temperature: divides the logits; the model's old one if none was fitted, or if the fit was no better.
        fitted: whether it is a new one.
        outcome: for people: `fitted to …`, `not fitted: …` or `not kept: …`.
    """

    temperature: float
    fitted: bool
    outcome: str


@dataclass(frozen=True)
class Fit:
    """Effect of a temperature on a set of clips.

    Attributes:
        temperature: divides the logits.
        before, after: reliability without and with it.
        nll_before, nll_after: mean negative log-likelihood of the true labels, natural log.
        outcome: why this temperature, see `Choice`.
    """

    temperature: float
    before: Reliability
    after: Reliability
    nll_before: float
    nll_after: float
    outcome: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary for JSON: the temperature, its `outcome`, ECE and NLL before and after."""
        return {
            "temperature": self.temperature, "temperature_fit": self.outcome,
            "ece_before": self.before.ece, "ece_after": self.after.ece,
            "nll_before": self.nll_before, "nll_after": self.nll_after,
        }  # fmt: skip


def choose_temperature(logits: ArrayLike, truths: ArrayLike, names: Sequence[str], found: float = 1.0) -> Choice:
    """Fit a temperature if there are enough clips, and keep it only if it helps on clips that it was not fitted to.

    Cross-validation judges that: each fifth of every label's clips is scaled by a fit to the rest, then all are
    measured together. The fit is kept if the negative log-likelihood gets better and the ECE does not get worse.

    Args:
        logits: (clips, labels), in the set's order: neighbours, often of one speaker, stay in one fold.
        truths: (clips,), true labels as indices.
        names: of the labels. `_silence_` may lack clips: a set without noise recordings has none.
        found: the model's temperature.

    Raises:
        KwsError: see `fit_temperature`.
    """
    if few := _too_few(np.asarray(truths, dtype=np.int64), names):
        return Choice(found, False, f"not fitted: {few}")
    logits, truths = _checked(logits, truths)
    before, after = logits / found, np.empty_like(logits)
    for held_out in _folds(truths):
        after[held_out] = logits[held_out] / fit_temperature(logits[~held_out], truths[~held_out])
    eces = [reliability(softmax(scaled), truths).ece for scaled in (before, after)]
    nlls = [nll(softmax(scaled), truths) for scaled in (before, after)]
    change = f"ECE {100 * eces[0]:.1f} to {100 * eces[1]:.1f} %, negative log-likelihood {nlls[0]:.4f} to {nlls[1]:.4f}"
    if nlls[1] < nlls[0] and eces[1] <= eces[0]:
        return Choice(fit_temperature(logits, truths), True, f"fitted to {len(truths)} clips; on those held out {change}")
    return Choice(found, False, f"not kept: no better on held-out parts of the {len(truths)} clips ({change})")


def _too_few(truths: NDArray[np.int64], names: Sequence[str]) -> str:
    """Say which clips are missing for a fit; return an empty string if none are."""
    if len(truths) < FEWEST_CLIPS:
        return f"{len(truths)} clips, {FEWEST_CLIPS} needed"
    counts = np.bincount(truths, minlength=len(names)).tolist()
    lacking = [f"{name} {n}" for name, n in zip(names, counts, strict=True) if n < FEWEST_OF_A_LABEL and name != SILENCE]
    return f"{FEWEST_OF_A_LABEL} clips of each label needed, there are of {', '.join(lacking)}" if lacking else ""


def _folds(truths: NDArray[np.int64]) -> Iterator[NDArray[np.bool_]]:
    """Yield the held-out clips of each fold, bool (clips,): contiguous runs of each label's clips."""
    place = np.empty(len(truths), dtype=np.int64)
    for label in np.unique(truths):
        mine = np.flatnonzero(truths == label)
        place[mine] = np.arange(len(mine)) * FOLDS // len(mine)
    for fold in range(FOLDS):
        yield place == fold


def fit_temperature(logits: ArrayLike, truths: ArrayLike) -> float:
    """Find the temperature at which softmax(logits / temperature) makes the true labels likeliest.

    The negative log-likelihood is convex in 1 / temperature, so bisection finds the minimum. One pseudo-example with a
    uniform label keeps the temperature away from 0 when every prediction is correct.

    Args:
        logits: (clips, labels); logarithms of probabilities serve too.
        truths: (clips,), true labels as indices.

    Returns:
        The temperature, from 0.05 to 20; 1 if every clip's scores are all equal.

    Raises:
        KwsError: no clips, or logits that are not finite.
    """
    logits, truths = _checked(logits, truths)
    shifted = logits - logits.max(axis=1, keepdims=True)
    told = shifted[np.arange(len(truths)), truths].sum() + shifted.mean(axis=1).mean()
    if not np.ptp(shifted, axis=1).any():
        return 1.0

    def slope(inverse: float) -> float:
        weights = np.exp(inverse * shifted)
        expected = (weights * shifted).sum(axis=1) / weights.sum(axis=1)
        return float(expected.sum() + expected.mean() - told)

    low, high = np.log(1 / HIGHEST), np.log(1 / LOWEST)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if slope(np.exp(middle)) > 0 else (middle, high)
    return float(np.exp(-(low + high) / 2))


def assess(logits: ArrayLike, truths: ArrayLike, temperature: float, outcome: str = "") -> Fit:
    """Measure the effect of a temperature on clips, which need not be those that it was fitted to.

    Args:
        logits: (clips, labels), or logarithms of probabilities.
        truths: (clips,), true labels as indices.
        temperature: see `fit_temperature`.
        outcome: why this temperature, see `Choice`.
    """
    logits, truths = _checked(logits, truths)
    before, after = softmax(logits), softmax(logits / temperature)
    losses = nll(before, truths), nll(after, truths)
    return Fit(temperature, reliability(before, truths), reliability(after, truths), *losses, outcome)


def softmax(logits: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Compute probabilities (clips, labels) of logits (clips, labels)."""
    weights = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    probabilities: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
    return probabilities


def log_scores(scores: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return the logarithms of probabilities, which serve as logits; 0 counts as float32's smallest number."""
    logs: NDArray[np.float64] = np.log(np.maximum(scores.astype(np.float64), _SMALLEST))
    return logs


def nll(scores: NDArray[np.floating[Any]], truths: ArrayLike) -> float:
    """Compute the mean negative log-likelihood (natural log) of the true labels; nan without clips.

    Args:
        scores: probabilities (clips, labels).
        truths: (clips,), true labels as indices.
    """
    labels = np.asarray(truths, dtype=np.int64)
    return float(-log_scores(scores)[np.arange(len(labels)), labels].mean()) if len(labels) else float("nan")


def reliability(scores: NDArray[np.floating[Any]], truths: ArrayLike, bins: int = BINS) -> Reliability:
    """Bin clips by the probability of their predicted label.

    Args:
        scores: probabilities (clips, labels).
        truths: (clips,), true labels as indices.
        bins: number of bins of equal width from 0 to 1; a confidence on an edge belongs to the lower bin.
    """
    confidence = scores.max(axis=1).astype(np.float64)
    right = scores.argmax(axis=1) == np.asarray(truths)
    places = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    counts = np.bincount(places, minlength=bins)
    sums = (np.bincount(places, weights=values, minlength=bins) for values in (confidence, right))
    means = (np.divide(total, counts, out=np.full(bins, np.nan), where=counts > 0) for total in sums)
    return Reliability(counts, *means)


def _checked(logits: ArrayLike, truths: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    logits, truths = np.asarray(logits, dtype=np.float64), np.asarray(truths, dtype=np.int64)
    if len(truths) == 0:
        raise KwsError("calibration: no clips to fit a temperature to; give a set with some of each label")
    if not np.isfinite(logits).all():
        raise KwsError("calibration: the model's scores hold NaN or infinite values, so no temperature fits them")
    return logits, truths
