from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from file_server import Server, serving

from kws.data.sources import speech_commands as module
from kws.data.sources.speech_commands import Archive, SpeechCommands
from kws.errors import KwsError


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    with serving() as server:
        yield server


def speech_commands() -> bytes:
    """A tiny archive laid out like the real ones."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name in ("./_background_noise_/hum.wav", "./yes/1_nohash_0.wav", "./validation_list.txt", "./testing_list.txt"):
            info = tarfile.TarInfo(name)
            info.size = 2000
            tar.addfile(info, io.BytesIO(bytes(2000)))
    return buffer.getvalue()


@pytest.fixture
def tiny(server: Server, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """The server gives a tiny archive in place of the real one."""
    server.content = speech_commands()
    archive = Archive(server.url, hashlib.sha256(server.content).hexdigest(), len(server.content))
    monkeypatch.setitem(module._ARCHIVES, "v0.02", archive)
    return archive


def test_speech_commands_are_fetched_once(server: Server, tiny: Archive, tmp_path: Path) -> None:
    source = SpeechCommands(str(tmp_path / "data"))
    folder = source.prepare()
    assert folder == tmp_path / "data" / "speech_commands_v0.02"
    names = ["_background_noise_", "testing_list.txt", "validation_list.txt", "yes"]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert source.prepare() == folder == SpeechCommands(folder).prepare()
    assert len(server.requests) == 1


def test_archive_placed_by_hand_is_unpacked(server: Server, tiny: Archive, tmp_path: Path) -> None:
    (tmp_path / "speech_commands_v0.02.tar.gz").write_bytes(server.content)
    assert (SpeechCommands(tmp_path).prepare() / "yes" / "1_nohash_0.wav").is_file()
    assert server.requests == []


def test_unpacked_data_is_used_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "_background_noise_").mkdir()
    assert SpeechCommands(tmp_path, "v0.01").prepare() == tmp_path
    assert len(list(tmp_path.iterdir())) == 1


def test_half_unpacked_data_is_unpacked_again(server: Server, tiny: Archive, tmp_path: Path) -> None:
    (tmp_path / "speech_commands_v0.02.tar.gz").write_bytes(server.content)
    (tmp_path / "speech_commands_v0.02.unpacking" / "_background_noise_").mkdir(parents=True)
    assert (SpeechCommands(tmp_path).prepare() / "testing_list.txt").is_file()
    assert not (tmp_path / "speech_commands_v0.02.unpacking").exists()


def test_root_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(KwsError, match=r"data: can't be written .*data\.source\.root"):
        SpeechCommands(tmp_path / "data").prepare()


def test_unknown_version_lists_the_known_ones() -> None:
    with pytest.raises(KwsError, match=r"no Speech Commands 'v3'; give one of v0\.01, v0\.02"):
        SpeechCommands("data", "v3")


def test_every_archive_is_pinned() -> None:
    for archive in module._ARCHIVES.values():
        assert archive.url.startswith("https://") and len(archive.sha256) == 64 and archive.size_bytes


def test_two_processes_at_once_fetch_once(server: Server, tiny: Archive, tmp_path: Path) -> None:
    server.pause_s = 0.3
    script = (
        "import sys; from kws.data.sources import speech_commands as d\n"
        "d._ARCHIVES['v0.02'] = d.Archive(sys.argv[1], sys.argv[2])\n"
        "print(d.SpeechCommands(sys.argv[3]).prepare())"
    )
    command = [sys.executable, "-c", script, tiny.url, tiny.sha256, str(tmp_path)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        said = [process.communicate(timeout=60)[0].strip() for process in running]
    finally:
        for process in running:
            process.kill()
    assert said == [str(tmp_path / "speech_commands_v0.02")] * 2
    assert len(server.requests) == 1
