"""Constant matrices of the front ends: mel filter banks, the DCT, groups of bins. All float64, (outputs, inputs)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from kws.frontend.torchaudio_import import torchaudio_functional


def original_mel_filterbank(
    fft_size: int, sample_rate: int, bands: int, lower_hz: float, upper_hz: float
) -> tuple[Tensor, int, int]:
    """Build the mel bands of TensorFlow's tutorial: triangles that are linear in mel = 1127·ln(1 + f/700).

    Source: TensorFlow's MfccMelFilterbank, which starts at bin `1.5 + lower_hz / spacing`, so that bin 0 is never read.

    Returns:
        The bank (bands, bins), and the first and last FFT bin that it reads.
    """
    spacing_hz = sample_rate / fft_size
    first, last = int(1.5 + lower_hz / spacing_hz), int(upper_hz / spacing_hz)
    bins_mel = _mel(torch.arange(first, last + 1, dtype=torch.float64) * spacing_hz)
    low, high = (float(_mel(torch.tensor(hz, dtype=torch.float64))) for hz in (lower_hz, upper_hz))
    edges = torch.linspace(low, high, bands + 2, dtype=torch.float64)
    left, centre, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (bins_mel - left) / (centre - left), (right - bins_mel) / (right - centre)
    bank = torch.minimum(rising, falling).clamp(min=0)
    return _trim(bank, first)


def htk_mel_filterbank(fft_size: int, sample_rate: int, bands: int, lower_hz: float, upper_hz: float) -> tuple[Tensor, int, int]:
    """Build torchaudio's HTK mel bands: triangles that are linear in hertz.

    Returns:
        The bank (bands, bins), and the first and last FFT bin that it reads.
    """
    bank = torchaudio_functional().melscale_fbanks(
        fft_size // 2 + 1, lower_hz, upper_hz, bands, sample_rate, norm=None, mel_scale="htk"
    )
    return _trim(bank.double().T, 0)


def dct_matrix(coefficients: int, bands: int, *, orthonormal: bool) -> Tensor:
    """Build the DCT-II (coefficients, bands): orthonormal, or sqrt(2/bands)·cos(…) for coefficient 0 as well.

    Not torchaudio's `create_dct`: it rounds the angles to float32, which shows in the coefficients of silence.
    """
    k = torch.arange(coefficients, dtype=torch.float64)[:, None]
    n = torch.arange(bands, dtype=torch.float64)
    matrix = math.sqrt(2 / bands) * torch.cos(math.pi / bands * k * (n + 0.5))
    if orthonormal:
        matrix[0] /= math.sqrt(2)
    return matrix


def group_matrix(bins: int, size: int) -> Tensor:
    """Build means over groups of `size` bins, SAME-padded, padding not counted (TensorFlow's average pooling)."""
    groups = math.ceil(bins / size)
    before = (groups * size - bins) // 2
    position = torch.arange(bins) + before
    matrix = (position[None, :] // size == torch.arange(groups)[:, None]).double()
    return matrix / matrix.sum(dim=1, keepdim=True)


def _mel(hz: Tensor) -> Tensor:
    return 1127.0 * torch.log1p(hz / 700.0)


def _trim(bank: Tensor, first: int) -> tuple[Tensor, int, int]:
    # Bins that no band reads need not be computed.
    read = torch.nonzero(bank.sum(dim=0) > 0).flatten()
    low, high = (int(read[0]), int(read[-1])) if len(read) else (0, 0)
    return bank[:, low : high + 1], first + low, first + high
