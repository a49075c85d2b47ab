"""Batches of raw clips: the same ones on every pass, on every rank its own, and from any step on."""

from __future__ import annotations

from itertools import chain, islice
from pathlib import Path

import numpy as np
import pytest
import torch
from batches import same, stacked
from hypothesis import given
from hypothesis import strategies as st

from kws.data.background import Background
from kws.data.corpus import Corpus
from kws.data.sampling import SILENT_CLIP, SplitPool, TrainingOrder, make_pool
from kws.data.sets.clip_set import ClipSet
from kws.errors import KwsError
from kws.labels import SILENCE_INDEX, UNKNOWN_INDEX, LabelSet
from kws.training.loader import FixedLoader, RawBatch, TrainingLoader

SAMPLES, SEED = 16, 5
WORDS = ["yes"] * 9 + ["no"] * 8 + ["tree"] * 13


def tiny_corpus() -> Corpus:
    """Clips whose every sample is the clip's index plus 1."""
    sound = np.repeat(np.arange(1, len(WORDS) + 1, dtype=np.int16)[:, None], SAMPLES, axis=1)
    sound.flags.writeable = False  # as a memory map is
    return Corpus(Path("nowhere"), tuple(f"{word}/{number}.wav" for number, word in enumerate(WORDS)), sound)


CORPUS = tiny_corpus()
POOL: SplitPool = make_pool(CORPUS.words, np.zeros(len(WORDS), np.int8), 0, LabelSet(["yes", "no"]), 30, 40)
BACKGROUND = Background.join([np.arange(-5000, 5000, 7, dtype=np.int16)])
FIXED = ClipSet.draw(CORPUS, POOL, BACKGROUND, [SEED, 1])


def all_same(some: list[RawBatch], others: list[RawBatch]) -> bool:
    return len(some) == len(others) and all(map(same, some, others))


# Validation and testing


def test_a_fixed_batch_is_what_it_says() -> None:
    batches = list(FixedLoader(FIXED, 7))
    clips, labels, silent, _ = stacked(batches)
    assert (clips.dtype, labels.dtype, silent.dtype) == (torch.int16, torch.int64, torch.bool)
    assert {type(batch.seed) for batch in batches} == {int}
    assert clips.shape == (len(POOL), SAMPLES)
    for clip, label, is_silent, index in zip(clips, labels, silent, FIXED.list.clips, strict=True):
        assert bool(is_silent) == (label == SILENCE_INDEX) == (index == SILENT_CLIP)
        if not is_silent:
            assert set(clip.tolist()) == {index + 1}
            assert LabelSet(["yes", "no"]).index(WORDS[index]) == label
    assert (labels == UNKNOWN_INDEX).sum() == 6
    assert silent.sum() == 7


