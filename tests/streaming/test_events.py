"""Files of ground truth and of detections."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorflow_numbers import counted_streams

from kws.errors import KwsError
from kws.streaming.events import (
    Detection,
    SpokenWord,
    audacity_line,
    json_line,
    read_audacity,
    read_detections,
    read_truth,
    text_line,
    write_audacity,
    write_detections,
    write_truth,
)

labels = st.text("abcäß_- 字'", min_size=1, max_size=8).map(str.strip).filter(bool)
spoken = st.builds(SpokenWord, labels, st.integers(0, 10**8))
detections = st.builds(Detection, labels, st.integers(0, 10**8), st.floats(0, 1))


def file_of(folder: Path, text: str | bytes) -> Path:
    path = folder / "list.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_reads_the_originals_format(tmp_path: Path) -> None:
    path = file_of(tmp_path, "\ufeffno, 5210.972704\r\n\n  # a note, 3\n yes ,170.44\n_unknown_, 10\n")
    assert read_truth(path) == (SpokenWord("_unknown_", 10), SpokenWord("yes", 170), SpokenWord("no", 5211))


def test_a_file_out_of_order_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = file_of(tmp_path, "a, 5\nb, 5\n")
    read_truth(path)
    assert not caplog.messages
    path = file_of(tmp_path, "# ms\na, 5\nb, 4\nc, 1\n")
    assert [word.label for word in read_truth(path)] == ["c", "b", "a"]
    assert caplog.messages == [f"{path}:3: 4 ms after 5 ms; the words are put in order: see that the times are right"]


def test_words_of_the_same_time_stay_in_the_files_order(tmp_path: Path) -> None:
    assert [word.label for word in read_truth(file_of(tmp_path, "b, 5\na, 5\nc, 1\n"))] == ["c", "b", "a"]


def test_reads_every_file_of_the_original(tmp_path: Path) -> None:
    read = 0
    for case in counted_streams():
        path = file_of(tmp_path, case["ground_truth_file"])
        if "bad line" in case["ground_truth_file"]:  # the original passes over it
            with pytest.raises(KwsError, match=r"list\.txt:\d+: 'bad line without comma'"):
                read_truth(path)
        else:
            read += 1
            assert [[word.label, word.time_ms] for word in read_truth(path)] == case["gt_parsed"]
    assert read == 33


def test_writes_the_originals_format(tmp_path: Path) -> None:
    write_truth(tmp_path / "truth.txt", [SpokenWord("yes", 1230), SpokenWord("_unknown_", 4000)])
    assert (tmp_path / "truth.txt").read_bytes() == b"yes, 1230\n_unknown_, 4000\n"
    assert [path.name for path in tmp_path.iterdir()] == ["truth.txt"]


@given(st.lists(spoken, max_size=8))
def test_truth_and_back(tmp_path_factory: pytest.TempPathFactory, words: list[SpokenWord]) -> None:
    path = tmp_path_factory.getbasetemp() / "truth.txt"
    write_truth(path, words)
    assert read_truth(path) == tuple(sorted(words, key=lambda word: word.time_ms))


@given(st.lists(detections, max_size=8))
def test_detections_and_back(tmp_path_factory: pytest.TempPathFactory, found: list[Detection]) -> None:
    path = tmp_path_factory.getbasetemp() / "found.jsonl"
    write_detections(path, found)
    assert read_detections(path) == tuple(found)


@given(st.lists(spoken, max_size=8))
def test_audacity_and_back(tmp_path_factory: pytest.TempPathFactory, words: list[SpokenWord]) -> None:
    path = tmp_path_factory.getbasetemp() / "labels.txt"
    write_audacity(path, words)
    assert read_audacity(path) == tuple(sorted(words, key=lambda word: word.time_ms))


def test_a_detection_is_one_line_of_json(tmp_path: Path) -> None:
    write_detections(tmp_path / "found.jsonl", [Detection("größe", 1230, 0.5)])
    assert (tmp_path / "found.jsonl").read_text("utf-8") == '{"label": "größe", "time_ms": 1230, "score": 0.5}\n'


def test_what_else_a_detection_says_is_left_alone(tmp_path: Path) -> None:
    path = file_of(tmp_path, '{"label": "yes", "time_ms": 12.0, "score": 1, "file": "a.wav"}\n\n')
    assert read_detections(path) == (Detection("yes", 12, 1.0),)


def test_audacity_takes_seconds_with_tabs_between(tmp_path: Path) -> None:
    write_audacity(tmp_path / "labels.txt", [Detection("yes", 1230, 0.9), SpokenWord("no", 2000)], length_ms=500)
    assert (tmp_path / "labels.txt").read_text() == "1.230000\t1.730000\tyes\n2.000000\t2.500000\tno\n"
    # A selection in the spectral view adds a line of its frequencies.
    path = file_of(tmp_path, "1.230000\t1.730000\tyes\n\\\t100.0\t3000.0\n0.5\t0.5\tno\n")
    assert read_audacity(path) == (SpokenWord("no", 500), SpokenWord("yes", 1230))


def test_labels_of_audacity_are_ground_truth(tmp_path: Path) -> None:
    path = file_of(tmp_path, "1.900000\t2.700000\tyes\n4.300000\t4.900000\tgo\n6.000000\t6.700000\tstop\n")
    assert read_truth(path) == (SpokenWord("yes", 1900), SpokenWord("go", 4300), SpokenWord("stop", 6000))


def test_every_kind_of_label_of_audacity_is_ground_truth(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lines = ["0\t0\tyes", "1.230000\t1.730000\tno", "\\\t100.0\t3000.0", "", " 2.5\t2.5\tstop ", "1e1\t11\tgo now"]
    words = (SpokenWord("yes", 0), SpokenWord("no", 1230), SpokenWord("stop", 2500), SpokenWord("go now", 10_000))
    for ending in ("\n", "\r\n"):
        assert read_truth(file_of(tmp_path, "\ufeff" + ending.join(lines))) == words
    assert not caplog.messages
    write_audacity(tmp_path / "list.txt", words)
    assert read_truth(tmp_path / "list.txt") == words


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "1.0\t2.0\tyes\nno, 3000\n",
            "2: 'no, 3000'; the lines before it are such as start<tab>end<tab>label, in seconds: write",
        ),
        ("no, 3000\n\n4.0\t5.0\tyes\n", "3: '4.0\\\\t5.0\\\\tyes'; the lines before it are such as <label>, <ms>: write"),
        ("1.0\t2.0\tyes\n3.0\t4.0\n", "2: '3.0\\\\t4.0'; a line such as start<tab>end<tab>label, in seconds is expected"),
        ("1.0\t2.0\tyes\n3.0\tsoon\tno\n", "2: '3.0\\\\tsoon\\\\tno'; a line such as start<tab>end<tab>label"),
        ("1.0\t2.0\tyes\n3.0\t4.0\t \n", "2: .* a line such as start<tab>end<tab>label"),
        ("nan\t2.0\tyes\n", "1: .* a line such as start<tab>end<tab>label"),
        ("\\\t100.0\t3000.0\n", "1: .* a line such as <label>, <ms> is expected"),
    ],
)
def test_mixed_and_garbled_ground_truth_is_named(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(KwsError, match=rf"list\.txt:{message}"):
        read_truth(file_of(tmp_path, text))


def test_detections_as_lines() -> None:
    found = Detection("größe", 1230, 0.5)
    assert json_line(found) == '{"label": "größe", "time_ms": 1230, "score": 0.5}'
    assert audacity_line(found, 500.5) == "1.230000\t1.730500\tgröße"
    assert text_line(found) == "     1.23 s  größe            0.500"


@pytest.mark.parametrize(
    ("read", "line"),
    [
        (read_truth, "yes 100"),
        (read_truth, "yes, 100, 200"),
        (read_truth, "yes, soon"),
        (read_truth, "yes, nan"),
        (read_truth, ", 100"),
        (read_detections, "yes, 100"),
        (read_detections, "[1, 2, 3]"),
        (read_detections, '"yes"'),
        (read_detections, '{"label": "yes", "time_ms": 5}'),
        (read_detections, '{"label": 3, "time_ms": 5, "score": 1}'),
        (read_detections, '{"label": "yes", "time_ms": "5", "score": 1}'),
        (read_detections, '{"label": "yes", "time_ms": null, "score": 1}'),
        (read_detections, '{"label": "yes", "time_ms": true, "score": 1}'),
        (read_detections, '{"label": "yes", "time_ms": 5, "score": NaN}'),
        pytest.param(read_detections, '{"label": "yes", "time_ms": 1' + 400 * "0" + ', "score": 1}', id="an endless time"),
        (read_audacity, "1.0 2.0 yes"),
        (read_audacity, "1,0\t2,0\tyes"),
        (read_audacity, "1.0\t2.0\t"),
        (read_audacity, "1.0\tyes"),
    ],
)
def test_a_line_that_is_none_is_named(read: Callable[[Path], Any], line: str, tmp_path: Path) -> None:
    path = file_of(tmp_path, f"\n\n{line}\n")
    with pytest.raises(KwsError) as caught:
        read(path)
    message = str(caught.value)
    assert message.startswith(f"{path}:3: {line[:80]!r}")
    assert message.endswith("is expected")


@pytest.mark.parametrize("read", [read_truth, read_detections, read_audacity])
def test_a_file_that_is_none_is_named(read: Callable[[Path], Any], tmp_path: Path) -> None:
    with pytest.raises(KwsError, match=r"absent\.txt: can't be read: No such file"):
        read(tmp_path / "absent.txt")
    with pytest.raises(KwsError, match=r"list\.txt: is no UTF-8 text .* at byte 4"):
        read(file_of(tmp_path, b"abc,\xff"))


@pytest.mark.parametrize("label", ["a,b", "a\nb", "#a", " a", "a ", ""])
def test_labels_that_would_read_back_differently_are_refused(label: str, tmp_path: Path) -> None:
    with pytest.raises(KwsError, match="can't be listed"):
        write_truth(tmp_path / "truth.txt", [SpokenWord(label, 5)])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("label", ["a\tb", "a\nb", " a", ""])
def test_labels_that_audacity_would_read_differently_are_refused(label: str, tmp_path: Path) -> None:
    with pytest.raises(KwsError, match="can't be listed"):
        write_audacity(tmp_path / "labels.txt", [SpokenWord(label, 5)])
    assert not list(tmp_path.iterdir())


def test_a_place_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(KwsError, match=r"truth\.txt: can't be written: No such file"):
        write_truth(tmp_path / "nowhere" / "truth.txt", [])
