"""A file is there whole, or as it was."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kws.files.atomic import atomic_write


def test_a_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with atomic_write(path) as temporary:
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
    with pytest.raises(ValueError, match="broken"), atomic_write(path) as temporary:
        temporary.write_text("half")
        raise ValueError("broken")
    assert (path.read_text() if path.exists() else None) == before
    assert len(list(tmp_path.iterdir())) == (before is not None)


def test_a_folder_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "none" / "a.txt") as temporary:
        temporary.write_text("whole")


def test_a_name_as_long_as_there_may_be(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 251 + ".txt")
    with atomic_write(path) as temporary:
        temporary.write_text("whole")
    assert path.read_text() == "whole"


def test_two_writers_do_not_meet(tmp_path: Path) -> None:
    path, both = tmp_path / "a.txt", threading.Barrier(2, timeout=30)

    def write(letter: str) -> str:
        with atomic_write(path) as temporary:
            temporary.write_text(letter * 1000)
            both.wait()
            read = temporary.read_text()
            both.wait()
            return read

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(write, "ab")) == ["a" * 1000, "b" * 1000]
    assert path.read_text() in ("a" * 1000, "b" * 1000)
    assert list(tmp_path.iterdir()) == [path]


def test_the_file_behind_a_link_is_written_and_the_link_stays(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    behind, link = tmp_path / "store" / "model.onnx", tmp_path / "model.onnx"
    behind.write_text("old")
    link.symlink_to(Path("store") / "model.onnx")
    with atomic_write(link) as temporary:
        temporary.write_text("new")
    assert link.is_symlink()
    assert behind.read_text() == "new"
    assert list(behind.parent.iterdir()) == [behind]


def test_a_link_to_a_name_that_is_not_there_yet(tmp_path: Path) -> None:
    link = tmp_path / "a.txt"
    link.symlink_to("b.txt")
    with atomic_write(link) as temporary:
        temporary.write_text("new")
    assert link.is_symlink()
    assert (tmp_path / "b.txt").read_text() == "new"


def test_a_pipe_is_written_to_and_stays(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.json"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        heard = pool.submit(pipe.read_bytes)
        with atomic_write(pipe) as temporary:
            assert temporary.suffix == ".json"
            temporary.write_bytes(b"whole")
        assert heard.result(timeout=30) == b"whole"
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert list(tmp_path.iterdir()) == [pipe]


def test_a_device_stays_a_device(tmp_path: Path) -> None:
    null, link = tmp_path / "null", tmp_path / "link"
    try:
        os.mknod(null, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        null.write_bytes(b"may be written")
    except OSError:
        pytest.skip("devices can't be made here: that takes root, and a file system that allows them")
    link.symlink_to(null)
    for path in (null, link):
        with atomic_write(path) as temporary:
            temporary.write_text("gone")
    assert stat.S_ISCHR(null.stat().st_mode)
    assert link.is_symlink()
    assert sorted(tmp_path.iterdir()) == [link, null]


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1"])
def test_standard_output_is_written_where_it_stands(name: str, tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from kws.files.atomic import atomic_write\n"
        "print('before')\n"
        f"with atomic_write(Path('{name}')) as file: file.write_text('whole\\n')\n"
        "print('after')"
    )
    out = tmp_path / "out.txt"
    with out.open("wb") as file:
        subprocess.run([sys.executable, "-c", code], stdout=file, check=True, timeout=60)
    assert out.read_text() == "before\nwhole\nafter\n"
    piped = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True, timeout=60)
    assert piped.stdout == b"before\nwhole\nafter\n"


def test_permissions_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o600)
    with atomic_write(path) as temporary:
        temporary.write_text("new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_folder_is_an_error_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match="is a folder"), atomic_write(tmp_path):
        pytest.fail("the block must not run")