@given(st.integers(1, 40))
def test_every_pass_is_the_same_for_any_batch_size(batch_size: int) -> None:
    loader = FixedLoader(FIXED, batch_size)
    first, second = list(loader), list(loader)
    assert len(first) == len(loader) == -(-len(POOL) // batch_size)
    assert all_same(first, second)
    whole = next(iter(FixedLoader(FIXED, len(POOL))))
    assert torch.equal(stacked(first).clips, whole.clips)
    assert torch.equal(stacked(first).labels, whole.labels)
    assert torch.equal(stacked(first).silent, whole.silent)


def test_silence_is_noise_that_never_varies() -> None:
    batch = stacked(FixedLoader(FIXED, 4))
    sound = batch.clips[batch.silent]
    np.testing.assert_array_equal(sound, FIXED.silence)
    assert len(np.unique(sound.numpy(), axis=0)) == 7  # each its own
    other = ClipSet.draw(CORPUS, POOL, BACKGROUND, [SEED, 1])
    np.testing.assert_array_equal(sound, other.silence)
    np.testing.assert_array_equal(FIXED.list.clips, other.list.clips)


def test_without_background_silence_is_digital() -> None:
    batch = stacked(FixedLoader(ClipSet.draw(CORPUS, POOL, None, [SEED, 1]), 4))
    assert batch.silent.sum() == 7
    assert not batch.clips[batch.silent].any()
    assert batch.clips[~batch.silent].all()


@given(st.integers(1, 5), st.integers(1, 12))
def test_ranks_hear_each_clip_once_between_them(world: int, batch_size: int) -> None:
    parts = [stacked(FixedLoader(FIXED, batch_size, rank, world)) for rank in range(world)]
    sizes = [len(part.labels) for part in parts]
    assert sum(sizes) == len(POOL)
    assert max(sizes) - min(sizes) <= 1
    whole = next(iter(FixedLoader(FIXED, len(POOL))))
    for rank, part in enumerate(parts):
        # Silence keeps its sound whichever rank hears it.
        assert torch.equal(part.clips, whole.clips[rank::world])
        assert torch.equal(part.labels, whole.labels[rank::world])


def test_more_ranks_than_clips_are_refused() -> None:
    # A rank without a batch would leave out the evaluation, and the others would wait for its counts for ever.
    with pytest.raises(KwsError, match=rf"{len(POOL) + 1} processes share a set of {len(POOL)} clips"):
        FixedLoader(FIXED, 4, rank=0, world=len(POOL) + 1)
    assert [len(FixedLoader(FIXED, 4, rank, len(POOL))) for rank in range(len(POOL))] == [1] * len(POOL)


# Training


def batches_from(step: int, count: int, batch_size: int = 4, rank: int = 0, world: int = 1) -> list[RawBatch]:
    """Batches of several passes, the way a training run takes them."""
    loader = TrainingLoader(CORPUS, TrainingOrder(POOL, batch_size, SEED, rank, world), step)
    return list(islice(chain.from_iterable(iter(loader) for _ in range(count + 1)), count))


@given(st.integers(0, 40), st.integers(1, 35))
def test_starting_at_a_step_goes_on_as_if_never_stopped(step: int, batch_size: int) -> None:
    steps = 10
    assert all_same(batches_from(step, steps, batch_size), batches_from(0, step + steps, batch_size)[step:])


@given(st.integers(0, 20), st.integers(1, 3))
def test_each_rank_goes_on_at_its_own(step: int, rank: int) -> None:
    assert all_same(batches_from(step, 5, 2, rank, 4), batches_from(0, step + 5, 2, rank, 4)[step:])


def test_a_pass_is_an_epoch_and_a_first_pass_may_be_shorter() -> None:
    order = TrainingOrder(POOL, 4, SEED)
    assert order.steps_per_epoch == len(TrainingLoader(CORPUS, order)) == 7
    loader = TrainingLoader(CORPUS, order, start_step=10)
    assert [len(list(loader)) for _ in range(3)] == [4, 7, 7]
    assert len(list(TrainingLoader(CORPUS, order, start_step=7))) == 7


def test_a_training_batch_is_its_epochs() -> None:
    order = TrainingOrder(POOL, 4, SEED)
    for batch, clips in zip(batches_from(7, 7), order.epoch(1), strict=True):
        assert batch.clips[:, 0].tolist() == np.where(clips.clips < 0, 0, clips.clips + 1).tolist()
        assert batch.labels.tolist() == clips.labels.tolist()
        assert batch.silent.tolist() == (clips.clips == SILENT_CLIP).tolist()
        assert not batch.clips[batch.silent].any()
        batch.clips.add_(1)  # a copy: the corpus can't be written


def test_every_step_and_rank_augments_with_a_seed_of_its_own() -> None:
    seeds = [int(batch.seed) for rank in range(3) for batch in batches_from(0, 50, 2, rank, 3)]
    assert len(set(seeds)) == 150
    assert min(seeds) >= 0
    assert max(seeds) > 2**60


@pytest.mark.parametrize("state", [{}, {"step": 3}])
def test_says_that_it_can_resume_but_needs_no_state(state: dict[str, int]) -> None:
    loader = TrainingLoader(CORPUS, TrainingOrder(POOL, 4, SEED), 9)
    loader.load_state_dict(state)
    assert loader.state_dict() == {}
    assert same(next(iter(loader)), batches_from(9, 1)[0])
