from __future__ import annotations

from pathlib import Path

import pytest

from kws.data.sources.folder import Folder
from kws.errors import KwsError


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def test_word_folders_are_used_as_they_are(tmp_path: Path) -> None:
    touch(tmp_path / "yes" / "1.WAV")
    (tmp_path / "_background_noise_").mkdir()
    assert Folder(str(tmp_path)).prepare() == tmp_path
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["_background_noise_", "yes"]


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(KwsError, match=r"data\.source\.root: .*recordings does not exist"):
        Folder(tmp_path / "recordings").prepare()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    touch(tmp_path / "data.zip")
    with pytest.raises(KwsError, match=r"data\.zip is a file"):
        Folder(tmp_path / "data.zip").prepare()


def test_sound_at_top_level_only(tmp_path: Path) -> None:
    touch(tmp_path / "yes1.wav")
    with pytest.raises(KwsError, match=r"in no word folder; one folder a word expected, such as .*/yes/1\.wav"):
        Folder(tmp_path).prepare()


def test_empty_folder(tmp_path: Path) -> None:
    touch(tmp_path / "_background_noise_" / "hum.wav")
    touch(tmp_path / ".git" / "x.wav")
    with pytest.raises(KwsError, match="holds no word folders; one folder a word expected"):
        Folder(tmp_path).prepare()


def test_one_level_too_high(tmp_path: Path) -> None:
    touch(tmp_path / "my_words" / "yes" / "1.wav")
    with pytest.raises(KwsError, match=r"none of its folders \(my_words\) holds a sound file .*one level deeper"):
        Folder(tmp_path).prepare()
