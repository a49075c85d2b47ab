"""Background noise: the sound under the words, and the whole of a silence clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kws.audio.io import find_audio, read_audio
from kws.data.corpus import BACKGROUND_FOLDER
from kws.errors import KwsError


@dataclass(frozen=True)
class Background:
    """Recordings laid end to end, and where each lies.

    Attributes:
        samples: int16 (total,).
        starts, lengths: int64 (recordings,), in samples.
    """

    samples: NDArray[np.int16]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]

    @classmethod
    def join(cls, recordings: Sequence[NDArray[np.int16]]) -> Background:
        """Join recordings into one array."""
        lengths = np.array([len(recording) for recording in recordings], dtype=np.int64)
        return cls(np.concatenate(recordings), np.cumsum(lengths) - lengths, lengths)

    def segments(self, count: int, clip_samples: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """First samples of random segments: a recording drawn evenly, then a place in it (TensorFlow's draw)."""
        recording = rng.integers(len(self.lengths), size=count)
        places: NDArray[np.int64] = self.starts[recording] + (
            rng.random(count) * (self.lengths[recording] - clip_samples + 1)
        ).astype(np.int64)
        return places

    def silence_clips(self, count: int, clip_samples: int, rng: np.random.Generator) -> NDArray[np.int16]:
        """Draw silence as TensorFlow's tutorial does: noise at a volume uniform in 0 to 1; (count, clip_samples)."""
        starts = self.segments(count, clip_samples, rng)
        volumes = rng.random(count, dtype=np.float32)
        noise = np.lib.stride_tricks.sliding_window_view(self.samples, clip_samples)[starts]
        clips: NDArray[np.int16] = np.rint(noise * volumes[:, None]).astype(np.int16)
        return clips


def load_background(root: Path, sample_rate: int, clip_samples: int) -> Background | None:
    """Read `_background_noise_` of a data folder; None where there is no such folder.

    Raises:
        KwsError: the folder holds no sound, or a recording shorter than a clip.
    """
    folder = root / BACKGROUND_FOLDER
    if not folder.is_dir():
        return None
    recordings = []
    for path in find_audio(folder):
        recording = read_audio(path, sample_rate)
        if len(recording) < clip_samples:
            raise KwsError(
                f"{path}: {len(recording) / sample_rate:.2f} s of noise; a background recording must be at least as long as"
                f" a clip ({clip_samples / sample_rate:g} s). Record a longer one (a minute is good) or remove it"
            )
        recordings.append(recording)
    if not recordings:
        raise KwsError(f"{folder}: holds no sound files; put recordings of noise there, or remove the folder")
    return Background.join(recordings)
