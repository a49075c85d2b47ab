"""Settings by the names that they had in version 0.1.0."""

from __future__ import annotations

import logging

import pytest
from omegaconf import OmegaConf
from runs import composed

from kws.training.former_names import FORMER_NAMES, by_todays_names, with_todays_names


def test_a_former_name_is_taken_with_a_warning_that_gives_todays(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        renamed = with_todays_names(["+data.unknown_evenness=0.5", "features.rate_hz=8000", "seed=1", "-m"])
    assert renamed == ["+data.unknown_sampling_alpha=0.5", "features.sample_rate=8000", "seed=1", "-m"]
    assert [record.getMessage().split(";")[0] for record in caplog.records] == [
        "data.unknown_evenness is now called data.unknown_sampling_alpha",
        "features.rate_hz is now called features.sample_rate",
    ]


def test_a_value_that_looks_like_a_former_name_stays() -> None:
    assert with_todays_names(["name=features.rate_hz"]) == ["name=features.rate_hz"]


@pytest.mark.parametrize("name", ["features", "data"])
def test_todays_names_are_settings(name: str) -> None:
    cfg = composed("experiment=bc_tc_resnet")
    for today in FORMER_NAMES.values():
        if today.startswith(f"{name}.") and "source" not in today:
            assert OmegaConf.select(cfg, today, default="absent") != "absent"


def test_recorded_settings_are_read_under_todays_names() -> None:
    assert by_todays_names({"data.wanted_evenness": 1, "seed": 2}) == {"data.keyword_sampling_alpha": 1, "seed": 2}
