"""A temperature that is found again, and what is counted of confidence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kws.errors import KwsError
from kws.evaluation.calibration import (
    FEWEST_CLIPS,
    FEWEST_OF_A_LABEL,
    HIGHEST,
    LOWEST,
    assess,
    choose_temperature,
    fit_temperature,
    log_scores,
    nll,
    reliability,
    softmax,
)


def drawn(temperature: float, clips: int = 20_000, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Logits whose truths are drawn with the probabilities at a temperature."""
    rng = np.random.default_rng(seed)
    logits = 4 * rng.standard_normal((clips, 5))
    draw = rng.random((clips, 1))
    return logits, (softmax(logits / temperature).cumsum(axis=1) < draw).sum(axis=1)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_the_temperature_is_found_again(temperature: float) -> None:
    logits, truths = drawn(temperature)
    found = fit_temperature(logits, truths)
    assert found == pytest.approx(temperature, rel=0.05)
    assert fit_temperature(log_scores(softmax(logits)), truths) == pytest.approx(found, rel=1e-6)
    fit = assess(*drawn(temperature, seed=1), found)
    assert fit.after.ece < 0.015
    assert fit.nll_after <= fit.nll_before + 1e-4
    if temperature != 1:
        assert fit.after.ece < fit.before.ece / 5


@given(st.integers(0, 10_000), st.integers(3, 60), st.floats(0.3, 20))
@settings(deadline=None, max_examples=40)
def test_no_other_temperature_is_better(seed: int, clips: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    logits, truths = scale * rng.standard_normal((clips, 4)), rng.integers(0, 4, clips)
    found = fit_temperature(logits, truths)
    assert LOWEST <= found <= HIGHEST

    def loss(temperature: float) -> float:
        scaled = logits / temperature
        logs = np.log(softmax(scaled))
        certain = logs[np.arange(clips), truths]
        return float(-(certain.sum() + logs.mean(axis=1).mean()))

    assert all(loss(found) <= loss(np.clip(found * factor, LOWEST, HIGHEST)) + 1e-6 for factor in (0.9, 0.99, 1.01, 1.1))


def test_a_model_that_is_always_right_stays_within_reason() -> None:
    truths = np.arange(100) % 4
    logits = 5.0 * np.eye(4)[truths]
    # As if one of 101 clips might have been any label: 0.75 % wrong.
    assert softmax(logits / fit_temperature(logits, truths)).max() == pytest.approx(1 - 0.75 / 101, abs=1e-3)


def test_scores_that_do_not_differ_need_no_temperature() -> None:
    assert fit_temperature(np.zeros((3, 4)), [0, 1, 2]) == 1
    assert fit_temperature([[0.0, 1.0]] * 4, [0, 0, 0, 0]) == pytest.approx(HIGHEST)


def test_what_can_not_be_fitted_is_said() -> None:
    with pytest.raises(KwsError, match="no clips to fit"):
        fit_temperature(np.zeros((0, 3)), [])
    with pytest.raises(KwsError, match="NaN or infinite"):
        fit_temperature([[0.0, np.nan]], [0])


def test_reliability_by_hand() -> None:
    scores = np.array([[0.1, 0.9], [0.05, 0.95], [0.5, 0.5], [0.3, 0.7], [1.0, 0.0]])
    curve = reliability(scores, [1, 0, 0, 1, 0], bins=10)
    # A confidence on an edge is in the lower bin.
    assert curve.counts.tolist() == [0, 0, 0, 0, 1, 0, 1, 0, 1, 2]
    assert curve.accuracy[[4, 6, 8, 9]].tolist() == [1, 1, 1, 0.5]
    assert curve.confidence[9] == pytest.approx(0.975)
    assert np.isnan(curve.confidence[0])
    assert curve.ece == pytest.approx((0.5 + 0.3 + 0.1 + 2 * 0.475) / 5)
    assert nll(scores, [1, 0, 0, 1, 0]) == pytest.approx(-np.log([0.9, 0.05, 0.5, 0.7, 1.0]).mean())
    assert np.isnan(reliability(np.zeros((0, 2)), []).ece)


def test_a_probability_of_nothing_has_a_logarithm() -> None:
    assert np.isfinite(nll(np.array([[0.0, 1.0]], np.float32), [0]))


NAMES = ("_silence_", "_unknown_", "yes", "no", "stop")


@pytest.mark.parametrize("seed", range(3))
def test_no_fit_to_few_clips(seed: int) -> None:
    # Well calibrated already; every one of 58 clips is right, as after a training that chose the weights by them.
    logits, truths = drawn(1.0, seed=seed)
    right = np.flatnonzero(logits.argmax(axis=1) == truths)[:58]
    spoilt = assess(logits, truths, fit_temperature(logits[right], truths[right]))
    assert spoilt.after.ece > spoilt.before.ece + 0.02
    choice = choose_temperature(logits[right], truths[right], NAMES)
    assert (choice.temperature, choice.fitted, choice.outcome) == (1, False, "not fitted: 58 clips, 300 needed")
    assert choose_temperature(logits[right], truths[right], NAMES, found=1.3).temperature == 1.3
    assert choose_temperature(np.zeros((0, 5)), [], NAMES).outcome == "not fitted: 0 clips, 300 needed"


def test_some_of_each_label_are_needed() -> None:
    logits, truths = drawn(2.0, 2000)
    for label, needed in ((0, False), (1, True), (3, True)):
        kept = truths != label
        kept[np.flatnonzero(truths == label)[: FEWEST_OF_A_LABEL - 1]] = True
        choice = choose_temperature(logits[kept], truths[kept], NAMES)
        assert choice.fitted is not needed
        if needed:
            assert choice.outcome == f"not fitted: 5 clips of each label needed, there are of {NAMES[label]} 4"


def test_a_fit_that_helps_is_kept() -> None:
    for temperature in (0.4, 2.5):
        choice = choose_temperature(*drawn(temperature, 3 * FEWEST_CLIPS), NAMES)
        assert choice.fitted
        assert choice.temperature == pytest.approx(temperature, rel=0.2)
        assert choice.outcome.startswith("fitted to 900 clips; on those held out ECE ")


def test_a_fit_that_helps_only_the_clips_it_was_fitted_to_is_not_kept() -> None:
    # Right on every clip, so that each clip more would only be made doubtful by the one that is added as a safeguard.
    truths = np.arange(400) % 5
    logits = 9.0 * np.eye(5)[truths]
    assert nll(softmax(logits), truths) < nll(softmax(logits / fit_temperature(logits, truths)), truths)
    choice = choose_temperature(logits, truths, NAMES)
    assert (choice.temperature, choice.fitted) == (1, False)
    assert choice.outcome.startswith("not kept: no better on held-out parts of the 400 clips (ECE ")


@given(st.integers(0, 1000), st.floats(0.3, 3))
@settings(deadline=None, max_examples=15)
def test_what_is_kept_is_hardly_ever_worse_elsewhere(seed: int, temperature: float) -> None:
    choice = choose_temperature(*drawn(temperature, FEWEST_CLIPS, seed), NAMES)
    elsewhere = assess(*drawn(temperature, 20_000, seed + 5000), choice.temperature)
    assert elsewhere.nll_after < elsewhere.nll_before + 0.02
    assert elsewhere.after.ece < elsewhere.before.ece + 0.03
