"""Settings of a simulated stream."""

from __future__ import annotations

import math
from dataclasses import dataclass

from kws.errors import KwsError

_MOST_DB = 200


@dataclass(frozen=True)
class SimulationSettings:
    """Settings of a simulated stream; the defaults are those of TensorFlow's generate_streaming_test_wav.

    Args:
        minutes: length of the stream.
        interval_s: length of a slot; each holds one word, at a random position.
        unknown_percentage: share of words that are not keywords, in percent.
        background_volume: largest random volume of a piece of noise.
        snr_db: level of the words over the noise, in dB: root mean square over all clips against that over the whole
            noise, whose pieces keep their relative volumes; replaces `background_volume`. None: no such scaling.
        no_words: noise alone, to count false alarms.
        seed: of all random numbers.

    Raises:
        KwsError: a value out of range.
    """

    minutes: float = 10.0
    interval_s: float = 3.0
    unknown_percentage: float = 30.0
    background_volume: float = 0.1
    snr_db: float | None = None
    no_words: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("minutes", "interval_s"):
            if not 0 < (value := getattr(self, name)) < math.inf:
                raise KwsError(f"{name}: {value:g} given; a time above 0 is expected")
        if not 0 <= self.unknown_percentage <= 100:
            raise KwsError(f"unknown_percentage: {self.unknown_percentage:g} given; 0 to 100 is expected")
        if not 0 <= self.background_volume <= 1:
            raise KwsError(f"background_volume: {self.background_volume:g} given; 0 to 1 is expected")
        if self.snr_db is not None and not -_MOST_DB <= self.snr_db <= _MOST_DB:
            raise KwsError(f"snr_db: {self.snr_db:g} given; a level in dB from {-_MOST_DB} to {_MOST_DB} is expected")
        if self.snr_db is not None and self.no_words:
            raise KwsError(f"snr_db: {self.snr_db:g} given, but no_words leaves no word to compare with; give background_volume")
        if self.seed < 0:
            raise KwsError(f"seed: {self.seed} given; a whole number of at least 0 is expected")
