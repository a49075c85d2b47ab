"""The fixed matrices of the front ends, value by value."""

from __future__ import annotations

import math

import pytest
import scipy.fft
import torch
import torchaudio
from hypothesis import given
from hypothesis import strategies as st

from kws.frontend.filterbanks import dct_matrix, group_matrix, htk_mel_filterbank, original_mel_filterbank

pytestmark = pytest.mark.filterwarnings("ignore:At least one mel filterbank has all zero values")


def mel(hz: float) -> float:
    return 1127 * math.log(1 + hz / 700)


def test_the_originals_bank_reads_bins_2_to_127() -> None:
    bank, first, last = original_mel_filterbank(512, 16000, 40, 20.0, 4000.0)
    assert (bank.shape, bank.dtype, first, last) == ((40, 126), torch.float64, 2, 127)


@pytest.mark.parametrize(("bands", "lower_hz", "upper_hz"), [(40, 20.0, 4000.0), (10, 300.0, 7600.0), (3, 0.0, 8000.0)])
def test_the_originals_triangles(bands: int, lower_hz: float, upper_hz: float) -> None:
    bank, first, last = original_mel_filterbank(512, 16000, bands, lower_hz, upper_hz)
    edges = [mel(lower_hz) + (mel(upper_hz) - mel(lower_hz)) * i / (bands + 1) for i in range(bands + 2)]
    for band in range(bands):
        left, centre, right = edges[band : band + 3]
        for k in range(first, last + 1):
            place = mel(k * 31.25)
            rise, fall = (place - left) / (centre - left), (right - place) / (right - centre)
            assert float(bank[band, k - first]) == pytest.approx(max(0.0, min(rise, fall)), abs=1e-12)
    # Between the first and the last centre, each bin's weights add up to 1.
    inside = [edges[1] <= mel(k * 31.25) <= edges[-2] for k in range(first, last + 1)]
    assert sum(inside) > 50
    torch.testing.assert_close(bank.sum(dim=0)[inside], torch.ones(sum(inside), dtype=torch.float64))


def test_the_originals_bank_never_reads_the_constant() -> None:
    _, first, _ = original_mel_filterbank(512, 16000, 5, 0.0, 8000.0)
    assert first == 1


@pytest.mark.parametrize(("fft_size", "sample_rate", "bands", "upper_hz"), [(512, 16000, 40, 8000.0), (256, 8000, 60, 3000.0)])
def test_the_htk_bank_is_torchaudios_less_the_bins_that_nobody_reads(
    fft_size: int, sample_rate: int, bands: int, upper_hz: float
) -> None:
    bank, first, last = htk_mel_filterbank(fft_size, sample_rate, bands, 20.0, upper_hz)
    whole = torchaudio.functional.melscale_fbanks(fft_size // 2 + 1, 20.0, upper_hz, bands, sample_rate).T.double()
    torch.testing.assert_close(bank, whole[:, first : last + 1], rtol=0, atol=0)
    assert bank[:, 0].any()
    assert bank[:, -1].any()
    assert not whole[:, :first].any()
    assert not whole[:, last + 1 :].any()


@given(st.integers(1, 50), st.integers(1, 50))
def test_dct_is_scipys(coefficients: int, bands: int) -> None:
    coefficients = min(coefficients, bands)
    rows = torch.eye(bands, dtype=torch.float64).numpy()
    orthonormal = torch.from_numpy(scipy.fft.dct(rows, type=2, norm="ortho")).T[:coefficients]
    torch.testing.assert_close(dct_matrix(coefficients, bands, orthonormal=True), orthonormal, rtol=0, atol=1e-12)
    plain = dct_matrix(coefficients, bands, orthonormal=False)
    torch.testing.assert_close(plain[1:], orthonormal[1:], rtol=0, atol=1e-12)
    torch.testing.assert_close(plain[0], torch.full((bands,), math.sqrt(2 / bands), dtype=torch.float64))


@given(st.integers(1, 300), st.integers(1, 60))
def test_groups_are_means_over_neighbours_with_the_padding_left_out(bins: int, size: int) -> None:
    matrix = group_matrix(bins, size)
    groups = math.ceil(bins / size)
    before = (groups * size - bins) // 2
    assert matrix.shape == (groups, bins)
    for group in range(groups):
        members = [k for k in range(group * size - before, (group + 1) * size - before) if 0 <= k < bins]
        expected = torch.zeros(bins, dtype=torch.float64)
        expected[members] = 1 / len(members)
        torch.testing.assert_close(matrix[group], expected, rtol=0, atol=1e-15)
    # A bin is in one group, and in that alone.
    assert ((matrix > 0).sum(dim=0) == 1).all()


def test_forty_groups_asked_are_forty_three() -> None:
    matrix = group_matrix(257, 257 // 40)
    assert matrix.shape == (43, 257)
    assert (matrix > 0).sum(dim=1).tolist() == [6] * 42 + [5]
