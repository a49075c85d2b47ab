"""Which recordings make a clip, and the names of the clips."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kws.data.prepare import PrepareSettings, clip_names, judge
from kws.errors import KwsError

RATE_HZ = 16_000
SETTINGS = PrepareSettings()


def test_judge() -> None:
    loud = np.tile(np.array([3000, -3000], np.int16), RATE_HZ)
    assert judge(loud, SETTINGS) == ("kept", "")
    assert judge(loud[:3199], SETTINGS) == ("short", "lasts 200 ms, 200 or more expected")
    assert judge(loud[:3200], SETTINGS)[0] == "kept"
    assert judge(loud // 300, SETTINGS) == ("silent", "its loudest 1000 ms are at -70.3 dBFS, -60 or more expected")


def test_clip_names() -> None:
    assert clip_names(["a.flac", "a.wav", "A.ogg", "b_nohash_1.mp3", "a-flac.wav", "c.WAV", "c.wav"]) == {
        "a.wav": "a.wav",
        "a-flac.wav": "a-flac.wav",
        "c.wav": "c.wav",
        "A.ogg": "A-ogg.wav",
        "a.flac": "a-flac-2.wav",
        "b_nohash_1.mp3": "b_nohash_1.wav",
        "c.WAV": "c-wav.wav",
    }


@given(st.sets(st.from_regex(r"[aAb](_nohash_)?[01]?(-flac)?\.(wav|flac|WAV)", fullmatch=True), max_size=12))
def test_clip_names_never_clash_and_keep_the_speaker(names: set[str]) -> None:
    given_names = clip_names(names)
    assert given_names.keys() == names
    assert len({name.casefold() for name in given_names.values()}) == len(names)
    for name, clip in given_names.items():
        if "_nohash_" in name:
            assert clip.split("_nohash_")[0] == name.split("_nohash_")[0]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("sample_rate", 0),
        ("clip_ms", 0),
        ("clip_ms", math.nan),
        ("min_ms", -1),
        ("clipped_fraction", 1.5),
        ("clipped_fraction", math.nan),
        ("silent_dbfs", 6),
    ],
)
def test_settings_out_of_range(setting: str, value: float) -> None:
    with pytest.raises(KwsError, match=f"{setting}: {value}"):
        PrepareSettings(**{setting: value})  # type: ignore[arg-type]
