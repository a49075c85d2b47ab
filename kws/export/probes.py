"""Signals on which two implementations of a model are most likely to differ. NumPy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kws.audio.framing import FeatureSpec

_TONES_HZ = (50, 440, 1000, 2750, 5300)


def hard_signals(spec: FeatureSpec, seed: int = 0) -> dict[str, NDArray[np.float32]]:
    """Return clips by kind, float32 (clips, samples) in [-1, 1]: silence, clipping, tones, impulses, noise, voice.

    Args:
        spec: rate and length of the clips.
        seed: of the noise.
    """
    rng = np.random.default_rng(seed)
    time = np.arange(spec.samples) / spec.sample_rate
    noise = rng.standard_normal((4, spec.samples))
    impulses = np.zeros((3, spec.samples))
    impulses[[0, 1, 2], [0, spec.samples // 2, spec.samples - 1]] = 1.0
    tones = np.stack([0.5 * np.sin(2 * np.pi * hz * time) for hz in _TONES_HZ if 2 * hz < spec.sample_rate])
    kinds = {
        "silence": np.zeros((1, spec.samples)),
        "full-scale clipping": np.clip(20 * noise[:2], -1, 1),
        "constant": np.stack([np.ones(spec.samples), -np.ones(spec.samples)]),
        "highest frequency": np.where(np.arange(spec.samples) % 2, -1.0, 1.0)[None],
        "pure tones": tones,
        "one sample": impulses,
        "white noise": np.clip(0.1 * noise, -1, 1),
        "faint noise": np.rint(noise) / 32768,
        "voice": np.stack([voice(spec, pitch_hz, rng) for pitch_hz in (95, 130, 210, 280)]),
    }
    return {kind: clips.astype(np.float32) for kind, clips in kinds.items()}


def voice(spec: FeatureSpec, pitch_hz: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Make one clip like speech: gliding harmonics in syllables, with breath, over a little noise."""
    time = np.arange(spec.samples) / spec.sample_rate
    glide = pitch_hz * (1 + 0.2 * np.sin(2 * np.pi * 1.5 * time + rng.uniform(0, 6)))
    phase = 2 * np.pi * np.cumsum(glide) / spec.sample_rate
    harmonics = sum(np.sin(k * phase) / k for k in range(1, 24) if 2 * k * pitch_hz * 1.2 < spec.sample_rate)
    syllables = np.clip(np.sin(2 * np.pi * 2.5 * time + rng.uniform(0, 6)), 0, None)
    breath = rng.standard_normal(spec.samples)
    return np.clip(0.1 * syllables * (harmonics + 0.2 * breath) + 0.001 * breath, -1, 1)
