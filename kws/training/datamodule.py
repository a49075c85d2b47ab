"""The data module: from a source of sound to batches of features on the device."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from torch import Tensor

from kws.augment.augment import Augment, NoiseBank, to_float
from kws.data.background import Background, load_background
from kws.data.concat import Clips, join
from kws.data.corpus import BACKGROUND_FOLDER, Corpus, open_corpus
from kws.data.sampling import SplitPool, TrainingOrder, make_pools
from kws.data.sets.clip_set import ClipSet
from kws.data.sets.test_set import open_test_set
from kws.data.sets.unseen_words import UnseenSet, check_extra, unseen_set
from kws.data.sources.extra import Source as Source
from kws.data.sources.extra import heard_in_training, prepare_extra
from kws.data.splits import TESTING, TRAINING, VALIDATION, HashedSplit, SplitRule
from kws.data.training_pool import TrainingPool, TrainingShares, make_training_pool
from kws.errors import KwsError, checks
from kws.frontend.front_end import FRONT_ENDS, FrontEnd
from kws.labels import LabelSet
from kws.training.device_corpus import DeviceCorpus
from kws.training.loader import FixedLoader, RawBatch, TrainingLoader

log = logging.getLogger(__name__)


class FeatureBatch(NamedTuple):
    """What a network trains on.

    Attributes:
        features: float (batch, frames, bins).
        labels: int64 (batch,).
    """

    features: Tensor
    labels: Tensor


class KeywordData(pl.LightningDataModule):
    """Training, validation and testing clips of wanted words, unknown words and silence.

    Training draws its unknown and silence clips anew each epoch and augments, on the device; the other sets are fixed.

    Attributes:
        unseen: after `setup`, the clips of the split's unseen words; None: it has none.

    Args:
        source: where the sound comes from.
        words: wanted words.
        front_end: a front end or its settings (`name` and others); its spec gives sample rate and clip length.
        test_source: a test set with a folder a label (see kws.data.sets.test_set); None: the split's testing set.
        augment: augmentation of training clips; None: none.
        split: which clips train, validate and test.
        unknown_percentage, silence_percentage: clips of each label, in percent of the wanted clips.
        extra: more sources, for training alone; clips by speakers who validate or test are left out of them.
        training_unknown_percentage: unknown clips in training, in percent of the keywords'; None: the same.
        extra_percentage, extra_unknown_percentage, unknown_sampling_alpha, unknown_weights: see `TrainingShares`.
        keyword_sampling_alpha, max_clips_per_word: likewise.
        batch_size: clips a step (on each device).
        seed: of all draws.
        resample: resample clips of another rate, or refuse them by name.
        cache_dir: where the packed corpus is kept; None: in `.kws-cache` inside the data folder. progress: show a bar.
        on_device: hold all clips for training in the device's memory; on a CPU they are mapped into memory anyway.

    Raises:
        KwsError (from `setup`): whatever is wrong with the data, by name.
    """

    corpus: Corpus | None = None
    background: Background | None = None
    unseen: UnseenSet | None = None
    test_set: ClipSet | None = None
    _noise_bank: NoiseBank | None = None

    def __init__(
        self,
        source: Source,
        words: Sequence[str],
        front_end: FrontEnd | Mapping[str, Any],
        augment: Augment | None = None,
        split: SplitRule | None = None,
        unknown_percentage: float = 10.0,
        silence_percentage: float = 10.0,
        extra: Sequence[Source] = (),
        training_unknown_percentage: float | None = None,
        extra_percentage: float = 10.0,
        extra_unknown_percentage: float = 50.0,
        unknown_sampling_alpha: float = 1.0,
        unknown_weights: Mapping[str, float] | None = None,
        keyword_sampling_alpha: float = 1.0,
        max_clips_per_word: int | None = None,
        batch_size: int = 100,
        seed: int = 0,
        resample: bool = True,
        cache_dir: str | Path | None = None,
        progress: bool = True,
        on_device: bool = False,
        test_source: Source | None = None,
    ) -> None:
        super().__init__()
        self.batch_size = checks.whole("data.batch_size", batch_size, 1)
        self.seed = checks.whole("seed", seed, 0)
        self.resample, self.on_device = checks.truth("data.resample", resample), checks.truth("data.on_device", on_device)
        self.progress = checks.truth("progress", progress)
        self.cache_dir = None if cache_dir is None else checks.folder("data.cache_dir", cache_dir)
        self.source, self.test_source, self.labels = source, test_source, LabelSet(checks.words("words", words))
        self.front_end = (front_end if isinstance(front_end, FrontEnd) else FRONT_ENDS.create(front_end)).eval()
        self.augment, self.split = augment, HashedSplit() if split is None else split
        self.unknown_percentage, self.silence_percentage, self.extra = unknown_percentage, silence_percentage, tuple(extra)
        self.shares = TrainingShares(
            unknown_percentage, silence_percentage, training_unknown_percentage, extra_percentage, extra_unknown_percentage,
            unknown_sampling_alpha, unknown_weights, keyword_sampling_alpha, max_clips_per_word,
        )  # fmt: skip
        self._generators: dict[torch.device, torch.Generator] = {}

    def prepare_data(self) -> None:
        """Download, synthesise and pack, once a machine."""
        first = self.corpus is None
        self._open(self.source.prepare(), warn=first)
        for source in self.extra:
            self._open(prepare_extra(source), warn=first)
        self._open_test_set(warn=first)

    def setup(self, stage: str | None = None) -> None:
        """Open the corpus and choose the sets."""
        if self.corpus is not None:
            return
        root = self.source.prepare()
        corpus = self._open(root)
        spec = self.front_end.spec
        background = load_background(root, spec.sample_rate, spec.samples)
        if background is None and (self.silence_percentage > 0 or (self.augment is not None and self.augment.noise is not None)):
            raise KwsError(
                f"{root / BACKGROUND_FOLDER}: there is no such folder, so there is no background noise for silence clips and for"
                " augmentation. Put recordings of noise there (a minute or more each), or do without:"
                " data.silence_percentage=0 augment.noise=null"
            )
        self.test_set = self._open_test_set()
        self.unseen = unseen_set(root, corpus, self.split, self.labels)
        sets = self.split.assign(root, corpus.names)
        self.training_pool, self.validation_pool, self.testing_pool = make_pools(
            corpus.words, sets, self.labels, self.unknown_percentage, self.silence_percentage
        )
        self.epoch_pool, self._training_clips = self._with_extra(corpus, sets, self.training_pool)
        self.corpus, self.background = corpus, background
        if background is not None:
            self._noise_bank = NoiseBank(
                *(torch.from_numpy(part) for part in (background.samples, background.starts, background.lengths))
            )

    def train_dataloader(self) -> TrainingLoader:
        """Augmented batches; a resumed run goes on at the very step."""
        order = TrainingOrder(self.epoch_pool, self.batch_size, self.seed, *self._place())
        # Batches, not optimiser steps: with accumulated gradients a step has several, fewer at an epoch's end.
        step = 0 if self.trainer is None else self.trainer.fit_loop.total_batch_idx + 1
        return TrainingLoader(self._placed_clips(), order, step)

    def val_dataloader(self) -> FixedLoader:
        """Load the validation set."""
        return self._fixed(self.validation_pool, VALIDATION)

    def test_dataloader(self) -> FixedLoader:
        """The testing set, or the clips of test_source."""
        if self.test_set is not None:
            return FixedLoader(self.test_set, self.batch_size, *self._place())
        return self._fixed(self.testing_pool, TESTING)

    def fixed_training_set(self) -> ClipSet:
        """One draw of the real training clips, not augmented."""
        return self._drawn(self.training_pool, TRAINING)

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Raw clips to features, on the device they are on."""
        if not isinstance(batch, RawBatch):
            return batch
        return self.features(batch, training=self.trainer is not None and self.trainer.training)

    @torch.no_grad()
    def features(self, batch: RawBatch, *, training: bool) -> FeatureBatch:
        """Features of a raw batch; in training augmented, and with the negatives made of it."""
        device = batch.clips.device
        self.front_end = self.front_end.to(device).train(training)
        if not training or self.augment is None:
            return FeatureBatch(self.front_end(to_float(batch.clips)), batch.labels)
        if self._noise_bank is not None and self._noise_bank.samples.device != device:
            self._noise_bank = self._noise_bank.to(device)
        # All draws of a batch hang on its own seed: the step decides them, not what was drawn before.
        generator = self._generators.setdefault(device, torch.Generator(device))
        generator.manual_seed(batch.seed)
        clips, labels, silent = self.augment.extend(batch.clips, batch.labels, batch.silent, generator)
        waveform = self.augment(clips, silent, self._noise_bank, generator)
        return FeatureBatch(self.augment.mask(self.front_end(waveform), generator), labels)

    def _open(self, root: Path, warn: bool = False) -> Corpus:
        spec, cache, show = self.front_end.spec, self.cache_dir, self.progress
        return open_corpus(
            root, spec.sample_rate, spec.samples, resample=self.resample, cache_dir=cache, progress=show, fit=spec.fit, warn=warn
        )

    def _open_test_set(self, warn: bool = False) -> ClipSet | None:
        if self.test_source is None:
            return None
        spec, root = self.front_end.spec, self.test_source.prepare()
        return open_test_set(root, self.labels, spec.sample_rate, spec.samples, self.resample, self.cache_dir, spec.fit, warn)

    def _with_extra(self, corpus: Corpus, sets: NDArray[np.int8], real: SplitPool) -> tuple[TrainingPool, Clips]:
        """Build what training draws from: the real clips, then those of the extra sources by other speakers."""
        others = [self._open(prepare_extra(source)) for source in self.extra]
        for other in others:
            check_extra(other, self.split.unseen_words)
        clips = join([corpus, *others])
        extra = heard_in_training([name for other in others for name in other.names], corpus.names, sets)
        pool = make_training_pool(real, clips.words, len(corpus.names) + extra, self.labels, self.shares)
        log.info("an epoch of training: %s", pool.to_text())
        return pool, clips

    def _placed_clips(self) -> Clips | DeviceCorpus:
        """Return the training clips: in the device's memory if `on_device` is set and it is not the CPU."""
        device = torch.device("cpu") if self.trainer is None else self.trainer.strategy.root_device
        if not self.on_device or device.type == "cpu":
            return self._training_clips
        return DeviceCorpus(self._training_clips, device)

    def _fixed(self, pool: SplitPool, code: int) -> FixedLoader:
        return FixedLoader(self._drawn(pool, code), self.batch_size, *self._place())

    def _drawn(self, pool: SplitPool, code: int) -> ClipSet:
        return ClipSet.draw(self._corpus(), pool, self.background, [self.seed, code])

    def _corpus(self) -> Corpus:
        if self.corpus is None:
            raise RuntimeError("call setup() before asking for a loader")
        return self.corpus

    def _place(self) -> tuple[int, int]:
        return (0, 1) if self.trainer is None else (self.trainer.global_rank, self.trainer.world_size)
