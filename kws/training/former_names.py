"""Names that settings had in version 0.1.0: still taken, with a warning that gives today's."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

log = logging.getLogger(__name__)

FORMER_NAMES = {
    "data.unknown_evenness": "data.unknown_sampling_alpha",
    "data.wanted_evenness": "data.keyword_sampling_alpha",
    "features.rate_hz": "features.sample_rate",
    "data.source.rate_hz": "data.source.sample_rate",
    "augment.time_shift.rate_hz": "augment.time_shift.sample_rate",
    "augment.noise.rate_hz": "augment.noise.sample_rate",
    "augment.gate.rate_hz": "augment.gate.sample_rate",
    "augment.spec_augment.rate_hz": "augment.spec_augment.sample_rate",
    "augment.negatives.rate_hz": "augment.negatives.sample_rate",
}


def with_todays_names(overrides: Iterable[str]) -> list[str]:
    """Return overrides `name=value` with today's names; warn of each former one."""
    renamed = []
    for override in overrides:
        key, equals, value = override.partition("=")
        name = key.lstrip("+~")
        today = FORMER_NAMES.get(name)
        if today is None:
            renamed.append(override)
            continue
        log.warning("%s is now called %s; the former name will not be taken in the next version", name, today)
        renamed.append(f"{key[: len(key) - len(name)]}{today}{equals}{value}")
    return renamed


def by_todays_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings that an earlier version recorded, `section.name` to value, under today's names."""
    return {FORMER_NAMES.get(name, name): value for name, value in settings.items()}
