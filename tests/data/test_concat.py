"""Several corpora behind one index."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kws.data.concat import ConcatCorpus, join
from kws.data.corpus import Corpus


def corpus(word: str, first: int, count: int) -> Corpus:
    clips = np.repeat(np.arange(first, first + count, dtype=np.int16)[:, None], 5, axis=1)
    return Corpus(Path(word), tuple(f"{word}/{number}.wav" for number in range(count)), clips)


PARTS = [corpus("yes", 1, 4), corpus("snow", 5, 1), corpus("yes", 6, 7)]


@given(st.lists(st.integers(-1, 11), max_size=30))
def test_clips_are_read_through_one_index(clips: list[int]) -> None:
    sound = ConcatCorpus(tuple(PARTS)).read(np.array(clips, dtype=np.int64))
    assert sound.dtype == np.int16
    assert sound.shape == (len(clips), 5)
    # Clip n holds n + 1 throughout; silence, zeros.
    assert (sound == (np.array(clips, dtype=np.int64) + 1)[:, None]).all()


def test_words_and_places_follow_one_another() -> None:
    joined = join(PARTS)
    assert isinstance(joined, ConcatCorpus)
    assert joined.words == ["yes"] * 4 + ["snow"] + ["yes"] * 7
    assert joined.starts.tolist() == [0, 4, 5, 12]
    assert joined.samples == 5


def test_one_corpus_stays_as_it_is() -> None:
    assert join(PARTS[:1]) is PARTS[0]
