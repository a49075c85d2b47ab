"""The decoder's thresholds, when a model's logits are from now on divided by another temperature. No torch here."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np

from kws.streaming.decoder_settings import DecoderSettings

# What the best label leaves is taken to be shared among the others so that, at temperature 1, each has this times what
# the one before it has. A score alone doesn't say; measured on a stream of Speech Commands, docs/calibration.md.
_FALL = 0.3
# Digits kept: more would say more than is known.
_DIGITS = 4


def at_temperature(settings: DecoderSettings, before: float, after: float, labels: int) -> DecoderSettings:
    """Convert settings to a new temperature so that they find the same, as nearly as thresholds can.

    Args:
        settings: of the decoder.
        before, after: the temperatures that the model's logits are divided by.
        labels: how many the model has.

    Returns:
        The settings with every threshold (the common one, those of words, the release) converted; the same where the
        temperature is.
    """
    if before == after:
        return settings
    release, convert = settings.release_threshold, partial(_converted, before=before, after=after, labels=labels)
    return replace(
        settings,
        threshold=convert(settings.threshold),
        word_thresholds={word: convert(threshold) for word, threshold in dict(settings.word_thresholds).items()},
        release_threshold=None if release is None else convert(release),
    )


def _converted(threshold: float, before: float, after: float, labels: int) -> float:
    """Where a probability of `threshold` goes; converting it back gives it again."""
    if not 0 < threshold < 1:
        return threshold
    # Odds of the best label against the first of the others, and what all of these are together, in terms of the first.
    others = [sum(_FALL ** (place / temperature) for place in range(max(labels - 1, 1))) for temperature in (before, after)]
    odds = math.log(threshold) - math.log1p(-threshold) + math.log(others[0])
    logit = odds * before / after - math.log(others[1])
    # Neither never nor always, which 1 and 0 are.
    smallest = 10**-_DIGITS
    return float(np.clip(round(1 / (1 + np.exp(-logit)), _DIGITS), smallest, 1 - smallest))
