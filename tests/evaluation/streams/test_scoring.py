"""One-to-one scores of a stream."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kws.errors import KwsError
from kws.evaluation.streams.intervals import per_hour, share
from kws.evaluation.streams.scoring import StreamScore, score_detections
from kws.streaming.events import Detection, SpokenWord

MINUTES_30 = 1_800_000
events = st.lists(st.tuples(st.sampled_from(["yes", "no", "_unknown_", "_silence_"]), st.integers(0, 5000)), max_size=12)


def scored(
    said: list[tuple[str, int]], found: list[tuple[str, int]], duration_ms: int = MINUTES_30, **settings: object
) -> StreamScore:
    words = [SpokenWord(label, time_ms) for label, time_ms in said]
    detections = [Detection(label, time_ms, 0.9) for label, time_ms in found]
    return score_detections(words, detections, duration_ms, **settings)  # type: ignore[arg-type]  # of the tests' own making


@pytest.fixture
def score() -> StreamScore:
    """Yes: found, found late, taken for no, missed. No: found twice. Up: found where nothing was."""
    said = [("yes", 1000), ("yes", 5000), ("yes", 9000), ("yes", 13000), ("no", 17000)]
    return scored(said, [("yes", 1100), ("yes", 5500), ("no", 9050), ("no", 16990), ("no", 17200), ("up", 30000)])


def test_counts_of_all_words(score: StreamScore) -> None:
    total = score.total
    assert (total.said, total.hits, total.wrong, total.missed, total.false_accepts, total.substitutions_in) == (5, 3, 1, 1, 2, 1)


def test_counts_of_each_word(score: StreamScore) -> None:
    counted = {word: (s.said, s.hits, s.wrong, s.missed, s.false_accepts, s.substitutions_in) for word, s in score.words.items()}
    assert counted == {"no": (1, 1, 0, 0, 1, 1), "up": (0, 0, 0, 0, 1, 0), "yes": (4, 2, 1, 1, 0, 0)}


def test_rates_with_their_intervals(score: StreamScore) -> None:
    assert score.total.hit_rate == share(3, 5)
    assert score.total.wrong_rate == share(1, 5)
    assert score.total.miss_rate == share(1, 5)
    assert score.total.false_accepts_per_hour == per_hour(2, 0.5)
    assert score.total.false_accepts_per_hour.value == 4
    assert score.words["yes"].hit_rate == share(2, 4)
    assert score.words["no"].false_accepts_per_hour == per_hour(1, 0.5)


def test_the_confidence_is_that_of_all_intervals() -> None:
    total = scored([("yes", 1000), ("yes", 3000)], [("yes", 1000)], confidence=0.8).total
    assert total.hit_rate == share(1, 2, 0.8)
    assert total.wrong_rate == share(0, 2, 0.8)
    assert total.miss_rate == share(1, 2, 0.8)
    assert total.false_accepts_per_hour == per_hour(0, 0.5, 0.8)


def test_latencies_are_of_hits(score: StreamScore) -> None:
    assert sorted(score.total.latencies_ms) == [-10, 100, 500]
    assert score.total.latency_ms(50) == 100
    assert score.total.latency_ms(95) == pytest.approx(460)
    assert score.words["yes"].latency_ms(50) == 300
    assert score.words["up"].latency_ms(50) is None


def test_the_tolerance_is_inside_and_the_originals_by_default() -> None:
    assert scored([("yes", 1000)], [("yes", 1750)]).total.hits == 1
    assert scored([("yes", 1000)], [("yes", 1751)]).total.hits == 0
    assert scored([("yes", 1000)], [("yes", 1200)], tolerance_ms=199).total.hits == 0


def test_unknown_words_need_no_detection_and_excuse_none() -> None:
    score = scored(
        [("_unknown_", 1000), ("_unknown_", 5000), ("yes", 9000)], [("_unknown_", 1000), ("yes", 5000), ("_silence_", 7000)]
    )
    assert (score.total.said, score.total.missed, score.total.wrong, score.total.false_accepts) == (1, 1, 0, 1)
    assert list(score.words) == ["yes"]


def test_labels_are_listed_first_and_in_any_case() -> None:
    score = scored([("yes", 1000)], [("up", 5000)], labels=["_silence_", "_unknown_", "no", "yes"])
    assert list(score.words) == ["no", "yes", "up"]
    assert score.words["no"].false_accepts_per_hour.high == pytest.approx(2 * 3.689, abs=1e-3)


def test_dictionary_is_json_even_of_nothing(score: StreamScore) -> None:
    content = json.loads(json.dumps(score.to_dict(), allow_nan=False))
    assert content["duration_ms"] == MINUTES_30
    assert content["tolerance_ms"] == 750
    assert content["confidence"] == 0.95
    assert content["hit_rate"] == {"value": 0.6, "low": pytest.approx(0.2307, abs=1e-4), "high": pytest.approx(0.8824, abs=1e-4)}
    assert content["latency_p50_ms"] == 100
    assert content["words"]["yes"]["wrong"] == 1
    empty = json.loads(json.dumps(scored([], []).to_dict(), allow_nan=False))
    assert empty["hit_rate"] == {"value": None, "low": 0, "high": 1}
    assert empty["latency_p95_ms"] is None
    assert empty["words"] == {}


@given(events, events)
def test_words_add_up_to_the_total(said: list[tuple[str, int]], found: list[tuple[str, int]]) -> None:
    score = scored(said, found, tolerance_ms=300)
    for name in ("said", "hits", "wrong", "missed", "false_accepts", "substitutions_in"):
        assert getattr(score.total, name) == sum(getattr(word, name) for word in score.words.values())
    assert score.total.wrong == score.total.substitutions_in
    assert score.total.said == sum(label in ("yes", "no") for label, _ in said)
    found_words = score.total.hits + score.total.wrong + score.total.false_accepts
    assert found_words == sum(label in ("yes", "no") for label, _ in found)


@given(events, events, st.integers(0, 10**6))
def test_only_differences_of_time_matter(said: list[tuple[str, int]], found: list[tuple[str, int]], shift_ms: int) -> None:
    moved = scored([(name, t + shift_ms) for name, t in said], [(name, t + shift_ms) for name, t in found])
    assert moved == scored(said, found)


def test_refuses() -> None:
    with pytest.raises(KwsError, match="duration_ms: 0 given; rates an hour need the length of the sound"):
        scored([], [], duration_ms=0)
    with pytest.raises(KwsError, match="tolerance_ms: -1 given; at least 0 is expected"):
        scored([], [], tolerance_ms=-1)
    with pytest.raises(KwsError, match="confidence: 95 given"):
        scored([], [], confidence=95)
    with pytest.raises(KwsError, match="ground truth: a word at 1001 ms, but the sound ends at 1000 ms; is it of another stream"):
        scored([("yes", 1001)], [], duration_ms=1000)


def test_a_table_says_what_the_numbers_say() -> None:
    words = [SpokenWord("yes", 1000), SpokenWord("no", 4000), SpokenWord("_unknown_", 7000)]
    found = [Detection("yes", 1200, 0.9), Detection("yes", 4100, 0.8), Detection("no", 7000, 0.9)]
    lines = score_detections(words, found, 600_000, labels=("yes", "no", "go")).to_text().splitlines()
    assert [line.split()[:6] for line in lines[1:4]] == [
        ["yes", "1", "1", "0", "0", "0"],
        ["no", "1", "0", "1", "0", "1"],
        ["go", "0", "0", "0", "0", "0"],
    ]
    assert "100.0 % (20.7–100.0)" in lines[1]
    assert "200 ms, 200 ms" in lines[1]
    assert lines[3].split()[6:8] == ["–", "0.0"]
    assert lines[4].startswith("all words     2     1      1       0      1  50.0 %")
    assert "6.0 (0.2–33.4)" in lines[4]
    assert "within 750 ms" in lines[5]
