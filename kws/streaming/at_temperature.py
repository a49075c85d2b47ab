"""Convert the decoder's thresholds when the temperature of a model's logits changes. No torch here."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np

from kws.streaming.decoder_settings import DecoderSettings

# A score alone doesn't say how the other labels share the rest of the probability. At temperature 1, each is assumed to
# have this times the score of the one before it, as measured on Speech Commands (docs/calibration.md).
_FALL = 0.3
# Decimals kept: more would claim more than is known.
_DIGITS = 4


def at_temperature(settings: DecoderSettings, before: float, after: float, labels: int) -> DecoderSettings:
    """Convert settings to a new temperature, so that they detect the same as nearly as thresholds can.

    Args:
        settings: the decoder's settings.
        before, after: the old and the new temperature that the model's logits are divided by.
        labels: the model's number of labels.

    Returns:
        The settings with every threshold (the common one, those of words, the release) converted; unchanged if the
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
    """Convert one threshold; converting the result back gives `threshold` again."""
    if not 0 < threshold < 1:
        return threshold
    # The sum of the other labels' probabilities, relative to the largest of them, at both temperatures.
    others = [sum(_FALL ** (place / temperature) for place in range(max(labels - 1, 1))) for temperature in (before, after)]
    odds = math.log(threshold) - math.log1p(-threshold) + math.log(others[0])
    logit = odds * before / after - math.log(others[1])
    # A threshold of 1 means never and 0 means always: keep away from both.
    smallest = 10**-_DIGITS
    return float(np.clip(round(1 / (1 + np.exp(-logit)), _DIGITS), smallest, 1 - smallest))
