"""The original's features: its own numbers, and its recipes once more from their description alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import tensorflow_numbers
import torch
from sounds import Array, as_batch, speech, white

from kws.frontend.features import Average, Mfcc

# Inputs whose empty bands hold float32 rounding noise, which the logarithm blows up.
TONAL = ("sine_", "sweep_", "impulse_", "nyquist", "square", "ones", "dc")


def magnitudes(sound: Array, window: int, hop: int) -> Array:
    fft_size = 1
    while fft_size < window:
        fft_size *= 2
    hann = np.array([0.5 - 0.5 * np.cos(2 * np.pi * n / window) for n in range(window)])
    starts = range(0, len(sound) - window + 1, hop)
    return np.array([np.abs(np.fft.rfft(sound[start : start + window] * hann, fft_size)) for start in starts])


def original_mfcc(
    spectrum: Array, sample_rate: int, bins: int, bands: int, lower_hz: float, upper_hz: float, first_bin: int
) -> Array:
    """Triangles over mel, the FFT bins below `first_bin` left out; natural log; DCT-II times sqrt(2/bands)."""

    def mel(hz: float) -> float:
        return 1127 * np.log(1 + hz / 700)

    step = (mel(upper_hz) - mel(lower_hz)) / (bands + 1)
    energies = np.zeros((len(spectrum), bands))
    for k in range(first_bin, spectrum.shape[1]):
        place = (mel(k * sample_rate / (2 * (spectrum.shape[1] - 1))) - mel(lower_hz)) / step
        for band in range(bands):
            energies[:, band] += spectrum[:, k] * max(0.0, 1 - abs(place - (band + 1)))
    log = np.log(np.maximum(energies, 1e-12))
    out = np.zeros((len(spectrum), bins))
    for k in range(bins):
        for band in range(bands):
            out[:, k] += np.sqrt(2 / bands) * np.cos(np.pi * k * (band + 0.5) / bands) * log[:, band]
    return out


def original_average(spectrum: Array, bins: int) -> Array:
    fft_bins = spectrum.shape[1]
    width = fft_bins // bins
    outputs = -(-fft_bins // width)
    before = (outputs * width - fft_bins) // 2
    groups = [range(max(0, i * width - before), min(fft_bins, (i + 1) * width - before)) for i in range(outputs)]
    return np.stack([(spectrum[:, list(group)] ** 2).mean(axis=1) for group in groups], axis=1)


MFCC_SETTINGS = [
    # The constructor's arguments, then the first FFT bin that the original reads: int(1.5 + lower_hz / spacing).
    pytest.param({}, 2, id="tutorial"),
    pytest.param({"bins": 13, "hop_ms": 20.0}, 2, id="13 coefficients"),
    pytest.param({"sample_rate": 8000, "window_ms": 25.0, "mel_bands": 23, "bins": 20, "upper_hz": 3800.0}, 2, id="telephone"),
    pytest.param({"window_ms": 64.0, "lower_hz": 125.0, "upper_hz": 7600.0, "mel_bands": 64}, 9, id="wide"),
    pytest.param({"clip_ms": 250.0, "window_ms": 20.0, "hop_ms": 7.5, "lower_hz": 0.0, "upper_hz": 8000.0}, 1, id="whole range"),
]


@pytest.mark.parametrize(("setting", "first_bin"), MFCC_SETTINGS)
@pytest.mark.parametrize("sound", [speech, white])
def test_mfcc_follows_its_description(sound: Callable[..., Array], setting: dict[str, float], first_bin: int) -> None:
    front_end = Mfcc(**setting)  # type: ignore[arg-type]
    spec = front_end.spec
    clips = as_batch(*(sound(spec.clip_ms / 1000, spec.sample_rate, seed) for seed in range(2)))
    options = {"bins": 40, "mel_bands": 40, "lower_hz": 20.0, "upper_hz": 4000.0, **setting}
    bins, bands, lower_hz, upper_hz = (options[name] for name in ("bins", "mel_bands", "lower_hz", "upper_hz"))
    for clip, features in zip(clips.double().numpy(), front_end(clips).numpy(), strict=True):
        spectrum = magnitudes(clip, spec.window, spec.hop)
        expected = original_mfcc(spectrum, spec.sample_rate, int(bins), int(bands), lower_hz, upper_hz, first_bin)
        assert features.shape == expected.shape
        np.testing.assert_allclose(features, expected, rtol=0, atol=1e-4)


def test_mfcc_of_silence() -> None:
    features = Mfcc()(torch.zeros(1, 16000))
    assert features[0, :, 0].numpy() == pytest.approx(-247.14, abs=0.005)
    assert features[0, :, 1:].abs().max() < 1e-4


@pytest.mark.parametrize(("bins", "made"), [(40, 43), (1, 1), (257, 257), (100, 129), (50, 52)])
@pytest.mark.parametrize("sound", [speech, white])
def test_average_follows_its_description(sound: Callable[..., Array], bins: int, made: int) -> None:
    front_end = Average(bins=bins)
    clip = as_batch(sound())
    expected = original_average(magnitudes(clip[0].double().numpy(), 480, 160), bins)
    features = front_end(clip)[0].numpy()
    assert features.shape == expected.shape == (98, made)
    np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-6 * expected.max())


# The original's own numbers


@pytest.fixture(scope="module", params=["held here", "whole"])
def numbers(request: pytest.FixtureRequest) -> Mapping[str, Array]:
    """The original's features: of the signals held here, and of speech and more signals where the whole is at hand."""
    whole = request.param == "whole"
    folder: Path = request.getfixturevalue("shared") / "reference" if whole else tensorflow_numbers.GOLDEN
    found = tensorflow_numbers.features(folder)
    natural = [not clip.startswith(TONAL) for clip in found["names"].tolist()]
    assert (sum(natural), len(natural)) == ((25, 34) if whole else (4, 8))
    return {**found, "natural": np.array(natural)}


