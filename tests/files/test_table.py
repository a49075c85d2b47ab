"""Tables as text: columns below each other, whatever the script."""

from __future__ import annotations

import pytest

from kws.files.table import display_width, pad, text_table


def test_the_first_column_is_left_and_numbers_are_right() -> None:
    assert text_table(("word", "clips"), [("yes", 7), ("no", 1234)]) == "word  clips\nyes       7\nno     1234"


def test_sides_as_asked() -> None:
    assert text_table(("a", "b"), [("long", 1), ("x", "wide")], align="><") == "   a  b\nlong  1\n   x  wide"


def test_without_header_or_rows() -> None:
    assert text_table((), [("a", 10), ("bc", 5)]) == "a   10\nbc   5"
    assert text_table(("word", "clips"), []) == "word  clips"
    assert text_table((), []) == ""


def test_no_spaces_at_the_end_of_a_line() -> None:
    assert text_table(("a", "note"), [("b", ""), ("c", "x")], align="<<").splitlines() == ["a  note", "b", "c  x"]


def test_wide_letters_and_combining_marks() -> None:
    lines = text_table((), [("点灯", 1), ("e\u0301teins", 2), ("off", 3)]).splitlines()
    assert lines == ["点灯    1", "e\u0301teins  2", "off     3"]
    assert {display_width(line) for line in lines} == {9}
    assert pad("点", 4, ">") == "  点"


def test_every_row_has_as_many_cells() -> None:
    with pytest.raises(ValueError, match=r"shorter|longer"):
        text_table(("a", "b"), [("only one",)])
