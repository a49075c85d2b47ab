"""A set of clips that never varies: validation, testing, or whatever `kws evaluate` is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kws.data.background import Background
from kws.data.concat import Clips
from kws.data.sampling import SILENT_CLIP, ClipList, SplitPool


@dataclass(frozen=True)
class ClipSet:
    """Clips in a fixed order, silence among them.

    Attributes:
        corpus: where the clips are.
        list: clips and labels.
        silence: int16 (silence clips, samples), the sound of the `SILENT_CLIP`s, in order.
    """

    corpus: Clips
    list: ClipList
    silence: NDArray[np.int16]

    @classmethod
    def draw(cls, corpus: Clips, pool: SplitPool, background: Background | None, seed: Sequence[int]) -> ClipSet:
        """Choose unknown and silence clips by a seed; without background noise silence is digital silence.

        TensorFlow's tutorial draws new noise for its silence clips on every pass, so that its metrics wobble; here they
        do not.
        """
        clips = pool.draw(np.random.default_rng(seed))
        samples = corpus.samples
        if background is None:
            return cls(corpus, clips, np.zeros((pool.silence_count, samples), dtype=np.int16))
        return cls(corpus, clips, background.silence_clips(pool.silence_count, samples, np.random.default_rng([*seed, 1])))

    def __len__(self) -> int:
        return len(self.list)

    def read(self, places: NDArray[np.int64]) -> NDArray[np.int16]:
        """Sound of the clips at the given places, int16 (places, samples)."""
        sound = self.corpus.read(self.list.clips[places])
        silent = self.list.clips == SILENT_CLIP
        number = np.cumsum(silent) - 1
        mine = silent[places]
        sound[mine] = self.silence[number[places][mine]]
        return sound
