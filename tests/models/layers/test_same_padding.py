"""The layers that the tutorial networks share, against the original's formulas."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import tensorflow_networks as originals
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kws.models.layers.same_padding import Dense, SameConv2d, as_image, flatten, same_padding
from kws.models.svdf import Svdf


@given(size=st.integers(1, 60), kernel=st.integers(1, 25), stride=st.integers(1, 10))
def test_same_padding_is_tensorflows(size: int, kernel: int, stride: int) -> None:
    before, after = same_padding(size, kernel, stride)
    assert (before, after) == originals.padding(size, kernel, stride)
    assert 0 <= after - before <= 1


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.tuples(st.integers(1, 14), st.integers(1, 14)),
    kernel=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    stride=st.integers(1, 5),
    channels=st.tuples(st.integers(1, 3), st.integers(1, 3)),
)
def test_same_convolution(sizes: tuple[int, int], kernel: tuple[int, int], stride: int, channels: tuple[int, int]) -> None:
    rng = np.random.default_rng(sum(sizes))
    maps, weight, bias = (
        rng.standard_normal((*sizes, channels[0])),
        rng.standard_normal((*kernel, *channels)),
        rng.standard_normal(channels[1]),
    )
    layer = SameConv2d(*channels, kernel, (stride, stride)).double()
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight).permute(3, 2, 0, 1))
        assert layer.bias is not None
        layer.bias.copy_(torch.from_numpy(bias))
        out = layer(torch.from_numpy(maps).permute(2, 0, 1)[None])
    expected = originals.conv_same(maps, weight, bias, stride)
    assert expected.shape[:2] == (-(-sizes[0] // stride), -(-sizes[1] // stride))
    np.testing.assert_allclose(out[0].permute(1, 2, 0).numpy(), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("frames", "bins", "units"), [(5, 4, 1), (7, 3, 6), (98, 40, 3)])
def test_svdf_folded_is_svdf_in_two_steps(frames: int, bins: int, units: int) -> None:
    layer = Svdf(frames, bins, units).double()
    rng = np.random.default_rng(frames)
    weights = rng.standard_normal((bins, 2 * units)), rng.standard_normal((2 * units, frames)), rng.standard_normal(units)
    with torch.no_grad():
        for parameter, weight in zip((layer.frequency, layer.time, layer.bias), (weights[0].T, *weights[1:]), strict=True):
            parameter.copy_(torch.from_numpy(weight))
        clips = rng.standard_normal((2, frames, bins))
        out = layer(torch.from_numpy(clips)).numpy()
    np.testing.assert_allclose(out, [originals.svdf(clip, *weights) for clip in clips], rtol=1e-9, atol=1e-9)


def test_svdf_of_another_rank_sums_neighbouring_filters() -> None:
    layer = Svdf(6, 5, units=4, rank=3).double()
    clip = torch.randn(1, 6, 5, dtype=torch.float64)
    filters = torch.einsum("btf,mf,mt->bm", clip, layer.frequency, layer.time)
    torch.testing.assert_close(layer(clip), filters.view(1, 4, 3).sum(dim=2) + layer.bias)


def test_flatten_is_time_then_frequency_then_channel() -> None:
    maps = torch.arange(2 * 3 * 4 * 5).view(2, 3, 4, 5)
    rows = flatten(maps)
    for (time, frequency, channel), place in zip(itertools.product(range(4), range(5), range(3)), itertools.count()):
        assert rows[1, place] == maps[1, channel, time, frequency]


def test_features_become_an_image() -> None:
    features = torch.randn(2, 5, 4)
    image = as_image(features)
    assert image.shape == (2, 1, 5, 4)
    assert torch.equal(image[:, 0], features)


def test_dense_is_linear() -> None:
    layer = Dense(6, 3).double()
    rows = torch.randn(80, 6, dtype=torch.float64)
    torch.testing.assert_close(layer(rows), rows @ layer.weight.T + layer.bias)
