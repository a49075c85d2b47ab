from __future__ import annotations

import errno
import gzip
import io
import os
import tarfile
from pathlib import Path

import pytest

from kws.data.sources.archive import extract
from kws.errors import KwsError


def member(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, size, link
    return info


def make_archive(path: Path, *members: tarfile.TarInfo) -> Path:
    """An archive of the members, filled with bytes that don't compress."""
    with tarfile.open(path, "w:gz") as tar:
        for info in members:
            tar.addfile(info, io.BytesIO(os.urandom(info.size)))
    return path


def words(path: Path, count: int = 20) -> Path:
    return make_archive(path, member("./", tarfile.DIRTYPE), *(member(f"./yes/{i}.wav", size=3000) for i in range(count)))


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_all_files_come_out_and_nothing_else_is_left(tmp_path: Path) -> None:
    archive = words(tmp_path / "a.tar.gz")
    extract(archive, tmp_path / "out", progress=False)
    assert files(tmp_path / "out") == sorted(f"yes/{i}.wav" for i in range(20))
    with tarfile.open(archive) as tar:
        assert all((tmp_path / "out" / name).read_bytes() == _content(tar, name) for name in files(tmp_path / "out"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar.gz", "out"]


def _content(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(f"./{name}")
    return b"" if file is None else file.read()


def test_progress_reaches_the_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    extract(words(tmp_path / "a.tar.gz"), tmp_path / "out")
    assert "unpacking a.tar.gz: 100%" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        (member("../evil.wav", size=4), r"'\.\./evil\.wav', which would land outside"),
        (member("yes/../../evil.wav", size=4), "would land outside"),
        (member("/tmp/evil.wav", size=4), "'/tmp/evil.wav', which would land outside"),
        (member("C:\\evil.wav", size=4), "would land outside"),
        (member("yes\\..\\..\\evil.wav", size=4), "would land outside"),
        (member("yes/link.wav", tarfile.SYMTYPE, link="/etc/passwd"), r"a link \(to '/etc/passwd'\)"),
        (member("yes/hard.wav", tarfile.LNKTYPE, link="yes/0.wav"), r"a link \(to 'yes/0\.wav'\)"),
        (member("yes/pipe", tarfile.FIFOTYPE), "a device or pipe"),
        (member("yes/null", tarfile.CHRTYPE), "a device or pipe"),
    ],
    ids=["parent", "through", "absolute", "drive", "backslash", "symlink", "hard link", "pipe", "device"],
)
def test_unsafe_members_are_refused_by_name(tmp_path: Path, bad: tarfile.TarInfo, fault: str) -> None:
    (tmp_path / "in").mkdir()
    archive = make_archive(tmp_path / "in" / "a.tar.gz", member("yes/0.wav", size=10), bad)
    with pytest.raises(KwsError, match=f"a.tar.gz: holds .*{fault}"):
        extract(archive, tmp_path / "in" / "out", progress=False)
    assert files(tmp_path) == ["in/a.tar.gz"]
    assert not (tmp_path / "in" / "out").exists()


@pytest.mark.parametrize("share", [0.0005, 0.5, 0.9, 0.9999])
def test_truncated_archive_is_named(tmp_path: Path, share: float) -> None:
    archive = words(tmp_path / "a.tar.gz")
    content = archive.read_bytes()
    archive.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(KwsError, match=r"a\.tar\.gz: is broken or cut off .*remove it and try again"):
        extract(archive, tmp_path / "out", progress=False)
    assert files(tmp_path) == ["a.tar.gz"]


def test_flipped_byte_is_found(tmp_path: Path) -> None:
    archive = words(tmp_path / "a.tar.gz")
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 0xFF
    archive.write_bytes(content)
    with pytest.raises(KwsError, match="is broken or cut off"):
        extract(archive, tmp_path / "out", progress=False)


@pytest.mark.parametrize("content", [b"", b"<html>log in</html>", gzip.compress(b"text")], ids=["empty", "html", "no tar"])
def test_what_is_no_archive_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tar.gz").write_bytes(content)
    with pytest.raises(KwsError, match=r"a\.tar\.gz: is broken or cut off"):
        extract(tmp_path / "a.tar.gz", tmp_path / "out", progress=False)


def test_missing_archive(tmp_path: Path) -> None:
    with pytest.raises(KwsError, match=r"a\.tar\.gz"):
        extract(tmp_path / "a.tar.gz", tmp_path / "out", progress=False)


def test_interrupted_extraction_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive, extract_one = words(tmp_path / "a.tar.gz"), tarfile.TarFile.extract

    def stop_in_the_middle(self: tarfile.TarFile, info: tarfile.TarInfo, path: Path, **options: bool) -> None:
        if info.name.endswith("/10.wav"):
            raise KeyboardInterrupt
        extract_one(self, info, path, **options)

    with monkeypatch.context() as patch:
        patch.setattr(tarfile.TarFile, "extract", stop_in_the_middle)
        with pytest.raises(KeyboardInterrupt):
            extract(archive, tmp_path / "out", progress=False)
    assert files(tmp_path) == ["a.tar.gz"]
    extract(archive, tmp_path / "out", progress=False)
    assert len(files(tmp_path / "out")) == 20


def test_what_a_killed_run_left_is_cleared(tmp_path: Path) -> None:
    archive = words(tmp_path / "a.tar.gz")
    half = tmp_path / "out.unpacking" / "yes"
    half.mkdir(parents=True)
    (half / "old.wav").write_bytes(b"half")
    extract(archive, tmp_path / "out", progress=False)
    assert "yes/old.wav" not in files(tmp_path / "out")
    assert not (tmp_path / "out.unpacking").exists()


def test_folder_in_the_way_is_left_alone(tmp_path: Path) -> None:
    archive = words(tmp_path / "a.tar.gz")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").touch()
    with pytest.raises(KwsError, match=r"out: is in the way"):
        extract(archive, tmp_path / "out", progress=False)
    assert files(tmp_path / "out") == ["mine.txt"]


def test_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    extract(words(tmp_path / "a.tar.gz"), tmp_path / "out", progress=False)
    assert len(files(tmp_path / "out")) == 20


def test_full_disk_names_the_folder_and_the_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = words(tmp_path / "a.tar.gz")

    def no_room(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tarfile, "copyfileobj", no_room)
    with pytest.raises(KwsError, match=r": the disk is full; a\.tar\.gz takes about [\d,]+ bytes when unpacked") as caught:
        extract(archive, tmp_path / "out", progress=False)
    assert str(tmp_path) in str(caught.value)
    assert files(tmp_path) == ["a.tar.gz"]
