"""What an epoch of training is made of: real clips, those of extra sources, limited and evened words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kws.data.sampling import SILENT_CLIP, ClipList, TrainingOrder, make_pool
from kws.data.splits import TRAINING
from kws.data.training_pool import TrainingPool, TrainingShares, make_training_pool
from kws.errors import KwsError
from kws.labels import SILENCE_INDEX, UNKNOWN_INDEX, LabelSet

LABELS = LabelSet(["yes", "no"])
REAL = ["yes"] * 60 + ["no"] * 40 + ["bed"] * 200 + ["tree"] * 10 + ["dog"] * 5
EXTRA = ["yes"] * 8 + ["no"] * 8 + ["snow"] * 30 + ["yet"] * 30


def pool(real: list[str] = REAL, extra: list[str] = EXTRA, **shares: float | None) -> TrainingPool:
    base = make_pool(real, np.full(len(real), TRAINING, dtype=np.int8), TRAINING, LABELS, 0, 10)
    indices = np.arange(len(real), len(real) + len(extra))
    return make_training_pool(base, real + extra, indices, LABELS, TrainingShares(**shares))  # type: ignore[arg-type]


def counted(drawn: ClipList) -> dict[str, int]:
    """Clips of each word, those of the extra sources marked with +."""
    words = np.array([*REAL, *(f"+{word}" for word in EXTRA)])[drawn.clips[drawn.clips != SILENT_CLIP]]
    return dict(zip(*(part.tolist() for part in np.unique(words, return_counts=True)), strict=True))


def draws(made: TrainingPool, times: int = 300) -> NDArray[np.int64]:
    """How often each clip was heard in so many epochs."""
    heard = np.concatenate([made.draw(np.random.default_rng(seed)).clips for seed in range(times)])
    return np.bincount(heard[heard >= 0], minlength=len(REAL) + len(EXTRA))


@given(st.integers(1, 60), st.integers(1, 40), st.floats(0, 150), st.floats(0, 50), st.integers(0, 2**31), st.integers(1, 30))
def test_without_extra_settings_the_order_is_what_it_was(
    wanted: int, others: int, unknown: float, silence: float, seed: int, batch: int
) -> None:
    words = ["no", *(["yes"] * wanted), *(["tree"] * others)]
    before = make_pool(words, np.zeros(len(words), np.int8), TRAINING, LABELS, unknown, silence)
    shares = TrainingShares(unknown, silence)
    after = make_training_pool(before, words, np.arange(0), LABELS, shares)
    assert len(after) == len(before)
    for epoch in range(3):
        for one, other in zip(
            TrainingOrder(before, batch, seed).epoch(epoch), TrainingOrder(after, batch, seed).epoch(epoch), strict=True
        ):
            np.testing.assert_array_equal(one.clips, other.clips)
            np.testing.assert_array_equal(one.labels, other.labels)


def test_every_epoch_has_all_real_wanted_clips_and_the_shares() -> None:
    made = pool(unknown_percentage=40, silence_percentage=5, extra_percentage=12, extra_unknown_percentage=25)
    for seed in range(20):
        drawn = made.draw(np.random.default_rng(seed))
        counts = counted(drawn)
        assert (counts["yes"], counts["no"]) == (60, 40)
        assert counts["+yes"] + counts["+no"] == 12
        assert sum(counts.get(word, 0) for word in ("bed", "tree", "dog")) == 30
        assert counts["+snow"] + counts["+yet"] == 10
        assert (drawn.labels == SILENCE_INDEX).sum() == (drawn.clips == SILENT_CLIP).sum() == 5
        assert len(drawn) == len(made) == 157
        sound = drawn.clips[drawn.clips != SILENT_CLIP]
        assert len(set(sound.tolist())) == len(sound)
        words = [*REAL, *EXTRA]
        assert [LABELS.index(words[clip]) for clip in sound] == drawn.labels[drawn.clips != SILENT_CLIP].tolist()
    assert made.to_text() == "100 wanted · 30 unknown · 12 extra wanted · 10 extra unknown · 5 silence"


def test_extra_clips_are_drawn_anew_and_evenly() -> None:
    heard = draws(pool(unknown_percentage=40, extra_percentage=8, extra_unknown_percentage=75))[len(REAL) :]
    assert heard[:16] / 300 == pytest.approx(np.full(16, 0.5), abs=0.15)
    assert heard[16:] / 300 == pytest.approx(np.full(60, 0.5), abs=0.15)


@pytest.mark.parametrize(
    ("share", "asked", "real", "extra"),
    [
        (50, 10, 5, 5),
        (0, 40, 40, 0),
        (100, 40, 0, 40),
        (100, 100, 40, 60),
        (0, 250, 215, 35),
        (50, 200, 140, 60),
        (50, 999, 215, 60),
    ],
)
def test_what_one_side_lacks_the_other_makes_up(share: float, asked: float, real: int, extra: int) -> None:
    made = pool(unknown_percentage=asked, extra_unknown_percentage=share)
    counts = {draw.kind: draw.count for draw in made.draws}
    assert (counts["unknown"], counts["extra unknown"]) == (real, extra)


def test_no_more_extra_clips_than_there_are() -> None:
    assert counted(pool(extra_percentage=500).draw(np.random.default_rng(0)))["+yes"] == 8


@pytest.mark.parametrize("alpha", [0.5, 0.25, 0])
@pytest.mark.parametrize("weight", [1, 6, 0])
def test_unknown_words_get_their_shares_and_repeat_clips_evenly(alpha: float, weight: float) -> None:
    made = pool(extra=[], unknown_percentage=90, unknown_sampling_alpha=alpha, unknown_weights={"dog": weight, "off": 3})
    sizes = np.array([200, 10, 5])
    share = sizes**alpha * [1, 1, weight]
    share = 90 * share / share.sum()
    total = np.zeros(3)
    for seed in range(400):
        clips = made.draw(np.random.default_rng(seed)).clips
        heard = np.bincount(clips[(clips >= 100)] - 100, minlength=215)
        parts = np.split(heard, [200, 210])
        counts = np.array([part.sum() for part in parts])
        assert counts.sum() == 90
        assert (abs(counts - share) < 1 + 1e-6).all()
        assert all(np.ptp(part) <= 1 for part in parts)
        total += counts
    assert total / 400 == pytest.approx(share, abs=0.1)


@given(st.integers(1, 300), st.integers(0, 1000))
def test_any_number_of_clips_is_drawn(asked: int, seed: int) -> None:
    made = pool(unknown_percentage=asked, unknown_sampling_alpha=0.5, extra_unknown_percentage=50)
    assert (made.draw(np.random.default_rng(seed)).labels == UNKNOWN_INDEX).sum() == min(asked, 275)


def test_a_limit_on_wanted_clips_draws_anew_each_epoch() -> None:
    made = pool(max_clips_per_word=50, unknown_percentage=10, extra_percentage=10)
    drawn = [made.draw(np.random.default_rng(seed)) for seed in range(50)]
    for clips in drawn:
        counts = counted(clips)
        assert (counts["yes"], counts["no"], counts["+yes"] + counts["+no"]) == (50, 40, 9)
        assert (clips.labels == UNKNOWN_INDEX).sum() == 9
        assert (clips.labels == SILENCE_INDEX).sum() == 9
    assert len({tuple(clips.clips[:50]) for clips in drawn}) == 50
    assert (draws(made)[:60] > 200).all()


@pytest.mark.parametrize(("alpha", "heard"), [(1, (150, 30, 20)), (0.5, (110.3, 49.3, 40.3)), (0, (66.7, 66.7, 66.7))])
def test_rare_wanted_words_are_repeated(alpha: float, heard: tuple[float, float, float]) -> None:
    words = ["yes"] * 150 + ["no"] * 30 + ["up"] * 20
    labels = LabelSet(["yes", "no", "up"])
    real = make_pool(words, np.zeros(200, dtype=np.int8), 0, labels, 0, 0)
    made = make_training_pool(
        real, words, np.arange(0), labels, TrainingShares(keyword_sampling_alpha=alpha, unknown_percentage=0)
    )
    share = np.array([150, 30, 20]) ** alpha
    total = np.zeros(200)
    for seed in range(200):
        drawn = made.draw(np.random.default_rng(seed))
        sound = drawn.clips[drawn.clips != SILENT_CLIP]
        counts = np.bincount(sound, minlength=200)
        assert counts.sum() == 200
        assert abs([counts[:150].sum(), counts[150:180].sum(), counts[180:].sum()] - 200 * share / share.sum()).max() < 1 + 1e-6
        assert [words[clip] for clip in sound] == [labels.names[label] for label in drawn.labels[: len(sound)]]
        # Of a word, no clip is heard twice more than another.
        assert all(np.ptp(part) <= 1 for part in (counts[:150], counts[150:180], counts[180:]))
        total += counts
    assert [total[:150].sum(), total[150:180].sum(), total[180:].sum()] == pytest.approx(200 * np.array(heard), rel=0.01)
    assert len(made) == len(made.draw(np.random.default_rng(0)))
    assert total[:150].std() / total[:150].mean() < 0.15


def test_even_wanted_words_respect_the_limit() -> None:
    made = pool(max_clips_per_word=50, keyword_sampling_alpha=0, unknown_percentage=0, extra_percentage=0)
    counts = counted(made.draw(np.random.default_rng(0)))
    assert (counts["yes"], counts["no"]) == (45, 45)  # 50 and the 40 that there are


def test_unknown_words_may_all_be_extra() -> None:
    made = pool(real=["yes", "no"] * 30, extra=["snow"] * 20, unknown_percentage=20)
    assert (made.draw(np.random.default_rng(0)).labels == UNKNOWN_INDEX).sum() == 12


# Refusals


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("unknown_percentage", -1, r"data\.unknown_percentage: -1 makes no sense"),
        ("training_unknown_percentage", -1, r"data\.training_unknown_percentage: -1 makes no sense"),
        ("silence_percentage", float("inf"), r"data\.silence_percentage: inf makes no sense"),
        ("extra_percentage", float("nan"), r"data\.extra_percentage: nan makes no sense"),
        ("extra_unknown_percentage", 101, r"data\.extra_unknown_percentage: 101 makes no sense; it is 0 to 100"),
        ("unknown_sampling_alpha", 1.1, r"data\.unknown_sampling_alpha: 1\.1 makes no sense; it is 0 \(words"),
        ("keyword_sampling_alpha", -0.5, r"data\.keyword_sampling_alpha: -0\.5 makes no sense; it is 0 \(words"),
        ("max_clips_per_word", 0, r"data\.max_clips_per_word: 0 makes no sense; give at least 1"),
    ],
)
def test_shares_that_make_no_sense_are_named(name: str, value: float, said: str) -> None:
    with pytest.raises(KwsError, match=said):
        TrainingShares(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("weight", [-1, float("nan"), float("inf")])
def test_weights_that_make_no_sense_are_named(weight: float) -> None:
    with pytest.raises(KwsError, match=r"data\.unknown_weights\.off: .* makes no sense; it is at least 0"):
        TrainingShares(unknown_weights={"off": weight})


@pytest.mark.parametrize("value", [True, "abc", None, float("nan"), -1, [1]])
@pytest.mark.parametrize("name", TrainingShares.__dataclass_fields__)
def test_what_is_no_number_is_named(name: str, value: Any) -> None:
    if value is None and name in ("training_unknown_percentage", "max_clips_per_word", "unknown_weights"):
        assert getattr(TrainingShares(**{name: None}), name) is None
        return
    with pytest.raises(KwsError, match=rf"^data\.{name}: .+"):
        TrainingShares(**{name: value})


@pytest.mark.parametrize("weight", [True, "abc", None])
def test_a_weight_that_is_no_number_is_named(weight: Any) -> None:
    with pytest.raises(KwsError, match=r"data\.unknown_weights\.off: .* makes no sense; it is at least 0"):
        TrainingShares(unknown_weights={"off": weight})
    with pytest.raises(KwsError, match=r"data\.unknown_weights: false is no word; YAML reads yes, no, on and off so: quote"):
        TrainingShares(unknown_weights={False: 6})  # type: ignore[dict-item]


def test_a_weight_of_a_word_that_is_not_there_is_named() -> None:
    with pytest.raises(KwsError, match=r"data\.unknown_weights: there are no clips of nope; the data has bed, dog, no, snow"):
        pool(unknown_weights={"nope": 3, "bed": 2})
    # A recipe that comes with kws weighs words of Speech Commands, which another data set need not have.
    assert len(pool(unknown_weights={"off": 3})) == len(pool())


@given(
    st.lists(st.integers(1, 400), min_size=2, max_size=2),
    st.integers(1, 120),
    st.floats(0, 1),
    st.integers(0, 2**31),
)
def test_no_wanted_word_is_heard_more_often_than_the_limit(sizes: list[int], most: int, alpha: float, seed: int) -> None:
    words = ["yes"] * sizes[0] + ["no"] * sizes[1]
    real = make_pool(words, np.zeros(len(words), dtype=np.int8), 0, LABELS, 0, 0)
    shares = TrainingShares(0, 0, max_clips_per_word=most, keyword_sampling_alpha=alpha)
    drawn = make_training_pool(real, words, np.arange(0), LABELS, shares).draw(np.random.default_rng(seed))
    counts = np.bincount(drawn.labels, minlength=4)[2:]
    assert counts.max() <= most
    assert counts.sum() == np.minimum(sizes, most).sum()


@pytest.mark.parametrize(("alpha", "heard"), [(1, (100, 100)), (0.9, (100, 100)), (0.5, (100, 100)), (0, (100, 100))])
def test_a_limited_word_counts_as_one_of_so_many_clips(alpha: float, heard: tuple[int, int]) -> None:
    words = ["yes"] * 1000 + ["no"] * 100
    real = make_pool(words, np.zeros(len(words), dtype=np.int8), 0, LABELS, 0, 0)
    shares = TrainingShares(0, 0, max_clips_per_word=100, keyword_sampling_alpha=alpha)
    drawn = make_training_pool(real, words, np.arange(0), LABELS, shares).draw(np.random.default_rng(0))
    assert tuple(np.bincount(drawn.labels)[2:]) == heard


def test_some_unknown_word_must_weigh_something() -> None:
    with pytest.raises(KwsError, match=r"data\.unknown_weights: all unknown words weigh 0"):
        pool(extra=[], unknown_weights={"bed": 0, "tree": 0, "dog": 0})


def test_no_other_words_anywhere_is_said() -> None:
    with pytest.raises(KwsError, match=r"training_unknown_percentage: 20 % .* only wanted words.*data\.extra"):
        pool(real=["yes", "no"], extra=["yes"], unknown_percentage=20)
