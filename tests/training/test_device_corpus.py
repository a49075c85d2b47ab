"""Clips held on the device: the same batches as from the disk."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from batches import same
from corpora import WANTED

from kws.data.concat import ConcatCorpus
from kws.data.corpus import Corpus
from kws.data.sources.folder import Folder
from kws.errors import KwsError
from kws.frontend.features import Mfcc
from kws.training import device_corpus
from kws.training.datamodule import KeywordData
from kws.training.device_corpus import DeviceCorpus
from kws.training.loader import TrainingLoader

CPU = torch.device("cpu")


def corpus(first: int, count: int) -> Corpus:
    clips = np.repeat(np.arange(first, first + count, dtype=np.int16)[:, None], 3, axis=1)
    return Corpus(Path("x"), tuple(f"yes/{number}.wav" for number in range(count)), clips)


@pytest.mark.parametrize("block", [1, 4, 100])
def test_clips_are_those_of_the_corpus(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_corpus, "_BLOCK", block)
    for clips in (corpus(1, 9), ConcatCorpus((corpus(1, 4), corpus(5, 5)))):
        held = DeviceCorpus(clips, CPU)
        places = np.array([8, -1, 0, 3, 3, -1])
        found = held.gather(places)
        np.testing.assert_array_equal(found, clips.read(places))
        assert found.dtype == torch.int16
        found.add_(1)
        np.testing.assert_array_equal(held.gather(places), clips.read(places))


def data(root: Path, **settings: Any) -> KeywordData:
    module = KeywordData(Folder(root), WANTED, Mfcc(hop_ms=50, bins=10), batch_size=8, seed=3, progress=False, **settings)
    module.setup()
    return module


def test_batches_are_the_same(small_corpus: Path) -> None:
    plain = data(small_corpus).train_dataloader()
    assert isinstance(plain.corpus, Corpus)
    held = TrainingLoader(DeviceCorpus(plain.corpus, CPU), plain.order)
    for before, after in zip(plain, held, strict=True):
        assert same(before, after)


@pytest.mark.parametrize(
    ("on_device", "device", "kind"), [(True, "meta", DeviceCorpus), (True, "cpu", Corpus), (False, "meta", Corpus)]
)
def test_they_are_held_where_asked(small_corpus: Path, on_device: bool, device: str, kind: type) -> None:
    module = data(small_corpus, on_device=on_device)
    module.trainer = SimpleNamespace(  # type: ignore[assignment]
        strategy=SimpleNamespace(root_device=torch.device(device)), global_rank=0, world_size=1,
        fit_loop=SimpleNamespace(total_batch_idx=-1),
    )  # fmt: skip
    loader = module.train_dataloader()
    assert isinstance(loader.corpus, kind)
    if isinstance(loader.corpus, DeviceCorpus):
        assert loader.corpus.sound.shape == (len(module.corpus or ()), 16000)
        assert loader.corpus.sound.device.type == device


def test_what_does_not_fit_is_said_with_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("no")

    monkeypatch.setattr(torch, "empty", full)
    with pytest.raises(KwsError, match=r"data\.on_device: the 9 clips take 0\.00 GB on cpu, and do not fit; set it to false"):
        DeviceCorpus(corpus(1, 9), CPU)
