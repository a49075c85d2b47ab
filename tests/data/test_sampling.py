"""Which clips make up a set, an epoch and a batch."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kws.data.sampling import SILENT_CLIP, ClipList, SplitPool, TrainingOrder, make_pool, make_pools
from kws.data.splits import TESTING, TRAINING, VALIDATION
from kws.errors import KwsError
from kws.labels import SILENCE_INDEX, UNKNOWN_INDEX, LabelSet

LABELS = LabelSet(["yes", "no"])
pools = st.builds(
    lambda wanted, others, unknown, silence: training_pool(wanted, others, unknown, silence),
    st.integers(2, 60), st.integers(1, 40), st.floats(0, 150), st.floats(0, 50),
)  # fmt: skip


def corpus(wanted: int, others: int, code: int = TRAINING) -> tuple[list[str], NDArray[np.int8]]:
    """Words in turn, wanted and other ones mixed, all in one set."""
    words = [("yes", "no")[number % 2] for number in range(wanted)] + ["tree"] * others
    order = np.random.default_rng(wanted + others).permutation(len(words))
    return [words[place] for place in order], np.full(len(words), code, dtype=np.int8)


def training_pool(wanted: int, others: int, unknown: float = 10, silence: float = 10) -> SplitPool:
    return make_pool(*corpus(wanted, others), TRAINING, LABELS, unknown, silence)


def joined(batches: list[ClipList]) -> list[tuple[int, int]]:
    return [pair for batch in batches for pair in zip(batch.clips.tolist(), batch.labels.tolist(), strict=True)]


# Pools


@pytest.mark.parametrize(
    ("wanted", "percentage", "count"),
    [(100, 10, 10), (101, 10, 11), (91, 10, 10), (3, 1, 1), (50, 0, 0), (10, 120, 12), (7, 33.3, 3)],
)
def test_counts_are_the_wanted_clips_share_rounded_up(wanted: int, percentage: float, count: int) -> None:
    assert count == math.ceil(wanted * percentage / 100)
    pool = training_pool(wanted, 200, percentage, percentage)
    assert (len(pool.wanted), pool.unknown_count, pool.silence_count) == (wanted, count, count)
    assert len(pool) == wanted + 2 * count


def test_unknown_and_silence_have_shares_of_their_own() -> None:
    pool = training_pool(40, 100, unknown=25, silence=5)
    assert (pool.unknown_count, pool.silence_count) == (10, 2)


def test_a_set_has_its_own_clips_only() -> None:
    words = ["no", "tree", "yes", "yes", "no", "tree", "yes", "no", "bed"]
    sets = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2], dtype=np.int8)
    training, validation, testing = make_pools(words, sets, LABELS, 50, 100)
    for pool, clips, labels, unknown in (
        (training, [0, 2], [3, 2], [1]), (validation, [3, 4], [2, 3], [5]), (testing, [6, 7], [2, 3], [8]),
    ):  # fmt: skip
        assert (pool.wanted.clips.tolist(), pool.wanted.labels.tolist()) == (clips, labels)
        assert (pool.unknown.tolist(), pool.unknown_count, pool.silence_count) == (unknown, 1, 2)


@given(pools, st.integers(0, 2**32))
def test_a_draw_holds_every_wanted_clip_once_and_the_counts(pool: SplitPool, seed: int) -> None:
    drawn = pool.draw(np.random.default_rng(seed))
    assert len(drawn) == len(pool) == len(drawn.labels)
    wanted = drawn.labels > UNKNOWN_INDEX
    np.testing.assert_array_equal(drawn.clips[wanted], pool.wanted.clips)
    np.testing.assert_array_equal(drawn.labels[wanted], pool.wanted.labels)
    unknown = drawn.clips[drawn.labels == UNKNOWN_INDEX]
    assert len(unknown) == len(set(unknown)) == pool.unknown_count
    assert set(unknown) <= set(pool.unknown)
    silent = drawn.labels == SILENCE_INDEX
    assert (drawn.clips[silent] == SILENT_CLIP).all()
    assert silent.sum() == pool.silence_count
    assert (drawn.clips == SILENT_CLIP).sum() == pool.silence_count


def test_all_unknown_clips_are_equally_likely() -> None:
    pool = training_pool(20, 10, unknown=25)
    assert pool.unknown_count == 5
    drawn = [pool.draw(np.random.default_rng(seed)) for seed in range(2000)]
    heard = np.concatenate([clips.clips[clips.labels == UNKNOWN_INDEX] for clips in drawn])
    counts = np.bincount(heard, minlength=30)[pool.unknown]
    assert counts / 2000 == pytest.approx(np.full(10, 0.5), abs=0.06)


def test_too_few_other_words_are_all_heard() -> None:
    pool = training_pool(100, 3, unknown=10)
    assert pool.unknown_count == 3
    assert sorted(pool.draw(np.random.default_rng(0)).clips[100:103]) == sorted(pool.unknown)


# Refusals


@pytest.mark.parametrize("share", [-1, -0.001, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["unknown_percentage", "silence_percentage"])
def test_bad_percentages_are_named(name: str, share: float) -> None:
    shares = {"unknown_percentage": 10.0, "silence_percentage": 10.0, name: share}
    with pytest.raises(KwsError, match=rf"data\.{name}: {share:g} makes no sense; it is at least 0"):
        make_pools(*corpus(10, 5), LABELS, **shares)


def test_a_word_without_clips_is_named_with_the_words_there_are() -> None:
    with pytest.raises(KwsError, match=r"words: no clips of stopp, og; the data has no, tree, yes\. Mend the name"):
        make_pools(*corpus(10, 5), LabelSet(["yes", "stopp", "og"]), 10, 10)


@pytest.mark.parametrize(("code", "name"), [(TRAINING, "training"), (VALIDATION, "validation"), (TESTING, "testing")])
def test_a_word_without_clips_in_a_set_is_named_with_the_set(code: int, name: str) -> None:
    words = ["yes", "no", "tree"] * 3
    sets = np.repeat([0, 1, 2], 3).astype(np.int8)
    sets[(sets == code) & (np.array(words) == "no")] = (code + 1) % 3
    with pytest.raises(KwsError, match=rf"words: no has no clip in the {name} set; record more speakers .*_nohash_"):
        make_pools(words, sets, LABELS, 10, 10)


def test_no_other_words_is_said_with_the_setting() -> None:
    with pytest.raises(KwsError, match=r"data\.unknown_percentage: 10 % .* training set has only wanted words"):
        make_pools(["yes", "no"] * 3, np.repeat([0, 1, 2], 2).astype(np.int8), LABELS, 10, 10)


def test_no_other_words_are_no_matter_where_none_are_asked() -> None:
    pools = make_pools(["yes", "no"] * 3, np.repeat([0, 1, 2], 2).astype(np.int8), LABELS, 0, 10)
    assert [(pool.unknown_count, pool.silence_count, len(pool)) for pool in pools] == [(0, 1, 3)] * 3


# The order of training


@given(pools, st.integers(1, 30), st.integers(0, 2**31), st.integers(0, 50))
def test_an_epoch_is_one_draw_shuffled_less_the_rest(pool: SplitPool, batch_size: int, seed: int, epoch: int) -> None:
    order = TrainingOrder(pool, batch_size, seed)
    batches = order.epoch(epoch)
    assert len(batches) == order.steps_per_epoch == max(1, len(pool) // batch_size)
    sizes = {len(batch) for batch in batches}
    assert sizes == {min(batch_size, len(pool))}
    heard = joined(batches)
    wanted = [pair for pair in heard if pair[1] > UNKNOWN_INDEX]
    everything = set(zip(pool.wanted.clips.tolist(), pool.wanted.labels.tolist(), strict=True))
    assert len(wanted) == len(set(wanted))
    assert set(wanted) <= everything
    assert len(everything) - len(wanted) <= len(pool) - len(heard) < max(batch_size, 1)
    unknown = [clip for clip, label in heard if label == UNKNOWN_INDEX]
    assert len(unknown) == len(set(unknown)) <= pool.unknown_count
    assert sum(label == SILENCE_INDEX for _, label in heard) <= pool.silence_count


def test_every_wanted_clip_is_heard_in_every_epoch_where_batches_divide_it() -> None:
    pool = training_pool(40, 30, unknown=25, silence=25)
    order = TrainingOrder(pool, 12, seed=3)
    for epoch in range(5):
        clips = [clip for clip, label in joined(order.epoch(epoch)) if label > UNKNOWN_INDEX]
        assert sorted(clips) == sorted(pool.wanted.clips)


@given(pools, st.integers(1, 40), st.integers(1, 40), st.integers(0, 3))
def test_no_process_has_an_empty_batch(pool: SplitPool, batch_size: int, world: int, epoch: int) -> None:
    if len(pool) < world:
        with pytest.raises(KwsError, match=rf"{world} processes share a training set of {len(pool)} clips, and each needs one"):
            TrainingOrder(pool, batch_size, 1, 0, world)
        return
    sizes = [[len(batch) for batch in TrainingOrder(pool, batch_size, 1, rank, world).epoch(epoch)] for rank in range(world)]
    assert min(map(min, sizes)) >= 1
    assert len({len(batches) for batches in sizes}) == 1


def test_a_process_without_clips_is_refused_before_training() -> None:
    pool = SplitPool(ClipList(np.arange(3), np.full(3, 2)), np.arange(0), 0, 0)
    for rank in range(4):
        with pytest.raises(KwsError, match=r"trainer\.devices: 4 processes share a training set of 3 clips"):
            TrainingOrder(pool, 10, 0, rank, 4)
    assert [len(TrainingOrder(pool, 10, 0, rank, 3).epoch(0)[0]) for rank in range(3)] == [1, 1, 1]


@given(pools, st.integers(1, 8), st.integers(0, 2**31), st.integers(0, 9), st.integers(1, 4))
def test_ranks_share_the_batches_of_one_process(pool: SplitPool, batch_size: int, seed: int, epoch: int, world: int) -> None:
    if len(pool) < world:
        return
    together = TrainingOrder(pool, batch_size * world, seed).epoch(epoch)
    ranks = [TrainingOrder(pool, batch_size, seed, rank, world).epoch(epoch) for rank in range(world)]
    assert {len(batches) for batches in ranks} == {len(together)}
    for step, batch in enumerate(together):
        parts = [rank[step] for rank in ranks]
        assert sorted(joined(parts)) == sorted(joined([batch]))
        if len(pool) >= batch_size * world:
            assert {len(part) for part in parts} == {batch_size}


def test_epochs_differ_in_order_and_in_unknown_clips() -> None:
    order = TrainingOrder(training_pool(60, 100), 10, seed=5)
    epochs = [joined(order.epoch(number)) for number in range(20)]
    assert len({tuple(heard) for heard in epochs}) == 20
    unknown = [frozenset(clip for clip, label in heard if label == UNKNOWN_INDEX) for heard in epochs]
    assert len(set(unknown)) == 20
    # The original draws six of these hundred once and never hears the others.
    assert len(frozenset.union(*unknown)) > 50


def test_an_epoch_hangs_on_the_seed_and_its_number_alone() -> None:
    pool = training_pool(60, 100)
    fresh, used = TrainingOrder(pool, 10, seed=5), TrainingOrder(pool, 10, seed=5)
    for number in (4, 0, 2):
        used.epoch(number)
    assert joined(used.epoch(3)) == joined(fresh.epoch(3))
    assert joined(fresh.epoch(3)) != joined(TrainingOrder(pool, 10, seed=6).epoch(3))


def test_labels_are_mixed_within_a_batch() -> None:
    order = TrainingOrder(training_pool(300, 300, 50, 50), 100, seed=1)
    for batch in order.epoch(0):
        assert np.bincount(batch.labels, minlength=4).min() > 5


def test_a_set_smaller_than_a_batch_makes_one_small_step() -> None:
    order = TrainingOrder(training_pool(5, 5), 100, seed=1)
    (batch,) = order.epoch(0)
    assert (order.steps_per_epoch, len(batch)) == (1, 7)
