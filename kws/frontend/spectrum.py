"""Power spectrum of a clip's frames, by matrix products."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from kws.audio.framing import FeatureSpec
from kws.frontend import cpu
from kws.frontend.fast_linear import fast_linear

# In exported models, frames of more pieces than this are gathered sample by sample.
_MOST_PIECES = 48


class Spectrum(nn.Module):
    """Short-time power spectrum in a range of FFT bins, with a Hann window.

    The window is part of the cosine and sine matrices, so the transform of all frames is two matrix products: no FFT
    operator, no complex numbers, and no work for bins that nobody reads.

    It starts in evaluation mode. `train()` selects faster kernels, whose sums are rounded in another order; on a CPU
    with AVX2 only, an FFT (docs/speed.md).

    Args:
        spec: sample rate, clip length, window and hop.
        first_bin, last_bin: the bins kept, both included, of `spec.fft_size`.
        centred: centre frames on multiples of the hop, with reflection padding at the clip's ends (torch.stft's
            default): `1 + samples // hop` frames; otherwise the first frame starts at the first sample.
    """

    def __init__(self, spec: FeatureSpec, first_bin: int, last_bin: int, centred: bool = False) -> None:
        super().__init__()
        self.training = False
        self.hop = spec.hop
        # torch.stft takes fft_size samples around each centre, with the window in their middle.
        self.pad = spec.fft_size // 2 if centred else 0
        self.skip = (spec.fft_size - spec.window) // 2 if centred else 0
        self.window = spec.window
        self.frames = 1 + spec.samples // spec.hop if centred else spec.frames
        self.right, self.fft_size, self.first_bin = (spec.window + 1) // 2, spec.fft_size, first_bin
        time, even, odd = folded_window(spec.window)
        bins = torch.arange(first_bin, last_bin + 1, dtype=torch.float64)
        angle = 2 * math.pi / spec.fft_size * bins[:, None] * time
        self.register_buffer("cosine", (even * torch.cos(angle)).float(), persistent=False)
        self.register_buffer("sine", (odd * torch.sin(angle)).float(), persistent=False)
        self.cosine: Tensor
        self.sine: Tensor
        self.bins = last_bin - first_bin + 1

    def forward(self, waveform: Tensor) -> Tensor:
        """Compute the power (batch, frames, bins) of a clip (batch, samples), or of the frames in a shorter piece."""
        if self.pad > 0:
            waveform = nn.functional.pad(waveform[:, None], (self.pad, self.pad), mode="reflect")[:, 0]
            waveform = waveform[:, self.skip :]
        frames = self._frames(waveform)
        if torch.jit.is_scripting():
            return self._by_products(frames)
        if torch.compiler.is_compiling() or not self.training or frames.device.type != "cpu" or not cpu.lacks_avx512():
            return self._by_products(frames)
        return self._by_fft(frames)

    def _by_products(self, frames: Tensor) -> Tensor:
        """Compute the power (batch, frames, bins) of frames (batch, frames, window) by matrix products."""
        right = frames[..., self.right :]
        left = frames[..., 1 : 1 + self.window - self.right].flip(-1)
        real = fast_linear(right + left, self.cosine.to(frames.dtype), per_clip=self.training)
        imaginary = fast_linear(right - left, self.sine.to(frames.dtype), per_clip=self.training)
        return torch.addcmul(real * real, imaginary, imaginary)

    def _by_fft(self, frames: Tensor) -> Tensor:
        """Compute the same power by FFT, with sums in another order."""
        hann = torch.hann_window(self.window, dtype=frames.dtype)
        transform = torch.view_as_real(torch.fft.rfft(frames * hann, n=self.fft_size))
        real, imaginary = transform[:, :, self.first_bin : self.first_bin + self.bins].unbind(-1)
        return torch.addcmul(real * real, imaginary, imaginary)

    def _frames(self, waveform: Tensor) -> Tensor:
        """Cut a waveform (batch, samples) into frames (batch, frames, window)."""
        count = min(1 + (waveform.shape[1] - self.window) // self.hop, self.frames)
        if torch.jit.is_scripting():
            return waveform.unfold(1, self.window, self.hop)[:, :count]
        step = math.gcd(self.window, self.hop)
        if not torch.compiler.is_compiling() or self.window // step > _MOST_PIECES:
            return waveform.unfold(1, self.window, self.hop)[:, :count]
        # Exported, `unfold` becomes a gather of single samples, which takes as long as the rest of a small model. These
        # slices of pieces, side by side, are the same frames.
        stride = self.hop // step
        whole = waveform.shape[1] // step
        pieces = waveform[:, : whole * step].reshape(-1, whole, step)
        last = (count - 1) * stride + 1
        return torch.cat([pieces[:, start : start + last : stride] for start in range(self.window // step)], dim=2)


def folded_window(window: int) -> tuple[Tensor, Tensor, Tensor]:
    """Compute the right half of a frame: times from its middle, in samples, and weights of cosines and sines, float64.

    The Hann window is symmetric about the frame's middle, and shifting time changes only the phase: seen from the
    middle, cosines are even and sines odd, so each needs only half of the folded frame. Sample 0 has weight 0.

    Args:
        window: samples in a frame.
    """
    time = torch.arange((window + 1) // 2, window, dtype=torch.float64) - window / 2
    hann = 0.5 + 0.5 * torch.cos(2 * math.pi * time / window)
    # The middle sample of an even window is added to itself in the fold.
    return time, hann * torch.where(time == 0, 0.5, 1.0), hann