MFCC_REFERENCE = {
    "mfcc_w480_s160_d40": {},
    "mfcc_w480_s160_d13": {"bins": 13},
    "mfcc_w480_s160_d10": {"bins": 10},
    "mfcc_w480_s320_d40": {"hop_ms": 20.0},
}


@pytest.mark.parametrize("name", MFCC_REFERENCE)
def test_mfcc_of_the_original(numbers: Mapping[str, Array], name: str) -> None:
    natural = numbers["natural"]
    features = Mfcc(**MFCC_REFERENCE[name])(torch.from_numpy(numbers["waveforms"][natural]))
    np.testing.assert_allclose(features.numpy(), numbers[name][natural], rtol=0, atol=1e-4)


def test_average_of_the_original(numbers: Mapping[str, Array]) -> None:
    expected = numbers["average_w30ms_s10ms_b40"]
    features = Average()(torch.from_numpy(numbers["waveforms"])).numpy()
    loudest = expected.max(axis=(1, 2), keepdims=True)
    assert (np.abs(features - expected) <= 1e-6 * loudest).all()


def test_tones_sweeps_and_impulses_of_the_original_in_float64(
    numbers: Mapping[str, Array], monkeypatch: pytest.MonkeyPatch
) -> None:
    # .double() would only widen matrices that float32 has rounded already; so they are kept in float64 from the start.
    with monkeypatch.context() as patch:
        patch.setattr(torch.Tensor, "float", lambda matrix: matrix)
        mfcc, average = Mfcc(), Average()
    assert {buffer.dtype for buffer in (*mfcc.buffers(), *average.buffers())} == {torch.float64}
    waveforms = torch.from_numpy(numbers["waveforms"]).double()
    np.testing.assert_allclose(mfcc(waveforms).numpy(), numbers["mfcc_w480_s160_d40"], rtol=0, atol=1e-5)
    np.testing.assert_allclose(average(waveforms).numpy(), numbers["average_w30ms_s10ms_b40"], rtol=1e-4, atol=1e-12)
