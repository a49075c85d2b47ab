"""Sources beside the data's own: heard in training, and nowhere else."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from batches import same, stacked
from corpora import SPEAKERS, TAKES, WANTED, word_sound

from kws.audio.io import write_wav
from kws.data.concat import ConcatCorpus
from kws.data.sources.folder import Folder
from kws.data.splits import HashedSplit
from kws.errors import KwsError
from kws.frontend.features import Mfcc
from kws.labels import SILENCE_INDEX, UNKNOWN_INDEX
from kws.synthesis.corpus import Synthetic
from kws.training.datamodule import KeywordData

REAL_WANTED = len(SPEAKERS["training"]) * TAKES * len(WANTED)


@pytest.fixture(scope="module")
def extra(tmp_path_factory: pytest.TempPathFactory) -> list[Folder]:
    """Two folders: one of snow and of yes by a training speaker, one of more snow; no background noise."""
    roots = [tmp_path_factory.mktemp("extra") / name for name in ("first", "second")]
    rng = np.random.default_rng(1)
    for root, words in zip(roots, (("snow", "yes"), ("snow",)), strict=True):
        for word in words:
            (root / word).mkdir(parents=True)
            for take in range(6):
                sound = word_sound("yes" if word == "yes" else "bed", rng)
                write_wav(root / word / f"{SPEAKERS['training'][0]}_nohash_{take}.wav", sound, 16000)
    return [Folder(root) for root in roots]


def data(root: Path, **settings: Any) -> KeywordData:
    module = KeywordData(Folder(root), WANTED, Mfcc(hop_ms=50, bins=10), None, batch_size=8, seed=3, progress=False, **settings)
    module.prepare_data()
    module.setup()
    return module


def test_other_sets_hear_nothing_of_them(small_corpus: Path, extra: list[Folder]) -> None:
    plain, more = data(small_corpus), data(small_corpus, extra=extra, training_unknown_percentage=50, extra_percentage=20)
    for loader in ("val_dataloader", "test_dataloader"):
        before, after = stacked(getattr(plain, loader)()), stacked(getattr(more, loader)())
        assert torch.equal(before.clips, after.clips)
        assert torch.equal(before.labels, after.labels)
    np.testing.assert_array_equal(plain.fixed_training_set().list.clips, more.fixed_training_set().list.clips)


def test_training_hears_them_with_their_labels(small_corpus: Path, extra: list[Folder]) -> None:
    module = data(small_corpus, extra=extra, training_unknown_percentage=75, extra_percentage=25, extra_unknown_percentage=67)
    drawn = module.epoch_pool.draw(np.random.default_rng(0))
    assert [int((drawn.labels == label).sum()) for label in (SILENCE_INDEX, UNKNOWN_INDEX)] == [3, 18]
    assert (drawn.labels > UNKNOWN_INDEX).sum() == REAL_WANTED + 6
    clips = module.train_dataloader().corpus
    assert isinstance(clips, ConcatCorpus)
    words = clips.words
    added = drawn.clips[drawn.clips >= clips.starts[1]]
    assert sorted(words[clip] for clip in added) == ["snow"] * 12 + ["yes"] * 6
    np.testing.assert_array_equal(clips.read(added[-1:])[0], clips.parts[-1].clips[added[-1] - clips.starts[-2]])


def test_speakers_of_the_other_sets_are_left_out_of_them(small_corpus: Path, extra: list[Folder], tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    (tmp_path / "snow").mkdir()
    for speaker in (SPEAKERS["validation"][0], SPEAKERS["testing"][0], SPEAKERS["training"][0], "nobody"):
        write_wav(tmp_path / "snow" / f"{speaker}_nohash_0.wav", word_sound("bed", rng), 16000)
    write_wav(tmp_path / "snow" / "no speaker.wav", word_sound("bed", rng), 16000)
    module = data(small_corpus, extra=[extra[1], Folder(tmp_path)], training_unknown_percentage=200, extra_unknown_percentage=100)
    clips = module.train_dataloader().corpus
    assert isinstance(clips, ConcatCorpus)
    drawn = module.epoch_pool.draw(np.random.default_rng(0)).clips
    names = [clips.parts[2].names[clip - clips.starts[2]] for clip in sorted(drawn) if clip >= clips.starts[2]]
    assert sorted(names) == sorted(
        [f"snow/{SPEAKERS['training'][0]}_nohash_0.wav", "snow/no speaker.wav", "snow/nobody_nohash_0.wav"]
    )


def test_a_source_that_cannot_be_made_says_that_training_goes_without(
    small_corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    source = Synthetic(small_corpus / "nowhere", ["yes"])
    with pytest.raises(KwsError, match=r"data\.extra: .*pip install 'kws\[synthesis\]'; or train without .*: extra=none$"):
        data(small_corpus, extra=[source])


def test_training_goes_on_exactly_where_it_stopped(small_corpus: Path, extra: list[Folder]) -> None:
    settings: dict[str, Any] = {"extra": extra, "training_unknown_percentage": 60, "unknown_sampling_alpha": 0.3}
    loader, resumed = data(small_corpus, **settings).train_dataloader(), data(small_corpus, **settings).train_dataloader()
    steps = [batch for _ in range(3) for batch in loader]
    resumed.step = len(loader) + 2
    for before, after in zip(steps[len(loader) + 2 :], [batch for _ in range(2) for batch in resumed], strict=True):
        assert same(before, after)


def test_a_folder_of_wanted_words_alone_may_take_its_unknown_words_from_them(corpus_folder: Path, extra: list[Folder]) -> None:
    for word in ("tree", "bed"):
        for clip in (corpus_folder / word).iterdir():
            clip.unlink()
    module = data(corpus_folder, extra=extra, unknown_percentage=0, training_unknown_percentage=25)
    drawn = module.epoch_pool.draw(np.random.default_rng(0))
    assert (drawn.labels == UNKNOWN_INDEX).sum() == 6


def test_packs_of_the_extra_sources_go_to_the_cache_too(small_corpus: Path, extra: list[Folder], tmp_path: Path) -> None:
    data(small_corpus, extra=extra, cache_dir=tmp_path)
    assert len(list(tmp_path.glob("*/pack-16000hz-16000-*"))) == 3


def test_unseen_words_are_in_testing_alone(small_corpus: Path) -> None:
    plain, without = data(small_corpus), data(small_corpus, split=HashedSplit(unseen_words=["tree"]))
    before, after = stacked(plain.test_dataloader()), stacked(without.test_dataloader())
    assert torch.equal(before.clips, after.clips)
    assert without.corpus is not None
    words = without.corpus.words
    for pool in (without.training_pool, without.validation_pool):
        assert {words[clip] for clip in pool.unknown} == {"bed"}
    assert {words[clip] for clip in without.testing_pool.unknown} == {"bed", "tree"}
    assert {words[clip] for clip in without.epoch_pool.draw(np.random.default_rng(0)).clips if clip >= 0} == {"yes", "no", "bed"}
    assert plain.unseen is None
    assert without.unseen is not None
    assert without.unseen.words == ("tree",) * len(SPEAKERS["testing"]) * TAKES


def test_an_extra_source_may_not_say_an_unseen_word(corpus_folder: Path, extra: list[Folder]) -> None:
    shutil.copytree(corpus_folder / "tree", corpus_folder / "snow")
    with pytest.raises(KwsError, match=r"data\.extra: .*first has clips of snow, which split\.unseen_words keeps out"):
        data(corpus_folder, extra=extra, split=HashedSplit(unseen_words=["snow"]))
