"""The label set: order, indices, its file, and what no word can be."""

from __future__ import annotations

import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kws.errors import KwsError
from kws.labels import SILENCE, SILENCE_INDEX, UNKNOWN, UNKNOWN_INDEX, LabelSet

words = st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8), min_size=1, max_size=12, unique=True)


def test_silence_and_unknown_come_first() -> None:
    labels = LabelSet(["yes", "no"])
    assert labels.names == ("_silence_", "_unknown_", "yes", "no") == (SILENCE, UNKNOWN, "yes", "no")
    assert len(labels) == 4
    assert (SILENCE_INDEX, UNKNOWN_INDEX) == (0, 1)
    assert [labels.index(word) for word in ("_silence_", "_unknown_", "yes", "no", "bird", "YES")] == [0, 1, 2, 3, 1, 1]


def test_words_of_any_iterable() -> None:
    expected = LabelSet(("yes", "no"))
    assert LabelSet(["yes", "no"]) == LabelSet(word for word in ("yes", "no")) == LabelSet([" yes", "no\n"]) == expected
    assert LabelSet("yes").words == ("yes",)
    assert hash(LabelSet(["yes", "no"])) == hash(expected)
    assert LabelSet(["no", "yes"]) != expected


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words)
def test_the_file_says_the_same(tmp_path: Path, names: list[str]) -> None:
    labels = LabelSet(names)
    path = tmp_path / "labels.txt"
    labels.write(path)
    assert path.read_bytes().decode() == "".join(f"{name}\n" for name in labels.names)
    assert LabelSet.read(path) == labels
    assert [item.name for item in tmp_path.iterdir()] == ["labels.txt"]


@pytest.mark.parametrize("text", ["_silence_\r\n_unknown_\r\nyes\r\nno", "_silence_\n_unknown_\n\nyes\nno\n\n"])
def test_files_of_other_hands(tmp_path: Path, text: str) -> None:
    path = tmp_path / "labels.txt"
    path.write_bytes(text.encode())
    assert LabelSet.read(path).words == ("yes", "no")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("yes\nno\n", r"labels\.txt: starts with \['yes', 'no'\]; a label file starts with the lines _silence_ and _unknown_"),
        ("_unknown_\n_silence_\nyes\n", r"labels\.txt: starts with \['_unknown_', '_silence_'\]"),
        ("", r"labels\.txt: starts with \[\]"),
        ("_silence_\n_unknown_\n", "no wanted word is given"),
        ("_silence_\n_unknown_\nyes\nyes\n", "'yes' is given 2 times"),
    ],
)
def test_files_that_are_no_label_file(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "labels.txt"
    path.write_text(text)
    with pytest.raises(KwsError, match=message):
        LabelSet.read(path)


@pytest.mark.parametrize(
    ("given_words", "message"),
    [
        ([], r"words: no wanted word is given; name at least one, such as words=\[yes,no\]"),
        (["yes", "no", "yes"], "words: 'yes' is given 2 times; name each word once"),
        (["yes", "yes "], "words: 'yes' is given 2 times"),
        (["_silence_"], "words: '_silence_' can't be a wanted word"),
        (["yes", "_background_noise_"], "words: '_background_noise_' can't be a wanted word"),
        ([".kws-cache"], "starts with neither '_' nor '.'"),
        (["yes", " "], "words: '' can't be a wanted word: it must be a folder name"),
        (["../yes"], "words: '../yes' can't be"),
        (["a/b"], "words: 'a/b' can't be"),
        (["a\\b"], "can't be a wanted word"),
    ],
)
def test_words_that_can_be_no_word(given_words: list[str], message: str) -> None:
    with pytest.raises(KwsError, match=message):
        LabelSet(given_words)


@pytest.mark.parametrize("word", [True, False])
def test_words_that_yaml_read_as_truth_values(word: bool) -> None:
    with pytest.raises(KwsError, match=rf"words: {word} is a truth value: YAML reads yes, no, on and off so.*quotes"):
        LabelSet(["up", word])  # type: ignore[list-item]


@pytest.mark.parametrize("word", ["a\nb", "a\x00", "\x1b]0;TITLE\x07", "a\x85b", "a\u2028b", "a\u202eb", "\udce9", "a\tb"])
def test_words_that_can_not_be_printed(word: str) -> None:
    with pytest.raises(KwsError, match=r"can't be a wanted word: it holds a character that can't be printed") as error:
        LabelSet(["yes", word])
    assert str(error.value).isprintable()


@pytest.mark.parametrize("word", ["می\u200cخواهم", "क्\u200dष", "new york", "für", "雨"])
def test_words_of_every_script(word: str) -> None:
    assert LabelSet([word]).words == (word,)


def test_words_are_composed() -> None:
    labels = LabelSet([unicodedata.normalize("NFD", "café"), "no"])
    assert labels.words == (unicodedata.normalize("NFC", "café"), "no")
    assert [labels.index(unicodedata.normalize(form, "café")) for form in ("NFC", "NFD")] == [2, 2]
    with pytest.raises(KwsError, match="is given 2 times"):
        LabelSet([unicodedata.normalize(form, "café") for form in ("NFC", "NFD")])


@pytest.mark.parametrize("words", [True, None, 3, {"yes": 1}, [None], [1.5], [["yes"]]])
def test_what_is_no_list_of_words(words: Any) -> None:
    with pytest.raises(KwsError, match=r"words: .*put such words in quotes"):
        LabelSet(words)


def test_a_number_is_a_word() -> None:
    assert LabelSet([1, "two"]).words == ("1", "two")  # type: ignore[list-item]


def test_a_label_file_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_bytes(b"\xef\xbb\xbf_silence_\r\n_unknown_\r\nyes\r\n")
    assert LabelSet.read(path).words == ("yes",)


@pytest.mark.parametrize("content", [b"_silence_\n_unknown_\n\xff\n", None])
def test_a_label_file_that_can_not_be_read(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "labels.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(KwsError, match=r"labels\.txt: can't be read as a list of labels"):
        LabelSet.read(path)


def test_a_label_set_does_not_change() -> None:
    labels = LabelSet(["yes"])
    with pytest.raises(AttributeError):
        labels.words = ("no",)  # type: ignore[misc]


def test_labels_need_no_torch() -> None:
    code = "import sys, kws.labels; sys.exit(any(name in sys.modules for name in ('torch', 'pytorch_lightning', 'numpy')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
