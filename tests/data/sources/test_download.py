from __future__ import annotations

import errno
import hashlib
import io
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from file_server import CONTENT, Server, serving

from kws.data.sources import connection
from kws.data.sources.speech_commands import download
from kws.errors import KwsError

SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    with serving() as server:
        yield server


def fetch(server: Server, dest: Path, sha256: str = SHA256, size_bytes: int | None = None) -> None:
    download(server.url, dest, sha256=sha256, size_bytes=size_bytes, wait_s=0.01, timeout_s=5, progress=False)


def test_whole_file_arrives_under_its_name(server: Server, tmp_path: Path) -> None:
    fetch(server, tmp_path / "new" / "a.bin")
    assert (tmp_path / "new" / "a.bin").read_bytes() == CONTENT
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.bin"]


def test_progress_shows_the_total(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    download(server.url, tmp_path / "a.bin", sha256=SHA256)
    shown = capsys.readouterr().err
    assert "fetching a.bin: 100%" in shown and "checking a.bin.part: 100%" in shown


def test_broken_connections_are_resumed(server: Server, tmp_path: Path) -> None:
    # More breaks than attempts: each brought something new, so none of them counts against the next.
    server.cut_after = [40_000] * 6
    fetch(server, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert server.requests == [None, *(f"bytes={40_000 * i}-" for i in range(1, 7))]


def test_a_later_run_goes_on_where_the_last_one_stopped(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.bin.part").write_bytes(CONTENT[:100_000])
    fetch(server, tmp_path / "a.bin")
    assert server.requests == ["bytes=100000-"]
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_server_without_range_starts_over(server: Server, tmp_path: Path) -> None:
    server.ranges, server.cut_after = False, [150_000]
    fetch(server, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert len(server.requests) == 2


def test_wrong_range_starts_over(server: Server, tmp_path: Path) -> None:
    server.wrong_range = True
    (tmp_path / "a.bin.part").write_bytes(CONTENT[:1000])
    fetch(server, tmp_path / "a.bin")
    assert server.requests == ["bytes=1000-", None]
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_whole_part_is_only_checked(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.bin.part").write_bytes(CONTENT)
    fetch(server, tmp_path / "a.bin")
    assert server.requests == [f"bytes={len(CONTENT)}-"]
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_part_longer_than_the_file_starts_over(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.bin.part").write_bytes(CONTENT + b"more")
    fetch(server, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_part_of_another_version_starts_over(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.bin.part").write_bytes(b"old" * 1000)
    fetch(server, tmp_path / "a.bin")
    assert server.requests == ["bytes=3000-", None]
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_known_size_stands_in_for_a_missing_length(server: Server, tmp_path: Path) -> None:
    server.says_length, server.cut_after = False, [150_000]
    fetch(server, tmp_path / "a.bin", size_bytes=len(CONTENT))
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_a_busy_server_is_asked_again(server: Server, tmp_path: Path) -> None:
    server.statuses = [503, 429]
    fetch(server, tmp_path / "a.bin")
    assert len(server.requests) == 3


def test_a_missing_file_is_not_asked_for_again(server: Server, tmp_path: Path) -> None:
    server.statuses = [404] * 5
    with pytest.raises(KwsError, match=r"can't be fetched \(the server answers 404 Not Found\); fetch that file by hand"):
        fetch(server, tmp_path / "a.bin")
    assert len(server.requests) == 1


def test_wrong_hash_names_both_and_keeps_nothing(server: Server, tmp_path: Path) -> None:
    with pytest.raises(KwsError, match=f"SHA-256 {SHA256}, {'0' * 64} expected"):
        fetch(server, tmp_path / "a.bin", "0" * 64)
    assert list(tmp_path.iterdir()) == []


def test_no_network_says_what_to_fetch_and_where_to_put_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, but not listening: refuses every connection
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/a.tar.gz"
        monkeypatch.chdir(tmp_path)
        with pytest.raises(KwsError, match="refused") as caught:
            download(url, Path("data") / "a.tar.gz", sha256=SHA256, attempts=3, wait_s=0.01, progress=False)
    for needed in (url, SHA256, str(tmp_path / "data" / "a.tar.gz")):
        assert needed in str(caught.value)


def test_a_silent_server_counts_as_broken(server: Server, tmp_path: Path) -> None:
    server.pause_s = 0.5
    with pytest.raises(KwsError, match="timed out"):
        download(server.url, tmp_path / "a.bin", sha256=SHA256, attempts=2, wait_s=0.01, timeout_s=0.05, progress=False)


def test_file_placed_by_hand_is_used_without_network(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(CONTENT)
    download("http://127.0.0.1:1/a.bin", tmp_path / "a.bin", sha256=SHA256, progress=False)


def test_wrong_file_placed_by_hand_is_named_and_kept(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(CONTENT[:-1])
    with pytest.raises(KwsError, match=rf"a\.bin: its SHA-256 is [0-9a-f]{{64}}, {SHA256} expected"):
        download("http://127.0.0.1:1/a.bin", tmp_path / "a.bin", sha256=SHA256, progress=False)
    assert (tmp_path / "a.bin").exists()


class FullDisk(io.FileIO):
    """Takes 100,000 bytes in all, in pieces, as a disk does that fills up."""

    def write(self, data: object) -> int:
        room = 100_000 - self.tell()
        if room <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(memoryview(data)[: min(room, 30_000)])  # type: ignore[arg-type]


def test_full_disk_names_folder_and_bytes_and_keeps_the_part(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(connection.io, "FileIO", FullDisk)
        with pytest.raises(KwsError, match=r": the disk is full; 200,000 more bytes are needed") as caught:
            fetch(server, tmp_path / "a.bin")
    assert str(tmp_path) in str(caught.value)
    fetch(server, tmp_path / "a.bin")
    assert server.requests == [None, "bytes=100000-"]
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_folder_that_is_a_file(server: Server, tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(KwsError, match="data"):
        fetch(server, tmp_path / "data" / "a.bin")
