"""What is found in a data folder: clips that were changed or replaced, names of every system, and what is left out."""

from __future__ import annotations

import logging
import os
import re
import shutil
import stat
import sys
import time
import unicodedata
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from kws.audio.io import write_wav
from kws.data import corpus as corpus_module
from kws.data.corpus import Corpus, open_corpus
from kws.data.sampling import make_pool
from kws.data.sources.folder import Folder
from kws.data.sources.official_test_set import SpeechCommandsTestSet
from kws.data.sources.speech_commands import SpeechCommands
from kws.data.splits import HashedSplit
from kws.errors import KwsError
from kws.labels import LabelSet
from kws.synthesis.corpus import Synthetic

RATE_HZ, SAMPLES = 16_000, 400
NFC, NFD = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
posix = pytest.mark.skipif(os.name == "nt", reason="needs a file system of Linux or a Mac")
# A Mac's file system takes only names that are UTF-8.
any_bytes = pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="needs a file system that takes any bytes as a name")


def noise(seed: int) -> NDArray[np.int16]:
    return np.random.default_rng(seed).integers(-9000, 9000, SAMPLES).astype(np.int16)


def add(root: Path, name: str, seed: int = 0) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    write_wav(path, noise(seed), RATE_HZ)
    return path


def opened(root: Path, **settings: Any) -> Corpus:
    return open_corpus(root, RATE_HZ, SAMPLES, progress=False, **settings)


def pack(root: Path) -> Path:
    (found,) = (root / ".kws-cache").glob("pack-*-*")
    return found


