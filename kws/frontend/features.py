"""Front ends: waveforms to features, as plain matrix products that train, export and run on a phone alike.

Two of them reproduce TensorFlow's speech_commands tutorial: `Mfcc` and `Average`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from kws.audio.framing import START, FeatureSpec
from kws.errors import KwsError
from kws.frontend.fast_linear import fast_linear
from kws.frontend.filterbanks import dct_matrix, group_matrix, htk_mel_filterbank, original_mel_filterbank
from kws.frontend.front_end import FrontEnd, register_front_end
from kws.frontend.spectrum import Spectrum


@register_front_end("mfcc", former_path="kws.features.Mfcc")
class Mfcc(FrontEnd):
    """MFCC of TensorFlow's tutorial (the `mfcc` op): magnitudes, 40 mel bands of 20–4000 Hz, natural log, DCT.

    Args:
        sample_rate, clip_ms, window_ms, hop_ms, fit: see `FeatureSpec`.
        bins: coefficients kept, from coefficient 0 on.
        mel_bands: mel bands before the DCT.
        lower_hz, upper_hz: the bands' range.

    Raises:
        KwsError: more bins than mel bands, or a range beyond half the sample rate.
    """

    def __init__(
        self,
        sample_rate: int = 16000,
        clip_ms: float = 1000.0,
        window_ms: float = 30.0,
        hop_ms: float = 10.0,
        bins: int = 40,
        mel_bands: int = 40,
        lower_hz: float = 20.0,
        upper_hz: float = 4000.0,
        fit: str = START,
    ) -> None:
        super().__init__()
        self.spec = FeatureSpec(sample_rate, clip_ms, window_ms, hop_ms, fit)
        _check_bands(bins, mel_bands, lower_hz, upper_hz, sample_rate)
        fft_size = self.spec.fft_size
        bank, first, last = original_mel_filterbank(fft_size, sample_rate, mel_bands, lower_hz, upper_hz)
        self.spectrum = Spectrum(self.spec, first, last)
        self.register_buffer("mel", bank.float(), persistent=False)
        self.register_buffer("dct", dct_matrix(bins, mel_bands, orthonormal=False).float(), persistent=False)
        self.mel: Tensor
        self.dct: Tensor
        self.frames, self.bins = self.spectrum.frames, bins

    def forward(self, waveform: Tensor) -> Tensor:
        """Compute MFCC (batch, frames, bins) of a waveform (batch, samples) in [-1, 1]."""
        magnitude = self.spectrum(waveform).sqrt()
        bands = fast_linear(magnitude, self.mel.to(magnitude.dtype))
        return fast_linear(bands.clamp(min=1e-12).log(), self.dct.to(bands.dtype))


@register_front_end("mfcc_torchaudio", former_path="kws.features.MfccTorchaudio")
class MfccTorchaudio(FrontEnd):
    """MFCC of `torchaudio.transforms.MFCC`: centred frames, power, HTK mel bands, dB, orthonormal DCT.

    torchaudio clips the levels at 80 dB below the loudest band of the batch, so that a clip's features depend on its
    neighbours; here each clip has its own limit, 80 dB below its loudest band (the same for a batch of one).

    Args:
        sample_rate, clip_ms, window_ms, hop_ms, fit: see `FeatureSpec`; centred frames: 101 a second at a 10 ms hop.
        bins: coefficients kept.
        mel_bands: mel bands before the DCT.
        lower_hz, upper_hz: the bands' range; upper_hz None: half the sample rate.
        top_db: range below the loudest band, in dB.
    """

    def __init__(
        self,
        sample_rate: int = 16000,
        clip_ms: float = 1000.0,
        window_ms: float = 30.0,
        hop_ms: float = 10.0,
        bins: int = 40,
        mel_bands: int = 40,
        lower_hz: float = 0.0,
        upper_hz: float | None = None,
        top_db: float = 80.0,
        fit: str = START,
    ) -> None:
        super().__init__()
        self.spec = FeatureSpec(sample_rate, clip_ms, window_ms, hop_ms, fit)
        upper_hz = sample_rate / 2 if upper_hz is None else upper_hz
        _check_bands(bins, mel_bands, lower_hz, upper_hz, sample_rate)
        bank, first, last = htk_mel_filterbank(self.spec.fft_size, sample_rate, mel_bands, lower_hz, upper_hz)
        self.spectrum = Spectrum(self.spec, first, last, centred=True)
        self.register_buffer("mel", bank.float(), persistent=False)
        self.register_buffer("dct", dct_matrix(bins, mel_bands, orthonormal=True).float(), persistent=False)
        self.mel: Tensor
        self.dct: Tensor
        self.top_db = top_db
        self.frames, self.bins = self.spectrum.frames, bins

    def forward(self, waveform: Tensor) -> Tensor:
        """Compute MFCC (batch, frames, bins) of a waveform (batch, samples) in [-1, 1]."""
        power = self.spectrum(waveform)
        bands = fast_linear(power, self.mel.to(power.dtype))
        level_db = bands.clamp(min=1e-10).log() * (10 / math.log(10))
        loudest = level_db.amax(dim=(1, 2), keepdim=True)
        return fast_linear(torch.maximum(level_db, loudest - self.top_db), self.dct.to(bands.dtype))


@register_front_end("log_mel", former_path="kws.features.LogMel")
class LogMel(FrontEnd):
    """Log-mel energies: power, HTK mel bands (torchaudio's `MelSpectrogram` with center=False), natural log.

    Args:
        sample_rate, clip_ms, window_ms, hop_ms, fit: see `FeatureSpec`.
        bins: mel bands.
        lower_hz, upper_hz: the bands' range; upper_hz None: half the sample rate.
        floor: smallest energy before the log; hides rounding noise in empty bands.
    """

    def __init__(
        self,
        sample_rate: int = 16000,
        clip_ms: float = 1000.0,
        window_ms: float = 30.0,
        hop_ms: float = 10.0,
        bins: int = 40,
        lower_hz: float = 20.0,
        upper_hz: float | None = None,
        floor: float = 1e-6,
        fit: str = START,
    ) -> None:
        super().__init__()
        self.spec = FeatureSpec(sample_rate, clip_ms, window_ms, hop_ms, fit)
        upper_hz = sample_rate / 2 if upper_hz is None else upper_hz
        _check_bands(bins, bins, lower_hz, upper_hz, sample_rate)
        if floor <= 0:
            raise KwsError(f"features.floor: {floor} has no logarithm; give a small positive energy such as 1e-6")
        bank, first, last = htk_mel_filterbank(self.spec.fft_size, sample_rate, bins, lower_hz, upper_hz)
        self.spectrum = Spectrum(self.spec, first, last)
        self.register_buffer("mel", bank.float(), persistent=False)
        self.mel: Tensor
        self.floor = floor
        self.frames, self.bins = self.spectrum.frames, bins

    def forward(self, waveform: Tensor) -> Tensor:
        """Compute log-mel energies (batch, frames, bins) of a waveform (batch, samples) in [-1, 1]."""
        power = self.spectrum(waveform)
        return fast_linear(power, self.mel.to(power.dtype)).clamp(min=self.floor).log()


@register_front_end("average", former_path="kws.features.Average")
class Average(FrontEnd):
    """The `average` features of TensorFlow's tutorial: the power spectrum, averaged over groups of neighbouring bins.

    A group has `floor(fft bins / bins)` bins, with SAME padding: asking for 40 of 257 gives groups of 6, and 43
    features.

    Args:
        sample_rate, clip_ms, window_ms, hop_ms, fit: see `FeatureSpec`.
        bins: number of features to ask for; the front end's attribute `bins` is the resulting number.
    """

    def __init__(
        self,
        sample_rate: int = 16000,
        clip_ms: float = 1000.0,
        window_ms: float = 30.0,
        hop_ms: float = 10.0,
        bins: int = 40,
        fit: str = START,
    ) -> None:
        super().__init__()
        self.spec = FeatureSpec(sample_rate, clip_ms, window_ms, hop_ms, fit)
        fft_bins = self.spec.fft_size // 2 + 1
        if not 1 <= bins <= fft_bins:
            raise KwsError(f"features.bins: {bins} asked, but the spectrum has {fft_bins} bins; ask for 1 to {fft_bins}")
        self.spectrum = Spectrum(self.spec, 0, fft_bins - 1)
        groups = group_matrix(fft_bins, fft_bins // bins)
        self.register_buffer("groups", groups.float(), persistent=False)
        self.groups: Tensor
        self.frames, self.bins = self.spectrum.frames, groups.shape[0]

    def forward(self, waveform: Tensor) -> Tensor:
        """Compute mean powers (batch, frames, bins) of a waveform (batch, samples) in [-1, 1]."""
        power = self.spectrum(waveform)
        return fast_linear(power, self.groups.to(power.dtype))


def _check_bands(bins: int, mel_bands: int, lower_hz: float, upper_hz: float, sample_rate: int) -> None:
    if not 1 <= bins <= mel_bands:
        raise KwsError(
            f"features.bins: {bins} asked, but the front end has {mel_bands} mel bands;"
            f" ask for 1 to {mel_bands}, or raise mel_bands"
        )
    if not 0 <= lower_hz < upper_hz <= sample_rate / 2:
        raise KwsError(
            f"features.lower_hz and upper_hz: {lower_hz}–{upper_hz} Hz can't be a range at {sample_rate} Hz;"
            f" they lie within 0–{sample_rate / 2:g} Hz, the lower first"
        )
