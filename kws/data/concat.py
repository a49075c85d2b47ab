"""Several corpora behind one index, and what all that can be read by index has in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kws.data.corpus import Corpus


class Clips(Protocol):
    """Clips of one length that are read by their indices."""

    def __len__(self) -> int:
        """Clips there are."""
        ...

    @property
    def samples(self) -> int:
        """Length of each clip."""
        ...

    def read(self, clips: NDArray[np.int64]) -> NDArray[np.int16]:
        """Sound of clips by their indices, int16 (clips, samples); an index below 0 is silence, zeros."""
        ...


@dataclass(frozen=True)
class ConcatCorpus:
    """Corpora one after the other: the first one keeps its indices, each other's follow those of the one before.

    Args:
        parts: corpora of clips of one length; at least one. Each stays in its own memory-mapped file.
    """

    parts: tuple[Corpus, ...]

    def __len__(self) -> int:
        return int(self.starts[-1])

    @property
    def samples(self) -> int:
        """Length of each clip."""
        return self.parts[0].samples

    @property
    def words(self) -> list[str]:
        """The word of each clip."""
        return [word for part in self.parts for word in part.words]

    @property
    def starts(self) -> NDArray[np.int64]:
        """Index of each part's first clip, and the number of all clips: int64 (parts + 1,)."""
        return np.concatenate([[0], np.cumsum([len(part.names) for part in self.parts])]).astype(np.int64)

    def read(self, clips: NDArray[np.int64]) -> NDArray[np.int16]:
        """Sound of clips by their indices, int16 (clips, samples); an index below 0 is silence, zeros."""
        starts = self.starts
        sound = np.zeros((len(clips), self.samples), dtype=np.int16)
        for part, first, end in zip(self.parts, starts[:-1], starts[1:], strict=True):
            mine = (clips >= first) & (clips < end)
            sound[mine] = part.clips[clips[mine] - first]
        return sound


def join(parts: Sequence[Corpus]) -> Corpus | ConcatCorpus:
    """One corpus as it is, several as one."""
    return parts[0] if len(parts) == 1 else ConcatCorpus(tuple(parts))
