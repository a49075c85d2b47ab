"""False detections become clips that training takes for unknown words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kws.audio.io import read_audio
from kws.data.corpus import open_corpus
from kws.data.splits import HashedSplit
from kws.errors import KwsError
from kws.evaluation.streams.mining import mine
from kws.streaming.events import Detection

SOUND = np.arange(-16000, 16000).astype(np.int16)


def test_cuts_out_what_was_heard(tmp_path: Path) -> None:
    found = [Detection("yes", 250, 0.9), Detection("_unknown_", 400, 0.9), Detection("no", 1500, 0.8)]
    clips = mine(SOUND, found, 16000, 16000, tmp_path / "out", "radio")
    assert [clip.path.name for clip in clips] == ["radio_nohash_250.wav", "radio_nohash_1500.wav"]
    assert [clip.detection.label for clip in clips] == ["yes", "no"]
    np.testing.assert_array_equal(read_audio(clips[0].path, 16000), SOUND[4000:20000])
    # A window that reaches beyond the end is moved into the sound; shorter sound is filled up.
    np.testing.assert_array_equal(read_audio(clips[1].path, 16000), SOUND[16000:])
    (short,) = mine(SOUND[:9000], [Detection("yes", 0, 0.9), Detection("no", 0, 0.8)], 16000, 16000, tmp_path, "short")
    np.testing.assert_array_equal(read_audio(short.path, 16000), [*SOUND[:9000], *[0] * 7000])


def test_the_clips_are_a_word_of_a_data_folder_and_of_one_set(tmp_path: Path) -> None:
    mine(SOUND, [Detection("yes", 30 * place, 0.9) for place in range(20)], 16000, 16000, tmp_path, "office")
    corpus = open_corpus(tmp_path, 16000, 16000, progress=False)
    assert set(corpus.words) == {"mined"}
    assert len(set(HashedSplit().assign(tmp_path, corpus.names).tolist())) == 1


def test_bad_names_and_places_are_named(tmp_path: Path) -> None:
    with pytest.raises(KwsError, match="rename the recording"):
        mine(SOUND, [], 16000, 16000, tmp_path, "a_nohash_1")
    (tmp_path / "file").touch()
    with pytest.raises(KwsError, match=r"file/mined: can't be made"):
        mine(SOUND, [], 16000, 16000, tmp_path / "file", "radio")
