"""Loaders: an iterable of raw batches, read from the corpus a batch at a time; no per-clip Python work."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kws.data.corpus import Corpus
from kws.data.sampling import SILENT_CLIP, ClipList, TrainingOrder


class RawBatch(NamedTuple):
    """Clips as they lie on disk, before augmentation and features.

    Attributes:
        clips: int16 (batch, samples); zeros for a silence clip that the augmentation is to fill.
        labels: int64 (batch,).
        silent: bool (batch,), the clips that are silence.
        seed: of this batch's augmentation, int64 ().
    """

    clips: Tensor
    labels: Tensor
    silent: Tensor
    seed: Tensor


class TrainingLoader:
    """Training batches without end in sight: one pass is one epoch, and a first pass may start inside it.

    Args:
        corpus: the clips.
        order: which clips when.
        start_step: step of the whole training at which the first pass starts; a resumed run goes on exactly there.
    """

    def __init__(self, corpus: Corpus, order: TrainingOrder, start_step: int = 0) -> None:
        self.corpus, self.order = corpus, order
        self.step = start_step

    def __len__(self) -> int:
        return self.order.steps_per_epoch

    def state_dict(self) -> dict[str, int]:
        """Nothing: where to go on follows from the trainer's own count of steps. It tells Lightning that we can."""
        return {}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Nothing to load; see `state_dict`."""

    def __iter__(self) -> Iterator[RawBatch]:
        epoch, start = divmod(self.step, len(self))
        for clips in self.order.epoch(epoch)[start:]:
            seed = np.random.SeedSequence([self.order.seed, self.step, self.order.rank]).generate_state(1, np.uint64)[0] >> 1
            self.step += 1
            yield _raw_batch(read_clips(self.corpus, clips), clips, int(seed))


class FixedLoader:
    """Validation or testing batches: the same clips in the same order on every pass.

    Args:
        corpus: the clips.
        clips: which ones, in order.
        silence: int16 (silence clips, samples), heard in place of the `SILENT_CLIP`s, in order.
        batch_size: clips a batch; the last one may be smaller.
        rank, world: with several processes, every `world`-th clip from `rank` on.
    """

    def __init__(
        self, corpus: Corpus, clips: ClipList, silence: NDArray[np.int16], batch_size: int, rank: int = 0, world: int = 1
    ) -> None:
        self.corpus, self.batch_size = corpus, batch_size
        mine = slice(rank, None, world)
        # Silence is numbered from -1 downwards: its place in `silence` after the split among processes, too.
        numbered = clips.clips.copy()
        silent = np.flatnonzero(numbered == SILENT_CLIP)
        numbered[silent] = -1 - np.arange(len(silent))
        self.clips = ClipList(numbered, clips.labels).part(mine)
        self.silence = silence

    def __len__(self) -> int:
        return -(-len(self.clips) // self.batch_size)

    def __iter__(self) -> Iterator[RawBatch]:
        for start in range(0, len(self.clips), self.batch_size):
            clips = self.clips.part(slice(start, start + self.batch_size))
            sound = read_clips(self.corpus, clips)
            silent = np.flatnonzero(clips.clips < 0)
            sound[silent] = self.silence[-1 - clips.clips[silent]]
            yield _raw_batch(sound, clips, 0)


def read_clips(corpus: Corpus, clips: ClipList) -> NDArray[np.int16]:
    """int16 (clips, samples); zeros for silence."""
    sound = corpus.clips[np.maximum(clips.clips, 0)]
    sound[clips.clips < 0] = 0
    return sound


def _raw_batch(sound: NDArray[np.int16], clips: ClipList, seed: int) -> RawBatch:
    return RawBatch(
        torch.from_numpy(sound),
        torch.from_numpy(np.ascontiguousarray(clips.labels)),
        torch.from_numpy(clips.clips < 0),
        torch.tensor(seed, dtype=torch.int64),
    )
