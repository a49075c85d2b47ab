"""A file is there whole, or as it was."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kws.whole_file import whole_file


def test_a_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with whole_file(path) as temporary:
        temporary.write_text("whole")
        assert not path.exists()
        assert (temporary.parent, temporary.suffix, temporary.name[0]) == (tmp_path, ".json", ".")
    assert path.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("before", [None, "old"])
def test_after_an_error_all_is_as_it_was(before: str | None, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    if before is not None:
        path.write_text(before)
    with pytest.raises(ValueError, match="broken"), whole_file(path) as temporary:
        temporary.write_text("half")
        raise ValueError("broken")
    assert (path.read_text() if path.exists() else None) == before
    assert len(list(tmp_path.iterdir())) == (before is not None)


def test_a_folder_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), whole_file(tmp_path / "none" / "a.txt") as temporary:
        temporary.write_text("whole")


def test_a_name_as_long_as_there_may_be(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 251 + ".txt")
    with whole_file(path) as temporary:
        temporary.write_text("whole")
    assert path.read_text() == "whole"


def test_two_writers_do_not_meet(tmp_path: Path) -> None:
    path, both = tmp_path / "a.txt", threading.Barrier(2, timeout=30)

    def write(letter: str) -> str:
        with whole_file(path) as temporary:
            temporary.write_text(letter * 1000)
            both.wait()
            read = temporary.read_text()
            both.wait()
            return read

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(write, "ab")) == ["a" * 1000, "b" * 1000]
    assert path.read_text() in ("a" * 1000, "b" * 1000)
    assert list(tmp_path.iterdir()) == [path]
