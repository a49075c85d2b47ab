"""The golden traces, the contract with decoders in other languages, are what the decoder says."""

from __future__ import annotations

import json

import decoder_traces
import pytest

from kws.streaming.decoder_settings import DecoderSettings


def test_the_file_is_what_the_decoder_answers() -> None:
    expected = decoder_traces.GOLDEN.read_text(encoding="utf-8")
    assert decoder_traces.text() == expected, "where the decoder changed on purpose: python tests/streaming/decoder_traces.py"


@pytest.mark.parametrize("limit", ["suppression", "window", "quarter", "held", "repeat", "threshold ", "release "])
def test_one_step_beyond_a_limit_makes_a_difference(limit: str) -> None:
    runs = [run for run in json.loads(decoder_traces.GOLDEN.read_text())["runs"] if run["name"].startswith(limit)]
    outcomes = {(tuple(run["answers"]), tuple(run["new"])) for run in runs}
    assert len(runs) >= 3
    assert len(outcomes) >= 2


def test_every_setting_is_moved_from_its_default_somewhere() -> None:
    runs = json.loads(decoder_traces.GOLDEN.read_text())["runs"]
    for name, default in DecoderSettings().to_dict().items():
        assert any(run["settings"][name] != default for run in runs), name
    assert sum(len(run["new"]) for run in runs) > 150
