"""Frames and their power spectrum, compared with NumPy's and PyTorch's transforms."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.fx.experimental.proxy_tensor import make_fx

from kws.audio.framing import FeatureSpec
from kws.errors import KwsError
from kws.frontend import cpu
from kws.frontend.spectrum import Spectrum

specs = st.builds(
    FeatureSpec,
    sample_rate=st.sampled_from([8000, 11025, 16000, 22050]),
    clip_ms=st.floats(60, 200),
    window_ms=st.floats(1, 60),
    hop_ms=st.floats(1, 80),
)


def noise(batch: int, samples: int) -> torch.Tensor:
    return torch.rand(batch, samples, generator=torch.Generator().manual_seed(samples)) * 2 - 1


def test_the_tutorials_sizes() -> None:
    spec = FeatureSpec()
    assert (spec.samples, spec.window, spec.hop, spec.fft_size, spec.frames) == (16000, 480, 160, 512, 98)


@given(specs)
def test_frames_are_all_the_whole_windows_that_fit(spec: FeatureSpec) -> None:
    last = (spec.frames - 1) * spec.hop
    assert last + spec.window <= spec.samples < last + spec.hop + spec.window
    assert spec.fft_size // 2 < spec.window <= spec.fft_size
    assert spec.fft_size & (spec.fft_size - 1) == 0


@pytest.mark.parametrize(
    ("window_ms", "window", "fft_size"), [(16, 256, 256), (16.0625, 257, 512), (32, 512, 512), (0.125, 2, 2)]
)
def test_the_transform_is_the_next_power_of_two(window_ms: float, window: int, fft_size: int) -> None:
    spec = FeatureSpec(window_ms=window_ms)
    assert (spec.window, spec.fft_size) == (window, fft_size)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"window_ms": 0}, "window_ms=0 and hop_ms=10.0 give less than a sample"),
        ({"hop_ms": 0}, "window_ms=30.0 and hop_ms=0 give less than a sample at 16000 Hz"),
        ({"hop_ms": -10}, "hop_ms=-10"),
        ({"sample_rate": 0}, "at 0 Hz"),
        ({"window_ms": 1001}, r"features\.window_ms: 1001 ms is longer than the clip of 1000\.0 ms"),
        ({"clip_ms": 20}, r"30\.0 ms is longer than the clip of 20 ms"),
    ],
)
def test_lengths_that_make_no_frames(setting: dict[str, float], message: str) -> None:
    with pytest.raises(KwsError, match=message):
        FeatureSpec(**setting)  # type: ignore[arg-type]


@settings(max_examples=25, deadline=None)
@given(specs, st.data())
def test_power_is_that_of_an_fft(spec: FeatureSpec, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, spec.fft_size // 2))
    last = data.draw(st.integers(first, spec.fft_size // 2))
    waveform = noise(1, spec.samples)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(spec.window) / spec.window)
    cut = [waveform[0, i * spec.hop :][: spec.window].double().numpy() * hann for i in range(spec.frames)]
    expected = np.abs(np.fft.rfft(cut, spec.fft_size)) ** 2
    power = Spectrum(spec, first, last)(waveform)
    assert power.shape == (1, spec.frames, last - first + 1)
    np.testing.assert_allclose(power[0], expected[:, first : last + 1], rtol=1e-4, atol=1e-5 * expected.max())


@settings(max_examples=25, deadline=None)
@given(specs)
def test_centred_power_is_that_of_torch_stft(spec: FeatureSpec) -> None:
    waveform = noise(2, spec.samples)
    window = torch.hann_window(spec.window, dtype=torch.float64)
    transform = torch.stft(waveform.double(), spec.fft_size, spec.hop, spec.window, window, center=True, return_complex=True)
    expected = transform.abs().square().transpose(1, 2)
    spectrum = Spectrum(spec, 0, spec.fft_size // 2, centred=True)
    power = spectrum(waveform)
    assert power.shape == expected.shape == (2, spectrum.frames, spectrum.bins)
    torch.testing.assert_close(power.double(), expected, rtol=1e-4, atol=1e-5 * float(expected.max()))


@pytest.mark.parametrize("lacks_avx512", [True, False])
def test_in_training_only_the_rounding_differs(lacks_avx512: bool) -> None:
    spectrum, waveform = Spectrum(FeatureSpec(), 0, 256), noise(20, 16000)
    with mock.patch.object(cpu, "lacks_avx512", lambda: lacks_avx512):
        exact = spectrum(waveform)
        assert torch.equal(exact, spectrum.eval()(waveform))
        torch.testing.assert_close(spectrum.train()(waveform), exact, rtol=1e-4, atol=1e-6 * float(exact.max()))


@settings(max_examples=15, deadline=None)
@given(specs, st.booleans(), st.booleans())
def test_in_training_with_any_framing(spec: FeatureSpec, centred: bool, lacks_avx512: bool) -> None:
    spectrum = Spectrum(spec, 1, spec.fft_size // 2 - 1, centred)
    waveform = noise(20, spec.samples)
    with mock.patch.object(cpu, "lacks_avx512", lambda: lacks_avx512):
        exact = spectrum(waveform)
        torch.testing.assert_close(spectrum.train()(waveform), exact, rtol=1e-4, atol=4e-6 * float(exact.max()))


def test_products_are_spared_where_they_are_slow_and_in_training_alone() -> None:
    spectrum, waveform = Spectrum(FeatureSpec(), 0, 256), noise(2, 16000)
    with mock.patch.object(cpu, "lacks_avx512", lambda: True):
        assert uses_fourier_transform(make_fx(spectrum.train())(waveform).graph)
        assert not uses_fourier_transform(make_fx(spectrum.eval())(waveform).graph)
    with mock.patch.object(cpu, "lacks_avx512", lambda: False):
        assert not uses_fourier_transform(make_fx(spectrum.train())(waveform).graph)


def test_only_the_clips_own_frames_are_made() -> None:
    spectrum = Spectrum(FeatureSpec(), 3, 9)
    longer = noise(2, 20000)
    torch.testing.assert_close(spectrum(longer), spectrum(longer[:, :16000]), rtol=0, atol=0)


def uses_fourier_transform(graph: torch.fx.Graph) -> bool:
    return any(part in str(node.target) for node in graph.nodes for part in ("fft", "stft", "complex", "polar"))


@pytest.mark.parametrize("centred", [False, True])
def test_no_fourier_operator_and_no_complex_number(centred: bool) -> None:
    waveform = noise(2, 16000)
    assert not uses_fourier_transform(make_fx(Spectrum(FeatureSpec(), 0, 256, centred))(waveform).graph)
    assert uses_fourier_transform(make_fx(lambda sound: torch.fft.rfft(sound).abs())(waveform).graph)
