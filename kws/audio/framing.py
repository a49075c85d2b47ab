"""Framing of a clip: lengths in time, and the sizes in samples that follow from them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from kws.errors import KwsError

START, LOUDEST = "start", "loudest"


def check_fit(fit: str) -> str:
    """Return the rule for fitting a recording to a clip, once it is known to exist.

    Raises:
        KwsError: there is none of this name.
    """
    if fit not in (START, LOUDEST):
        raise KwsError(f"features.fit: {fit!r} is no rule for fitting a recording to a clip; give {LOUDEST} or {START}")
    return fit


@dataclass(frozen=True)
class FeatureSpec:
    """Framing of a clip; every size in samples follows from the settings in time.

    Args:
        sample_rate: samples a second.
        clip_ms: length of a clip.
        window_ms: length of a frame.
        hop_ms: from one frame's start to the next.
        fit: how a recording of another length is made a clip: see `kws.audio.cutting.fit_clip`.

    Raises:
        KwsError: a length of nothing, a window longer than the clip, or an unknown rule of fitting.
    """

    sample_rate: int = 16000
    clip_ms: float = 1000.0
    window_ms: float = 30.0
    hop_ms: float = 10.0
    # Of files of before, which do not say: as they were trained.
    fit: str = START

    def __post_init__(self) -> None:
        check_fit(self.fit)
        if self.window < 2 or self.hop < 1:
            raise KwsError(
                f"features: window_ms={self.window_ms} and hop_ms={self.hop_ms} give less than a sample at {self.sample_rate} Hz"
            )
        if self.window > self.samples:
            raise KwsError(f"features.window_ms: {self.window_ms} ms is longer than the clip of {self.clip_ms} ms")

    @property
    def samples(self) -> int:
        """Samples in a clip."""
        return int(self.sample_rate * self.clip_ms / 1000 + 1e-6)

    @property
    def window(self) -> int:
        """Samples in a frame."""
        return int(self.sample_rate * self.window_ms / 1000 + 1e-6)

    @property
    def hop(self) -> int:
        """Samples from frame to frame."""
        return int(self.sample_rate * self.hop_ms / 1000 + 1e-6)

    @property
    def fft_size(self) -> int:
        """The next power of two from the window on."""
        return int(2 ** math.ceil(math.log2(self.window)))

    @property
    def frames(self) -> int:
        """Whole frames in a clip, the first at its first sample."""
        return 1 + (self.samples - self.window) // self.hop
