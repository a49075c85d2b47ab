"""The front ends: torchaudio's numbers, what holds for all settings, and the settings refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torchaudio
from hypothesis import given, settings
from hypothesis import strategies as st
from sounds import Array, as_batch, speech, white

from kws.audio.framing import FeatureSpec
from kws.errors import KwsError
from kws.frontend.features import Average, LogMel, Mfcc, MfccTorchaudio
from kws.frontend.front_end import FrontEnd
from kws.frontend.spectrum import Spectrum

pytestmark = pytest.mark.filterwarnings("ignore:At least one mel filterbank has all zero values")

FRONT_ENDS = [Mfcc, MfccTorchaudio, LogMel, Average]


TORCHAUDIO_SETTINGS = [
    pytest.param({}, id="default"),
    pytest.param(
        {"sample_rate": 8000, "window_ms": 25.0, "bins": 13, "mel_bands": 23, "lower_hz": 20.0, "upper_hz": 3700.0}, id="8 kHz"
    ),
    pytest.param({"window_ms": 32.0, "hop_ms": 16.0, "bins": 20, "mel_bands": 64, "top_db": 40.0}, id="full window, 40 dB"),
    pytest.param(
        {"sample_rate": 22050, "clip_ms": 700.0, "window_ms": 45.0, "hop_ms": 11.0, "mel_bands": 80, "bins": 80}, id="22 kHz"
    ),
]


@pytest.mark.parametrize("setting", TORCHAUDIO_SETTINGS)
@pytest.mark.parametrize("sound", [speech, white])
def test_mfcc_of_torchaudio(sound: Callable[..., Array], setting: dict[str, float]) -> None:
    front_end = MfccTorchaudio(**setting)  # type: ignore[arg-type]
    spec = front_end.spec
    mel = {"n_fft": spec.fft_size, "win_length": spec.window, "hop_length": spec.hop, "n_mels": int(setting.get("mel_bands", 40))}
    mel |= {"f_min": setting.get("lower_hz", 0.0), "f_max": setting.get("upper_hz")}
    transform = torchaudio.transforms.MFCC(spec.sample_rate, front_end.bins, melkwargs=mel)
    transform.amplitude_to_DB.top_db = setting.get("top_db", 80.0)
    clips = as_batch(*(sound(spec.clip_ms / 1000, spec.sample_rate, seed) for seed in range(2)))
    alone = torch.cat([transform(clip[None]) for clip in clips]).transpose(1, 2)
    features = front_end(clips)
    assert features.shape == alone.shape == (2, front_end.frames, front_end.bins)
    # torchaudio rounds the angles of its DCT to float32, and its decibels go down to -100.
    torch.testing.assert_close(features, alone, rtol=0, atol=6e-4)


def test_mfcc_of_silence_is_torchaudios() -> None:
    silence = torch.zeros(1, 16000)
    mel = {"n_fft": 512, "win_length": 480, "hop_length": 160, "n_mels": 40}
    expected = torchaudio.transforms.MFCC(16000, 40, melkwargs=mel)(silence).transpose(1, 2)
    assert float(expected[0, 0, 0]) == pytest.approx(-100 * 40**0.5, abs=1e-3)
    torch.testing.assert_close(MfccTorchaudio()(silence), expected, rtol=0, atol=6e-4)


def test_loudness_of_a_neighbour_does_not_matter() -> None:
    quiet, loud = as_batch(1e-4 * speech()), as_batch(white())
    front_end = MfccTorchaudio()
    torch.testing.assert_close(front_end(torch.cat([quiet, loud]))[:1], front_end(quiet), rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    "setting",
    [
        {},
        {"bins": 64, "lower_hz": 0.0, "upper_hz": 7000.0},
        {"sample_rate": 8000, "window_ms": 32.0, "hop_ms": 8.0, "bins": 20, "lower_hz": 60.0},
    ],
)
@pytest.mark.parametrize("sound", [speech, white])
def test_log_mel_is_the_log_of_torchaudios_mel_spectrogram(sound: Callable[..., Array], setting: dict[str, float]) -> None:
    front_end = LogMel(**setting)  # type: ignore[arg-type]
    spec = front_end.spec
    clip = as_batch(sound(1.0, spec.sample_rate))
    mel = torchaudio.transforms.MelSpectrogram(
        spec.sample_rate,
        spec.fft_size,
        spec.window,
        spec.hop,
        f_min=setting.get("lower_hz", 20.0),
        f_max=setting.get("upper_hz"),
        n_mels=front_end.bins,
        center=False,
    ).double()
    # torch.stft centres the window in its FFT: so many samples stand before each frame.
    before = (spec.fft_size - spec.window) // 2
    padded = torch.nn.functional.pad(clip.double(), (before, spec.fft_size - spec.window - before))
    expected = mel(padded).clamp(min=1e-6).log().transpose(1, 2)
    torch.testing.assert_close(front_end(clip).double(), expected, rtol=0, atol=1e-4)


def test_log_mel_floor() -> None:
    assert LogMel(floor=1e-3)(torch.zeros(1, 16000)).unique().item() == pytest.approx(np.log(1e-3))


# All front ends, all settings


@pytest.mark.parametrize("kind", FRONT_ENDS)
@settings(max_examples=8, deadline=None)
@given(batch=st.integers(1, 9), seed=st.integers(0, 5))
def test_a_clips_features_do_not_depend_on_the_batch(kind: type[FrontEnd], batch: int, seed: int) -> None:
    front_end = kind(clip_ms=200.0)  # type: ignore[call-arg]
    clips = as_batch(*((white, speech)[i % 2](0.2, seed=seed + i) for i in range(batch)))
    together = front_end(clips)
    alone = torch.cat([front_end(clip[None]) for clip in clips])
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("kind", FRONT_ENDS)
@settings(max_examples=25, deadline=None)
@given(
    sample_rate=st.sampled_from([8000, 11025, 16000, 22050]),
    clip_ms=st.floats(60, 200),
    window_ms=st.floats(8, 60),
    hop_ms=st.floats(2, 80),
    bins=st.integers(1, 32),
)
def test_the_sizes_are_as_said(
    kind: type[FrontEnd], sample_rate: int, clip_ms: float, window_ms: float, hop_ms: float, bins: int
) -> None:
    front_end = kind(sample_rate=sample_rate, clip_ms=clip_ms, window_ms=window_ms, hop_ms=hop_ms, bins=bins)  # type: ignore[call-arg]
    features = front_end(torch.rand(2, front_end.spec.samples) - 0.5)
    assert features.shape == (2, front_end.frames, front_end.bins)
    assert bool(torch.isfinite(features).all())
    assert front_end.spec == FeatureSpec(sample_rate, clip_ms, window_ms, hop_ms)
    if kind is Average:
        assert front_end.bins >= bins
    else:
        assert front_end.bins == bins


@pytest.mark.parametrize("kind", FRONT_ENDS)
def test_nothing_to_learn_and_nothing_to_save(kind: type[FrontEnd]) -> None:
    front_end = kind()
    assert not list(front_end.parameters())
    assert not front_end.state_dict()
    assert isinstance(front_end.get_submodule("spectrum"), Spectrum)


@pytest.mark.parametrize("kind", [Mfcc, MfccTorchaudio])
def test_more_coefficients_than_bands(kind: type[Mfcc] | type[MfccTorchaudio]) -> None:
    with pytest.raises(
        KwsError, match=r"features\.bins: 41 asked, but the front end has 40 mel bands; ask for 1 to 40, or raise"
    ):
        kind(bins=41)
    assert kind(bins=41, mel_bands=41).bins == 41


@pytest.mark.parametrize(
    ("kind", "setting", "message"),
    [
        (Mfcc, {"bins": 0}, r"features\.bins: 0 asked"),
        (LogMel, {"bins": 0}, r"features\.bins: 0 asked"),
        (Average, {"bins": 0}, r"features\.bins: 0 asked, but the spectrum has 257 bins; ask for 1 to 257"),
        (Average, {"bins": 258}, r"features\.bins: 258 asked, but the spectrum has 257"),
        (Mfcc, {"upper_hz": 8001.0}, r"20\.0–8001\.0 Hz can't be a range at 16000 Hz; they lie within 0–8000 Hz"),
        (Mfcc, {"sample_rate": 6000}, r"20\.0–4000\.0 Hz can't be a range at 6000 Hz"),
        (LogMel, {"lower_hz": 500.0, "upper_hz": 500.0}, "the lower first"),
        (MfccTorchaudio, {"lower_hz": -1.0}, r"-1\.0–8000\.0 Hz"),
        (LogMel, {"floor": 0.0}, r"features\.floor: 0\.0 has no logarithm"),
        (Average, {"window_ms": 2000.0}, r"features\.window_ms: 2000\.0 ms is longer than the clip of 1000\.0 ms"),
    ],
)
def test_settings_that_make_no_sense(kind: type[FrontEnd], setting: dict[str, float], message: str) -> None:
    with pytest.raises(KwsError, match=message):
        kind(**setting)
