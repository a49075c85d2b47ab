"""Sections of the configuration as plain settings."""

from __future__ import annotations

from typing import Any

import pytest
from omegaconf import OmegaConf
from refusals import refuses

from kws.training.settings import plain_settings


def test_a_section_is_resolved() -> None:
    cfg = OmegaConf.create({"rate": 3, "logger": {"rate": "${rate}", 5: "five"}})
    assert plain_settings(cfg.logger, "logger") == {"rate": 3, "5": "five"}


def test_no_section_has_no_settings() -> None:
    assert plain_settings(None, "logger") == {}


@pytest.mark.parametrize("value", [5, False, "csv", ["csv"]])
@pytest.mark.parametrize("section", ["logger", "trainer"])
def test_a_value_in_place_of_a_section_is_refused(section: str, value: Any) -> None:
    with refuses(section):
        plain_settings(OmegaConf.create({section: value})[section], section)
