"""Loaders: an iterable of raw batches, read from the corpus a batch at a time; no per-clip Python work."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kws.data.concat import Clips
from kws.data.sampling import SILENT_CLIP, ClipList, TrainingOrder
from kws.data.sets.clip_set import ClipSet
from kws.errors import KwsError
from kws.training.device_corpus import DeviceCorpus


class RawBatch(NamedTuple):
    """Clips as they lie on disk, before augmentation and features.

    Attributes:
        clips: int16 (batch, samples); zeros for a silence clip that the augmentation is to fill.
        labels: int64 (batch,).
        silent: bool (batch,), the clips that are silence.
        seed: of this batch's augmentation; a plain number, for a tensor would have to be waited for on a GPU.
    """

    clips: Tensor
    labels: Tensor
    silent: Tensor
    seed: int


class TrainingLoader:
    """Yield one epoch of batches per iteration; the first may resume mid-epoch.

    Args:
        corpus: the clips, on disk or on the device.
        order: which clips when.
        start_step: step of the whole training at which the first pass starts; a resumed run goes on exactly there.
    """

    def __init__(self, corpus: Clips | DeviceCorpus, order: TrainingOrder, start_step: int = 0) -> None:
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
            yield _raw_batch(self._sound(clips.clips), clips, int(seed))

    def _sound(self, clips: NDArray[np.int64]) -> Tensor:
        corpus = self.corpus
        return corpus.gather(clips) if isinstance(corpus, DeviceCorpus) else torch.from_numpy(corpus.read(clips))


class FixedLoader:
    """Validation or testing batches: the same clips in the same order on every pass.

    Args:
        clips: the set.
        batch_size: clips a batch; the last one may be smaller.
        rank, world: with several processes, every `world`-th clip from `rank` on.

    Raises:
        KwsError: fewer clips than processes: the others would wait for one without a batch.
    """

    def __init__(self, clips: ClipSet, batch_size: int, rank: int = 0, world: int = 1) -> None:
        if len(clips) < world > 1:
            raise KwsError(f"trainer.devices: {world} processes share a set of {len(clips)} clips, and each needs one; use fewer")
        self.clips, self.batch_size = clips, batch_size
        self.places = np.arange(rank, len(clips), world)

    def __len__(self) -> int:
        return -(-len(self.places) // self.batch_size)

    def __iter__(self) -> Iterator[RawBatch]:
        for start in range(0, len(self.places), self.batch_size):
            places = self.places[start : start + self.batch_size]
            yield _raw_batch(torch.from_numpy(self.clips.read(places)), self.clips.list.part(places), 0)


def _raw_batch(sound: Tensor, clips: ClipList, seed: int) -> RawBatch:
    return RawBatch(
        sound,
        torch.from_numpy(np.ascontiguousarray(clips.labels)),
        torch.from_numpy(clips.clips == SILENT_CLIP),
        seed,
    )