def sound(root: Path, name: str) -> NDArray[np.int16]:
    corpus = opened(root)
    return np.asarray(corpus.clips[corpus.names.index(name)])


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.levelno == logging.WARNING]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two clips of the same size and time."""
    folder = tmp_path / "words"
    for seed, name in enumerate(("yes/a.wav", "no/a.wav")):
        os.utime(add(folder, name, seed), (1_000_000_000, 1_000_000_000))
    return folder


# Clips that change


@posix
@pytest.mark.parametrize("what", ["a", "no"], ids=["files", "folders"])
def test_clips_that_change_places_are_packed_again(root: Path, what: str) -> None:
    assert (sound(root, "yes/a.wav") == noise(0)).all()
    time.sleep(0.02)  # a tick of the file system's clock
    one, other = (root / "yes", root / "no") if what == "no" else (root / "yes" / "a.wav", root / "no" / "a.wav")
    one.rename(root / "aside")
    other.rename(one)
    (root / "aside").rename(other)
    assert (root / "yes" / "a.wav").stat().st_mtime == 1_000_000_000
    assert (sound(root, "yes/a.wav") == noise(1)).all()
    assert (sound(root, "no/a.wav") == noise(0)).all()


@posix
def test_a_clip_with_other_sound_but_the_same_size_and_time_is_packed_again(root: Path) -> None:
    opened(root)
    time.sleep(0.02)
    os.utime(add(root, "yes/a.wav", 7), (1_000_000_000, 1_000_000_000))
    assert (sound(root, "yes/a.wav") == noise(7)).all()


@posix
def test_reading_clips_and_other_folders_make_no_pack_stale(root: Path) -> None:
    opened(root)
    before = pack(root).stat().st_ino
    time.sleep(0.02)
    for clip in root.glob("*/*.wav"):
        clip.read_bytes()
    (root / "new").mkdir()
    add(root, "_background_noise_/hum.wav")
    opened(root)
    assert pack(root).stat().st_ino == before


@posix
def test_a_copy_of_data_and_pack_is_packed_again_and_it_is_said(
    root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    opened(root)
    time.sleep(0.02)
    shutil.copytree(root, tmp_path / "copy")
    caplog.set_level(logging.INFO)
    assert (sound(tmp_path / "copy", "yes/a.wav") == noise(0)).all()
    assert f"{tmp_path / 'copy'}: clips came, went, changed or were copied since they were packed; packing again" in caplog.text
    caplog.clear()
    opened(tmp_path / "copy")
    assert not caplog.records


# What is left out


def left_out(root: Path, caplog: pytest.LogCaptureFixture, **settings: Any) -> str:
    caplog.clear()
    opened(root, **settings)
    said = warnings(caplog)
    assert len(said) <= 1
    return said[0].removeprefix(f"{root}: left out: ") if said else ""


def test_what_is_no_clip_by_its_nature_is_left_out_in_silence(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("README.md", "LICENSE", "validation_list.txt", "synthesis.json", "yes/notes.txt", ".git/x.wav", "yes/.x.m4a",
                 "_background_noise_/README.md", "yes/.DS_Store", "yes/list.CSV", ".kws-cache/x.wav", "__MACOSX/a.wav",
                 "_drafts/notes.txt"):  # fmt: skip
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).touch()
    add(root, "_background_noise_/hum.wav")
    assert left_out(root, caplog) == ""


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["yes/b.m4a", "yes/a.m4a", "no/a.xyz"], r"3 that can't be read as sound, such as no/a\.xyz \(convert .*ffmpeg"),
        (["_background_noise_/hum.m4a"], r"1 that can't be read as sound, such as _background_noise_/hum\.m4a"),
        (["yes/more/a.wav", "yes/more/b.wav", "no/x.wav/a.wav"], r"2 folders inside of word folders, such as no/x\.wav \(move"),
        (["_unknown_/a.wav", "_silence_/a.wav"], r"2 folders with a name that starts with '_', such as _silence_ \(put unknown"),
        (["a.wav", "b.m4a"], r"2 sound files outside of word folders, such as a\.wav \(move them into a word's folder\)"),
    ],
)
def test_what_might_be_taken_for_clips_is_said(root: Path, caplog: pytest.LogCaptureFixture, names: list[str], said: str) -> None:
    opened(root)  # a pack that is there does not keep it from being said
    for name in names:
        add(root, name)
    assert re.match(said, left_out(root, caplog)), caplog.text
    assert left_out(root, caplog, warn=False) == ""


def test_all_kinds_are_said_in_one_warning(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("yes/a.m4a", "yes/more/a.wav", "a.wav", "_silence_/a.wav"):
        add(root, name)
    assert left_out(root, caplog).count(" such as ") == 4
    assert left_out(root, caplog, also=("_silence_",)).count(" such as ") == 3


def test_a_folder_of_none_but_those_says_them(tmp_path: Path) -> None:
    (tmp_path / "yes").mkdir()
    (tmp_path / "yes" / "a.m4a").touch()
    with pytest.raises(KwsError, match=r"holds no clips.*Left out: 1 that can't be read as sound, such as yes/a\.m4a"):
        opened(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.timeout(20)
def test_a_pipe_is_left_out(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    os.mkfifo(root / "yes" / "b.wav")
    (root / "no" / "c.wav").symlink_to(root / "yes" / "b.wav")
    assert left_out(root, caplog) == (
        "2 that are no regular files, such as no/c.wav (a pipe, a socket or a device can't be a clip)"
    )
    assert opened(root).names == ("no/a.wav", "yes/a.wav")


# Words as every system writes them


@any_bytes
@pytest.mark.parametrize("on_disk", [NFC, NFD])
@pytest.mark.parametrize("asked", [NFC, NFD, f" {NFD} "])
def test_a_word_is_one_however_its_letters_are_written(tmp_path: Path, on_disk: str, asked: str) -> None:
    add(tmp_path, f"{on_disk}/a.wav")
    add(tmp_path, "no/a.wav")
    corpus, labels = opened(tmp_path), LabelSet([asked])
    assert (tmp_path / corpus.names[0]).is_file()
    assert sorted(corpus.words) == [NFC, "no"]
    pool = make_pool(corpus.words, np.zeros(2, np.int8), 0, labels, 0, 0)
    assert pool.wanted.labels.tolist() == [2]
    rule = HashedSplit(unseen_words=[asked], unseen_from="all")
    assert [corpus.words[clip] for clip in rule.unseen(tmp_path, corpus.names)] == [NFC]


@any_bytes
@pytest.mark.parametrize(("one", "other"), [(NFC, NFD), ("yes", "yes ")])
def test_two_folders_of_one_word_are_refused(tmp_path: Path, one: str, other: str) -> None:
    add(tmp_path, f"{one}/a.wav")
    add(tmp_path, f"{other}/a.wav", 1)
    with pytest.raises(
        KwsError, match=r"the folders '.*' and '.*' are of one word, (café|yes), .*put their clips into one"
    ) as error:
        opened(tmp_path)
    assert ascii(one) in str(error.value)
    assert ascii(other) in str(error.value)


def test_a_speaker_is_in_one_set_however_the_name_is_written() -> None:
    names = [f"yes/{unicodedata.normalize(form, f'é{number}')}_nohash_0.wav" for number in range(50) for form in ("NFC", "NFD")]
    sets = HashedSplit(30, 30).assign(Path(), names)
    assert (sets[::2] == sets[1::2]).all()


@any_bytes
def test_names_that_are_not_utf8_are_packed_and_split(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    odd = os.fsdecode(b"yes/\xe9_nohash_0.wav")
    add(root, odd, 5)
    (root / os.fsdecode(b"yes/\xe9.m4a")).touch()
    corpus = opened(root)
    assert (sound(root, odd) == noise(5)).all()
    assert len(HashedSplit().assign(root, corpus.names)) == 3
    assert r"such as yes/\xe9.m4a" in warnings(caplog)[0]
    (root / odd).write_bytes(b"no sound")
    with pytest.raises(KwsError, match=r"yes/\\xe9_nohash_0\.wav") as error:
        opened(root)
    str(error.value).encode()


# Packs that others made


def refuse_writing(monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
    """What a disk without the right to write answers; root may write anywhere, so a test can't take the right away."""

    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(corpus_module, "FileLock", refuse)
    monkeypatch.setattr(corpus_module.Path, "mkdir", refuse)


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(30, "Read-only file system")])
def test_a_whole_pack_is_used_where_nothing_can_be_written(root: Path, monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
    opened(root)
    refuse_writing(monkeypatch, error)
    assert (sound(root, "yes/a.wav") == noise(0)).all()
    write_wav(root / "yes" / "b.wav", noise(2), RATE_HZ)
    with pytest.raises(
        KwsError, match=rf"can't be written \({error.strerror}\), and holds no pack of these clips .*data\.cache_dir"
    ):
        opened(root)


@posix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_whole_pack_is_used_in_folders_without_the_right_to_write(root: Path) -> None:
    opened(root)
    (root / ".kws-cache" / "pack.lock").unlink(missing_ok=True)
    folders = [root, root / ".kws-cache", pack(root)]
    for folder in folders:
        folder.chmod(0o555)
    try:
        assert (sound(root, "yes/a.wav") == noise(0)).all()
    finally:
        for folder in folders:
            folder.chmod(0o755)


@posix
@pytest.mark.parametrize("umask", [0o022, 0o002, 0o077])
def test_a_pack_is_readable_for_whom_the_umask_lets_read(root: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        opened(root)
    finally:
        os.umask(before)
    assert stat.S_IMODE(pack(root).stat().st_mode) == 0o777 & ~umask
    assert stat.S_IMODE((pack(root) / "clips.int16").stat().st_mode) == 0o666 & ~umask


# The folder itself


@pytest.mark.parametrize("source", [Folder, SpeechCommands, SpeechCommandsTestSet, partial(Synthetic, words=["yes"])])
@pytest.mark.parametrize("value", ["", " ", None, 3])
def test_no_folder_is_not_the_current_one(source: Callable[[Any], Any], value: Any) -> None:
    with pytest.raises(KwsError, match=rf"root: {value!r} given; the name of a folder expected"):
        source(value)
