"""A recipe builds what it names, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from kws.errors import KwsError
from kws.frontend.features import Average, Mfcc
from kws.frontend.front_end import FrontEnd
from kws.models.config import ModelConfig
from kws.models.low_latency_conv import LowLatencyConv
from kws.models.tiny_conv import TinyConv

FEATURES: dict[str, Any] = {"name": "mfcc", "hop_ms": 20.0, "bins": 13}
MODEL: dict[str, Any] = {"name": "tiny_conv", "filters": 4}


def recipe(features: dict[str, Any] | None = None, model: dict[str, Any] | None = None) -> ModelConfig:
    return ModelConfig(("yes", "no", "up"), FEATURES if features is None else features, MODEL if model is None else model)


def test_the_network_fits_the_front_end_and_the_labels() -> None:
    made = recipe()
    front_end = made.build_front_end()
    assert isinstance(front_end, Mfcc)
    assert (front_end.frames, front_end.bins) == (49, 13)
    network = made.build_network(front_end)
    assert isinstance(network, TinyConv)
    assert network.first.out_channels == 4
    assert network.output.in_features == 25 * 7 * 4
    assert network.output.out_features == len(made.labels) == 5
    assert made.labels.names == ("_silence_", "_unknown_", "yes", "no", "up")


def test_sizes_come_from_the_front_end_alone() -> None:
    made = recipe({"name": "average"}, {**MODEL, "frames": 1, "bins": 1, "labels": 99})
    front_end = made.build_front_end()
    assert isinstance(front_end, Average)
    network = made.build_network(front_end)
    assert isinstance(network, TinyConv)
    assert network.output.weight.shape == (5, 49 * 22 * 4)


def test_through_a_file_and_back() -> None:
    made = recipe()
    assert ModelConfig.from_dict(json.loads(json.dumps(made.to_dict()))) == made


def test_settings_of_hydras_own_are_left_out() -> None:
    front_end = recipe({**FEATURES, "_partial_": True, "_convert_": "all"}).build_front_end()
    assert front_end.bins == 13


@pytest.mark.parametrize(
    "target", ["kws.frontend.Mfc", "kws.feature.Mfcc", "Mfcc", "", "kws.frontend.", ".Mfcc", "kws..features.Mfcc"]
)
def test_a_class_that_is_not_there(target: str) -> None:
    with pytest.raises(
        KwsError, match=r"features\._target_: '.*' can't be imported \(.+\); give package\.module\.Class"
    ) as raised:
        recipe({"_target_": target}).build_front_end()
    assert repr(target) in str(raised.value)


def test_no_class_at_all() -> None:
    with pytest.raises(KwsError, match=r"model\.name: None is not known"):
        recipe(model={"filters": 4}).build_network(Mfcc())


def test_only_a_network_is_ever_made(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    for target, setting in (
        ("os.system", {"command": f"touch {touched}"}),
        ("pathlib.Path.touch", {"self": touched}),
        ("builtins.exec", {"source": f"open({str(touched)!r}, 'w')"}),
        ("subprocess.Popen", {"args": ["touch", str(touched)]}),
        ("kws.frontend.features", {}),
        ("torch.nn.functional.relu", {}),
    ):
        for room in ("features", "model"):
            made = recipe(**{room: {"_target_": target, **setting}})
            pattern = rf"{room}\._target_: .*({target} is not a (torch\.nn\.Module|kws\.frontend\.FrontEnd)|can't be imported)"
            with pytest.raises(KwsError, match=pattern):
                made.build_front_end() if room == "features" else made.build_network(Mfcc())
    assert not touched.exists()


def test_a_network_is_no_front_end() -> None:
    with pytest.raises(KwsError, match=r"features\._target_: torch\.nn\.ReLU is not a kws\.frontend\.FrontEnd"):
        recipe({"_target_": "torch.nn.ReLU"}).build_front_end()


def test_a_setting_that_is_not_there() -> None:
    with pytest.raises(KwsError, match=r"features: .*'binns'.*mfcc does not fit the settings \['binns'\]"):
        recipe({"name": "mfcc", "binns": 40}).build_front_end()
    with pytest.raises(KwsError, match=r"model: .*'filtres'.*tiny_conv does not fit the settings \['filtres'"):
        recipe(model={"name": "tiny_conv", "filtres": 4}).build_network(Mfcc())


def test_a_setting_that_makes_no_sense_keeps_its_own_message() -> None:
    with pytest.raises(KwsError, match=r"^features\.bins: 50 asked"):
        recipe({"name": "mfcc", "bins": 50}).build_front_end()
    model = {"name": "low_latency_conv", "filter_bins": 50}
    with pytest.raises(KwsError, match=r"^model\.filter_bins: 50 is wider"):
        recipe(model=model).build_network(Mfcc())
    with pytest.raises(KwsError, match=r"^model\.dropout: 1 is no share"):
        recipe(model={**MODEL, "dropout": 1}).build_network(Mfcc())


class OwnFrontEnd(FrontEnd):
    def __init__(self, bins: int) -> None:
        super().__init__()
        self.frames, self.bins = 3, bins


class OwnNetwork(nn.Module):
    def __init__(self, frames: int, bins: int, labels: int, depth: int = 1) -> None:
        super().__init__()
        self.shape = (frames, bins, labels, depth)


class RatedFrontEnd(OwnFrontEnd):
    def __init__(self, bins: int, rate_hz: int) -> None:
        super().__init__(bins)
        self.rate_hz = rate_hz


def test_a_class_of_ones_own_keeps_the_names_of_its_settings() -> None:
    settings = {"_target_": f"{__name__}.RatedFrontEnd", "bins": 7, "rate_hz": 8000}
    kept = ModelConfig.from_dict({"words": ["yes"], "features": settings, "model": MODEL})
    assert kept.features == settings
    front_end = kept.build_front_end()
    assert isinstance(front_end, RatedFrontEnd)
    assert front_end.rate_hz == 8000


def test_a_registered_class_takes_its_former_path_and_settings() -> None:
    former = {"_target_": "kws.features.LogMel", "rate_hz": 8000}
    kept = ModelConfig.from_dict({"words": ["yes"], "features": former, "model": MODEL})
    assert kept.features == {"name": "log_mel", "sample_rate": 8000}
    assert kept.build_front_end().spec.sample_rate == 8000


def test_classes_of_ones_own() -> None:
    made = recipe({"_target_": f"{__name__}.OwnFrontEnd", "bins": 7}, {"_target_": f"{__name__}.OwnNetwork", "depth": 2})
    network = made.build_network(made.build_front_end())
    assert isinstance(network, OwnNetwork)
    assert network.shape == (3, 7, 5, 2)


def test_default_settings_are_the_tutorials() -> None:
    made = recipe({"name": "mfcc"}, {"name": "low_latency_conv"})
    network = made.build_network(made.build_front_end())
    assert isinstance(network, LowLatencyConv)
    assert network.first.weight.shape == (186, 1, 98, 8)
