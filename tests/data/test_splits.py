"""The set of a clip: the original's hash, and the published lists."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from corpora import SPEAKERS
from hypothesis import given
from hypothesis import strategies as st
from tensorflow_numbers import splits

from kws.data.splits import LEFT_OUT, SPLITS, TESTING, TRAINING, VALIDATION, HashedSplit, ListedSplit
from kws.errors import KwsError

ROOT = Path("nowhere")
NFD = unicodedata.normalize("NFD", "café")
PAIRS = [(10, 10), (0, 0), (20, 30), (50, 50), (100, 0)]
speakers = st.text(st.characters(codec="utf-8", exclude_characters="/_\n"), min_size=1, max_size=12)
takes = st.integers(0, 99)


def set_of(name: str, validation: float = 10, testing: float = 10) -> int:
    return int(HashedSplit(validation, testing).assign(ROOT, [name])[0])


@pytest.mark.parametrize(("validation", "testing"), PAIRS)
def test_agrees_with_the_original_on_all_names(validation: int, testing: int) -> None:
    found = splits()
    names, expected = found["names"].split(), found[f"p{validation}_{testing}"]
    assert len(names) == len(expected) == 250
    sets = HashedSplit(validation, testing).assign(ROOT, [f"word/{name}" for name in names])
    assert [SPLITS[code] for code in sets] == [found["sets"][int(digit)] for digit in expected]


@pytest.mark.parametrize(("split", "speakers"), [("training", 1985), ("validation", 250), ("testing", 125)])
def test_agrees_with_the_published_lists(split: str, speakers: int) -> None:
    names = [f"yes/{speaker}_nohash_0.wav" for speaker in splits()["published_10_10"][split].split()]
    assert len(names) == speakers
    assert set(HashedSplit(10, 10).assign(ROOT, names)) == {SPLITS.index(split)}


# Each share was computed by hand from the speaker's SHA-1: int(hexdigest, 16) mod 2^27 · 100 / (2^27 - 1).
@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("a", 93.2815022266023),
        ("9f767c45_nohash_2.wav", 87.2867054290079),
        ("anna_nohash_0.wav", 1.0358542281080352),
        ("yes.wav", 58.41515703808633),
        ("yes/yes.wav", 58.41515703808633),
        ("bob_nohash_0_nohash_1.wav", None),
        ("über_nohash_0.flac", 96.79346529240507),
    ],
)
def test_golden_shares(name: str, share: float | None) -> None:
    if share is None:
        # Only what comes before the first `_nohash_` counts.
        assert [set_of(name, p, 0) for p in range(101)] == [set_of("bob_nohash_7.wav", p, 0) for p in range(101)]
        return
    assert set_of(name, share + 1e-9, 0) == VALIDATION
    assert set_of(name, share - 1e-9, 0) == TRAINING
    assert set_of(name, 0, share + 1e-9) == TESTING
    assert set_of(name, share - 1e-9, 1e-8) == TESTING


@pytest.mark.parametrize("split", SPLITS)
def test_golden_speakers(split: str) -> None:
    names = [f"yes/{speaker}_nohash_{take}.wav" for speaker in SPEAKERS[split] for take in (0, 5)]
    assert HashedSplit().assign(ROOT, names).tolist() == [SPLITS.index(split)] * len(names)


@given(speakers, takes, takes)
def test_a_speaker_is_in_one_set_whatever_the_word_and_take(speaker: str, first: int, second: int) -> None:
    names = [f"yes/{speaker}_nohash_{first}.wav", f"no/{speaker}_nohash_{second}.flac"]
    assert len(set(HashedSplit(30, 30).assign(ROOT, names))) == 1


@given(speakers)
def test_extreme_shares_leave_nothing_over(speaker: str) -> None:
    assert set_of(speaker, 0, 0) == TRAINING
    assert set_of(speaker, 0, 100) in (TESTING, TRAINING)  # a share of exactly 100 lies below no limit
    assert set_of(speaker, 50, 50) != TRAINING or set_of(speaker, 0, 100) == TRAINING


def test_shares_of_many_speakers() -> None:
    sets = HashedSplit(10, 20).assign(ROOT, [f"yes/{number:08x}_nohash_0.wav" for number in range(20_000)])
    assert np.bincount(sets, minlength=3) / 20_000 == pytest.approx([0.7, 0.1, 0.2], abs=0.01)
    assert sets.dtype == np.int8


@pytest.mark.parametrize(
    ("validation", "testing"), [(-1, 10), (10, -0.5), (60, 50), (101, 0), (float("nan"), 10), (10, float("nan"))]
)
def test_bad_percentages_are_refused(validation: float, testing: float) -> None:
    with pytest.raises(KwsError, match=r"validation_percentage=.* testing_percentage=.* at least 0.* at most 100"):
        HashedSplit(validation, testing)


def test_lists_decide_whatever_the_hash_says(tmp_path: Path) -> None:
    (tmp_path / "validation_list.txt").write_text("yes/a.wav\nno/b.wav\n", encoding="utf-8")
    (tmp_path / "testing_list.txt").write_text("yes/c.wav\r\nno/häus.wav", encoding="utf-8")
    names = ["no/b.wav", "no/c.wav", "no/häus.wav", "yes/a.wav", "yes/b.wav", "yes/c.wav"]
    sets = ListedSplit().assign(tmp_path, names)
    assert sets.tolist() == [VALIDATION, TRAINING, TESTING, VALIDATION, TRAINING, TESTING]
    assert sets.dtype == np.int8


def test_other_list_names(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("yes/a.wav\n", encoding="utf-8")
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "t.txt").write_text("", encoding="utf-8")
    assert ListedSplit("mine.txt", "lists/t.txt").assign(tmp_path, ["yes/a.wav", "yes/b.wav"]).tolist() == [VALIDATION, TRAINING]


def test_a_missing_list_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "validation_list.txt").touch()
    with pytest.raises(KwsError, match=r"testing_list\.txt: .* missing; use split=hashed"):
        ListedSplit().assign(tmp_path, ["yes/a.wav"])


# Lists of every system

CLIPS = ["no/b.wav", "no/c.wav", f"{NFD}/é.wav", "yes/a b.wav", "yes/a.wav", "yes/c.wav"]


def listed(folder: Path, content: str | bytes, names: list[str] = CLIPS) -> list[str]:
    """Clips that a validation list of this content takes."""
    (folder / "validation_list.txt").write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    (folder / "testing_list.txt").touch()
    return [name for name, code in zip(names, ListedSplit().assign(folder, names), strict=True) if code == VALIDATION]


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffno/b.wav\nyes/a.wav\n",
        "no\\b.wav\r\nyes\\a.wav\r\n",
        "./no/b.wav\n.//yes/a.wav",
        ".\\no\\b.wav\n\n \t\n.\\yes\\a.wav",
        "  no/b.wav  \n\tyes/a.wav\t",
        "no/b.wav\ryes/a.wav\r",
        "no/b.wav\r\nyes/a.wav\r\n".encode("utf-16"),
        b"\xfe\xff" + "no\\b.wav\nyes\\a.wav".encode("utf-16-be"),
        b"\xef\xbb\xbf.\\no\\b.wav \r\n\r\nyes/a.wav",
    ],
)
def test_lists_of_every_system_name_the_same(tmp_path: Path, caplog: pytest.LogCaptureFixture, content: str | bytes) -> None:
    assert listed(tmp_path, content) == ["no/b.wav", "yes/a.wav"]
    assert not caplog.records


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_letters_may_be_composed_or_not(tmp_path: Path, form: Literal["NFC", "NFD"]) -> None:
    assert listed(tmp_path, unicodedata.normalize(form, "café/é.wav\n")) == [CLIPS[2]]


def test_names_may_be_of_any_bytes_and_any_characters(tmp_path: Path) -> None:
    names = [os.fsdecode(b"yes/\xe9.wav"), "yes/a\u2028b.wav", "yes/c\x85d.wav", "no/a.wav"]
    assert listed(tmp_path, b"yes/\xe9.wav\nyes/a\xe2\x80\xa8b.wav\nyes/c\xc2\x85d.wav\n", names) == names[:3]


def test_lines_that_name_no_clip_are_counted_and_shown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    gone = "".join(f"gone/{number}.wav\n" for number in range(5))
    assert listed(tmp_path, f"no/b.wav\n\n{gone}yes/a.wav") == ["no/b.wav", "yes/a.wav"]
    path = tmp_path / "validation_list.txt"
    shown = "line 3: gone/0.wav, line 4: gone/1.wav, line 5: gone/2.wav, …"
    assert caplog.messages == [f"{path}: 5 of 7 lines name no clip that is there ({shown})"]
    caplog.clear()
    ListedSplit(unseen_words=["no"], unseen_from="validation").unseen(tmp_path, CLIPS)
    assert not caplog.records


def test_a_list_of_other_clips_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KwsError, match=r"validation_list\.txt: none of its 2 lines names a clip \(line 1: a\.wav, line 3: b"):
        listed(tmp_path, "a.wav\n\nb.wav\n")


def test_a_clip_in_both_lists_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "validation_list.txt").write_text("no/b.wav\nyes/a.wav\n")
    (tmp_path / "testing_list.txt").write_text("yes/a.wav\n")
    assert ListedSplit().assign(tmp_path, CLIPS).tolist().count(TESTING) == 1
    assert "1 clips are in testing_list.txt too, such as yes/a.wav; they are taken for testing" in caplog.text


def test_a_list_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(KwsError, match=r"validation_list\.txt: this list of clips can't be read"):
        listed(tmp_path, b"\xff\xfea")


@pytest.mark.parametrize("value", ["abc", None, True])
def test_percentages_that_are_no_numbers_are_named(value: Any) -> None:
    with pytest.raises(KwsError, match=r"split: validation_percentage=.* and testing_percentage=.* numbers expected"):
        HashedSplit(value, 10)


# Words left out

NAMES = [f"{word}/{speaker}_nohash_0.wav" for word in ("yes", "bird", "on") for people in SPEAKERS.values() for speaker in people]
CODES = {speaker: SPLITS.index(split) for split, people in SPEAKERS.items() for speaker in people}


def test_unseen_words_stay_in_testing_alone() -> None:
    plain = HashedSplit().assign(ROOT, NAMES)
    for name, before, after in zip(NAMES, plain, HashedSplit(unseen_words=["bird", "on"]).assign(ROOT, NAMES), strict=True):
        assert after == (before if name.startswith("yes") or before == TESTING else LEFT_OUT)


@pytest.mark.parametrize(("source", "codes"), [("testing", {TESTING}), ("validation", {VALIDATION}), ("all", {0, 1, 2})])
def test_unseen_words_are_measured_on_the_clips_asked(source: str, codes: set[int]) -> None:
    found = HashedSplit(unseen_words=["bird"], unseen_from=source).unseen(ROOT, NAMES)
    expected = [name for name in NAMES if name.startswith("bird/") and CODES[name.split("/")[1].split("_")[0]] in codes]
    assert [NAMES[place] for place in found] == expected != []


def test_lists_leave_words_out_too(tmp_path: Path) -> None:
    (tmp_path / "validation_list.txt").write_text("bird/a.wav\nyes/a.wav\n")
    (tmp_path / "testing_list.txt").write_text("bird/b.wav\n")
    rule = ListedSplit(unseen_words=["bird"])
    names = ["bird/a.wav", "bird/b.wav", "bird/c.wav", "yes/a.wav", "yes/c.wav"]
    assert rule.assign(tmp_path, names).tolist() == [LEFT_OUT, TESTING, LEFT_OUT, VALIDATION, TRAINING]
    assert rule.unseen(tmp_path, names).tolist() == [1]


def test_no_unseen_words_are_no_clips() -> None:
    assert HashedSplit().unseen(ROOT, NAMES).tolist() == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"unseen_words": "bird"}, "split.unseen_words: bird given; a list of words expected"),
        ({"unseen_words": [True]}, r"split.unseen_words: \[True\] given.*quote them"),
        ({"unseen_from": "training"}, "split.unseen_from: training given; testing, validation or all expected"),
    ],
)
def test_unseen_words_that_make_no_sense(settings: dict[str, Any], said: str) -> None:
    for rule in (HashedSplit, ListedSplit):
        with pytest.raises(KwsError, match=said):
            rule(**settings)
