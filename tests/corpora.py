"""Small corpora of made-up words, and the paths of a repository that has the reference numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kws.audio.io import write_wav

RATE_HZ = 16_000
WANTED = ("yes", "no")
OTHERS = ("tree", "bed")
# Speakers by the set that their hash puts them in at 10 % + 10 %.
SPEAKERS = {
    "training": ("91b7584a", "d8f16adf", "cd613e30", "1027c4d1", "1e2feb89", "7ed4d57b"),
    "validation": ("7311d8a3", "78e51061", "9b810e76"),
    "testing": ("2265b1f5", "c386bbc4"),
}
TAKES = 2
# A rising, a falling, a low and a high sound: first and last frequency, Hz.
_SWEEPS = {"yes": (400, 1600), "no": (1600, 400), "tree": (300, 300), "bed": (2500, 2500)}


def word_sound(word: str, rng: np.random.Generator, seconds: float = 1.0, sample_rate: int = RATE_HZ) -> NDArray[np.int16]:
    """A 0.4 s sweep of the word's own shape, at a random pitch, place and loudness, in faint noise."""
    samples, spoken = round(seconds * sample_rate), round(0.4 * sample_rate)
    first, last = np.array(_SWEEPS[word]) * rng.uniform(0.9, 1.1)
    phase = 2 * np.pi * np.cumsum(np.linspace(first, last, spoken)) / sample_rate
    sound = 0.003 * rng.standard_normal(samples)
    start = rng.integers(samples - spoken + 1)
    sound[start : start + spoken] += rng.uniform(0.2, 0.5) * np.hanning(spoken) * np.sin(phase)
    return np.rint(32767 * sound).astype(np.int16)


def write_corpus(root: Path, speakers: dict[str, tuple[str, ...]] = SPEAKERS, takes: int = TAKES) -> Path:
    """Clips of four words by every speaker, shorter and longer than a second too, and two recordings of noise."""
    rng = np.random.default_rng(7)
    for word in (*WANTED, *OTHERS):
        (root / word).mkdir(parents=True)
        for speaker in (speaker for people in speakers.values() for speaker in people):
            for take in range(takes):
                seconds = (1.0, 0.7, 1.3)[rng.choice(3, p=(0.6, 0.2, 0.2))]
                write_wav(root / word / f"{speaker}_nohash_{take}.wav", word_sound(word, rng, seconds), RATE_HZ)
    write_background(root)
    return root


def write_background(root: Path) -> None:
    """Two recordings of noise, white and brown, 2.5 s and 2 s."""
    rng = np.random.default_rng(8)
    folder = root / "_background_noise_"
    folder.mkdir(parents=True)
    white = rng.standard_normal(round(2.5 * RATE_HZ))
    brown = np.cumsum(rng.standard_normal(2 * RATE_HZ))
    for name, noise in (("white", white), ("brown", brown)):
        write_wav(folder / f"{name}.wav", np.rint(16000 * noise / np.abs(noise).max()).astype(np.int16), RATE_HZ)
