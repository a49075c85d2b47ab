"""From a folder of words to batches of features."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from corpora import OTHERS, SPEAKERS, TAKES, WANTED

from kws.augment.augment import Augment, BackgroundNoise, Gain, SpecAugment, TimeShift
from kws.augment.negatives import Negatives
from kws.data.sources.folder import Folder
from kws.data.splits import ListedSplit
from kws.errors import KwsError
from kws.frontend import cpu
from kws.frontend.features import LogMel, Mfcc
from kws.training.datamodule import FeatureBatch, KeywordData
from kws.training.loader import FixedLoader, RawBatch

FRONT_END = Mfcc(hop_ms=50, bins=10)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def augmentation() -> Augment:
    return Augment(TimeShift(), BackgroundNoise(), Gain(3), spec_augment=SpecAugment(1, 4, 1, 3))


def data(root: Path, **settings: Any) -> KeywordData:
    module = KeywordData(
        Folder(root), WANTED, FRONT_END,
        **{"augment": augmentation(), "batch_size": 8, "seed": 3, "progress": False, **settings},
    )  # fmt: skip
    module.prepare_data()
    module.setup()
    return module


def training(module: KeywordData, passes: int = 1) -> list[FeatureBatch]:
    loader = module.train_dataloader()
    return [module.features(batch, training=True) for _ in range(passes) for batch in loader]


def fixed(module: KeywordData, split: str) -> list[FeatureBatch]:
    loader = module.val_dataloader() if split == "validation" else module.test_dataloader()
    return [module.features(batch, training=False) for batch in loader]


def same(some: list[FeatureBatch], others: list[FeatureBatch]) -> bool:
    return len(some) == len(others) and all(
        torch.equal(one.features, other.features) and torch.equal(one.labels, other.labels)
        for one, other in zip(some, others, strict=True)
    )


@pytest.mark.parametrize("split", ["training", "validation", "testing"])
def test_sets_have_the_clips_of_their_speakers(small_corpus: Path, split: str) -> None:
    module = data(small_corpus)
    pool = getattr(module, f"{split}_pool")
    wanted = len(SPEAKERS[split]) * TAKES * len(WANTED)
    assert len(pool.wanted) == wanted
    assert len(pool.unknown) == len(SPEAKERS[split]) * TAKES * len(OTHERS)
    assert (pool.unknown_count, pool.silence_count) == (-(-wanted // 10), -(-wanted // 10))
    assert module.corpus is not None
    names = [module.corpus.names[clip] for clip in (*pool.wanted.clips, *pool.unknown)]
    assert {name.split("/")[1].split("_nohash_")[0] for name in names} == set(SPEAKERS[split])


def test_batches_have_the_front_ends_shape(small_corpus: Path) -> None:
    module = data(small_corpus)
    batches = training(module)
    assert len(batches) == len(module.training_pool) // 8 == 3
    for features, labels in batches:
        assert features.shape == (8, FRONT_END.frames, FRONT_END.bins)
        assert features.dtype == torch.float32
        assert torch.isfinite(features).all()
        assert labels.shape == (8,)
        assert not features.requires_grad


@pytest.mark.parametrize("split", ["validation", "testing"])
def test_fixed_sets_never_vary(small_corpus: Path, split: str) -> None:
    module = data(small_corpus)
    first = fixed(module, split)
    training(module)  # draws in between change nothing
    torch.manual_seed(1)
    assert same(fixed(module, split), first)
    assert same(fixed(data(small_corpus), split), first)
    bigger = fixed(data(small_corpus, batch_size=100), split)
    assert torch.equal(torch.cat([batch.labels for batch in first]), bigger[0].labels)
    # Another batch size is another matrix product: its rounding, no more.
    torch.testing.assert_close(torch.cat([batch.features for batch in first]), bigger[0].features, rtol=1e-4, atol=1e-3)
    assert not same(fixed(data(small_corpus, seed=4), split), first)


def test_fixed_sets_are_not_augmented(small_corpus: Path) -> None:
    assert same(fixed(data(small_corpus), "testing"), fixed(data(small_corpus, augment=None), "testing"))


def test_validation_and_testing_have_silence_of_their_own(small_corpus: Path) -> None:
    module = data(small_corpus, silence_percentage=100)
    validation, testing = module.val_dataloader().clips.silence, module.test_dataloader().clips.silence
    assert not any((clip == other).all() for clip in validation for other in testing)


def test_training_is_augmented_by_seed_and_step_alone(small_corpus: Path) -> None:
    first = training(data(small_corpus), passes=2)
    torch.manual_seed(99)
    np.random.default_rng(1).random()
    again = data(small_corpus)
    fixed(again, "validation")
    assert same(training(again, passes=2), first)
    other = training(data(small_corpus, seed=4), passes=2)
    assert not same(other, first)
    assert not same(first[:3], first[3:])


def test_a_batch_of_a_step_can_be_made_alone(small_corpus: Path) -> None:
    module = data(small_corpus)
    batches = list(module.train_dataloader())
    in_order = [module.features(batch, training=True) for batch in batches]
    alone = [module.features(batch, training=True) for batch in reversed(batches)][::-1]
    assert same(in_order, alone)


def test_augmentation_is_heard(small_corpus: Path) -> None:
    module = data(small_corpus)
    batch = next(iter(module.train_dataloader()))
    heard, plain = module.features(batch, training=True), module.features(batch, training=False)
    assert torch.equal(heard.labels, plain.labels)
    assert (heard.features != plain.features).flatten(1).any(dim=1).all()


def test_negatives_join_training_batches_alone(small_corpus: Path) -> None:
    augment = Augment(TimeShift(), BackgroundNoise(), negatives=Negatives(WANTED, 50, 50, 50))
    module = data(small_corpus, augment=augment)
    for batch in module.train_dataloader():
        features, labels = module.features(batch, training=True)
        made = 3 * round(int((batch.labels > 1).sum()) / 2 + 1e-9)
        assert len(features) == len(labels) == len(batch.labels) + made > 8
        assert torch.equal(labels[:8], batch.labels)
        assert set(labels[8:].tolist()) == {1}
    assert same(training(module), training(data(small_corpus, augment=augment)))
    assert same(fixed(module, "testing"), fixed(data(small_corpus), "testing"))


def silent_features(module: KeywordData) -> torch.Tensor:
    batches = list(module.train_dataloader())
    return torch.cat([module.features(batch, training=True).features[batch.silent] for batch in batches])


def test_training_silence_is_noise(small_corpus: Path) -> None:
    # Without the masks of SpecAugment, for digital silence is recognised by its features.
    quiet = FRONT_END(torch.zeros(1, 16000))
    features = silent_features(data(small_corpus, augment=Augment(TimeShift(), BackgroundNoise(0, 0)), silence_percentage=100))
    assert len(features) >= 10
    assert (features != quiet).flatten(1).any(dim=1).all()
    assert len(torch.unique(features, dim=0)) == len(features)


def test_only_training_batches_of_a_trainer_are_augmented(small_corpus: Path) -> None:
    class Trainer:
        training = True

    module = data(small_corpus)
    batch = next(iter(module.train_dataloader()))
    module.trainer = Trainer()  # type: ignore[assignment]
    heard = module.on_after_batch_transfer(batch, 0)
    assert same([heard], [module.features(batch, training=True)])
    module.trainer.training = False  # type: ignore[union-attr,misc]
    assert same([module.on_after_batch_transfer(batch, 0)], [module.features(batch, training=False)])
    assert module.on_after_batch_transfer(heard, 0) is heard


def test_the_front_end_knows_training(small_corpus: Path) -> None:
    module = data(small_corpus)
    assert not module.front_end.training
    batch = next(iter(module.train_dataloader()))
    module.features(batch, training=True)
    assert module.front_end.training
    module.features(batch, training=False)
    assert not module.front_end.training


def test_the_file_systems_order_changes_nothing(corpus_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = data(corpus_folder)
    expected = [training(first), fixed(first, "validation"), fixed(first, "testing")]
    shutil.rmtree(corpus_folder / ".kws-cache")
    scandir, listdir, listed = os.scandir, os.listdir, []

    class Backwards(list[os.DirEntry[str]]):
        """What shutil.rmtree needs of os.scandir, too."""

        def __enter__(self) -> Backwards:
            return self

        def __exit__(self, *_: object) -> None:
            pass

    def backwards(path: Any = ".") -> Backwards:
        listed.append(path)
        return Backwards(sorted(scandir(path), key=lambda entry: entry.name, reverse=True))

    monkeypatch.setattr(os, "scandir", backwards)
    monkeypatch.setattr(os, "listdir", lambda path=".": sorted(listdir(path), reverse=True))
    second = data(corpus_folder)
    assert listed
    for some, others in zip(expected, [training(second), fixed(second, "validation"), fixed(second, "testing")], strict=True):
        assert same(some, others)


# Without background noise


@pytest.mark.parametrize(
    "settings", [{}, {"silence_percentage": 0}, {"augment": None}, {"augment": Augment(noise=BackgroundNoise(0, 0))}]
)
def test_no_background_folder_says_what_to_do(corpus_folder: Path, settings: dict[str, Any]) -> None:
    shutil.rmtree(corpus_folder / "_background_noise_")
    with pytest.raises(KwsError, match=r"_background_noise_: there is no such folder.*silence_percentage=0 augment\.noise=null"):
        data(corpus_folder, **settings)


@pytest.mark.parametrize("augment", [None, Augment(TimeShift())])
def test_trains_without_background_where_neither_silence_nor_noise_is_asked(corpus_folder: Path, augment: Augment | None) -> None:
    shutil.rmtree(corpus_folder / "_background_noise_")
    module = data(corpus_folder, augment=augment, silence_percentage=0)
    labels = torch.cat([batch.labels for batch in [*training(module), *fixed(module, "validation"), *fixed(module, "testing")]])
    assert set(labels.tolist()) == {1, 2, 3}


def test_no_augmentation_hears_the_clips_as_they_are(small_corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = data(small_corpus, augment=None)
    batch = next(iter(module.train_dataloader()))
    monkeypatch.setattr(cpu, "lacks_avx512", lambda: False)
    assert same([module.features(batch, training=True)], [module.features(batch, training=False)])
    # To rounding, where training takes another way to the same spectrum.
    monkeypatch.setattr(cpu, "lacks_avx512", lambda: True)
    heard, expected = (module.features(batch, training=training) for training in (True, False))
    torch.testing.assert_close(heard.features, expected.features, rtol=1e-4, atol=1e-4)
    assert torch.equal(heard.labels, expected.labels)


# Settings


def test_lists_split_where_asked(corpus_folder: Path) -> None:
    clips = [f"{word}/{speaker}_nohash_0.wav" for word in (*WANTED, *OTHERS) for speaker in SPEAKERS["training"][:2]]
    (corpus_folder / "validation_list.txt").write_text("\n".join(clips[0::2]), encoding="utf-8")
    (corpus_folder / "testing_list.txt").write_text("\n".join(clips[1::2]), encoding="utf-8")
    module = data(corpus_folder, split=ListedSplit())
    assert module.corpus is not None
    assert [module.corpus.names[clip] for clip in module.validation_pool.wanted.clips] == sorted(clips[0:4:2])
    assert len(module.testing_pool.wanted) == 2
    assert len(module.training_pool.wanted) == 2 * TAKES * 11 - 4


@pytest.mark.parametrize("batch_size", [0, -1])
def test_a_batch_of_nothing_is_refused(small_corpus: Path, batch_size: int) -> None:
    with pytest.raises(KwsError, match=rf"data\.batch_size: {batch_size} makes no sense"):
        data(small_corpus, batch_size=batch_size)


def test_other_rates_and_lengths_of_the_front_end(small_corpus: Path) -> None:
    front_end = LogMel(sample_rate=8000, clip_ms=500, hop_ms=20, bins=12)
    module = KeywordData(Folder(small_corpus), WANTED, front_end, augmentation(), batch_size=8, progress=False)
    module.setup()
    batch = next(iter(module.train_dataloader()))
    assert batch.clips.shape == (8, 4000)
    assert module.features(batch, training=True).features.shape == (8, front_end.frames, 12)


def test_cache_dir_and_resample_reach_the_corpus(corpus_folder: Path, tmp_path: Path) -> None:
    data(corpus_folder, cache_dir=str(tmp_path / "cache"))
    assert not (corpus_folder / ".kws-cache").exists()
    assert len(list((tmp_path / "cache").glob("corpus-*/pack-16000hz-16000-*"))) == 1
    module = KeywordData(Folder(corpus_folder), WANTED, LogMel(sample_rate=8000), resample=False, progress=False)
    with pytest.raises(KwsError, match="its rate is 16000 Hz, 8000 Hz expected"):
        module.prepare_data()


def test_setup_opens_the_corpus_once(small_corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = data(small_corpus)
    monkeypatch.setattr("kws.training.datamodule.open_corpus", lambda *_, **__: pytest.fail("opened again"))
    module.setup("test")


def test_raw_batches_hold_the_clips_of_the_corpus(small_corpus: Path) -> None:
    module = data(small_corpus)
    assert module.corpus is not None
    batch: RawBatch = next(iter(module.val_dataloader()))
    np.testing.assert_array_equal(batch.clips, module.corpus.clips[module.validation_pool.wanted.clips[:8]])


NO_NUMBERS = [
    ("batch_size", True), ("batch_size", 1.5), ("batch_size", "abc"), ("batch_size", None), ("batch_size", float("nan")),
    ("unknown_percentage", "abc"), ("silence_percentage", None), ("extra_percentage", True), ("max_clips_per_word", 1.5),
    ("resample", "abc"), ("on_device", 1), ("cache_dir", ""), ("cache_dir", 3), ("unknown_weights", [3]),
    ("keyword_sampling_alpha", "abc"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), NO_NUMBERS)
def test_settings_of_another_kind_are_named(small_corpus: Path, name: str, value: Any) -> None:
    with pytest.raises(KwsError, match=rf"^data\.{name}: "):
        KeywordData(Folder(small_corpus), WANTED, FRONT_END, **{name: value})


@pytest.mark.parametrize("words", ["yes", True, None, 3, [True], [None], [1.5], {"yes": 1}])
def test_words_that_are_no_list_of_words_are_named(small_corpus: Path, words: Any) -> None:
    with pytest.raises(KwsError, match=r"^words: .*quotes"):
        KeywordData(Folder(small_corpus), words, FRONT_END)


def test_what_is_left_out_is_said_once(corpus_folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (corpus_folder / "yes" / "a.m4a").touch()
    module = data(corpus_folder)
    module.prepare_data()
    assert caplog.text.count("left out: 1 that can't be read as sound, such as yes/a.m4a") == 1


def test_processes_without_a_clip_to_validate_are_refused(small_corpus: Path) -> None:
    clips = data(small_corpus).val_dataloader().clips
    assert FixedLoader(clips, 4, 0, len(clips)) is not None
    with pytest.raises(KwsError, match=rf"{len(clips) + 1} processes share a set of {len(clips)} clips"):
        FixedLoader(clips, 4, 0, len(clips) + 1)
