"""The LightningModule: loss, metrics, optimiser and schedule around a plain network."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from pytorch_lightning.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn

from kws.evaluation.confusion import Confusion
from kws.files.version import VERSION
from kws.inference.metadata import CHECKPOINT_KEY
from kws.models.config import ModelConfig
from kws.training.datamodule import FeatureBatch
from kws.training.loss import Objective
from kws.training.nan_guard import NanCheck, check_loss, check_weights
from kws.training.optimizer import check_options, given_options, take_options
from kws.training.schedule import Schedule


class KeywordModule(pl.LightningModule):
    """Trains the network of a recipe on features, and keeps the recipe in every checkpoint.

    Args:
        recipe: labels, front end and network.
        optimizer: makes an optimiser of parameters.
        schedule: factor on its rate for each step; None: constant.
        check_nans: stop with the name of the first layer whose output or gradient is not finite; without it a run stops
            at a loss that is not, as often as it logs one.
        objective: the loss; None: plain cross entropy.

    Attributes:
        confusion: counts of the last whole validation or testing pass.
        loss: mean loss of that pass.

    Raises:
        KwsError: an objective that does not fit, or numbers of the optimiser that are not finite.
    """

    def __init__(
        self,
        recipe: ModelConfig,
        optimizer: Callable[[Iterator[nn.Parameter]], torch.optim.Optimizer] | None = None,
        schedule: Schedule | None = None,
        check_nans: bool = False,
        objective: Objective | None = None,
    ) -> None:
        super().__init__()
        self._objective = Objective() if objective is None else objective
        self._objective.check(recipe)
        check_options(given_options(optimizer))
        self.recipe, self.labels = recipe, recipe.labels
        # Channels last is what oneDNN and cuDNN run fastest; the numbers are the same.
        self.network = recipe.build_network(recipe.build_front_end())
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._optimizer, self._schedule = optimizer, schedule
        self._nan_check = NanCheck(self.network) if check_nans else None
        self._counts = torch.zeros(len(self.labels), len(self.labels), dtype=torch.int64)
        self._loss_sum = torch.zeros((), dtype=torch.float64)
        self.confusion: Confusion | None = None
        self.loss = float("nan")
        self._random_state: dict[str, Any] | None = None
        self._resumed = False
        self._last_log = (0.0, 0)

    def forward(self, features: Tensor) -> Tensor:
        """Logits (batch, labels) of features (batch, frames, bins)."""
        logits: Tensor = self.network(features)
        return logits

    def training_step(self, batch: FeatureBatch, batch_idx: int) -> Tensor:
        """Return the loss of a batch.

        Raises:
            Diverged: it is not finite, at a step that is logged.
        """
        loss, logits = self._objective(self.network, batch.features, batch.labels)
        # Logging costs as much as a small network's step, so it is done only where it is kept.
        every = log_interval(self.trainer)
        if every and (self.global_step + 1) % every == 0:
            self._log_training(loss.detach(), logits.detach(), batch.labels)
        return loss

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """With check_nans: stop before a step that would spoil the weights."""
        if self._nan_check is not None:
            self._nan_check.check_gradients()

    def on_validation_epoch_start(self) -> None:
        """Start counting."""
        self._counts = torch.zeros_like(self._counts, device=self.device)
        self._loss_sum = torch.zeros((), dtype=torch.float32, device=self.device)

    def validation_step(self, batch: FeatureBatch, batch_idx: int) -> None:
        """Count a batch, in float32 whatever training computes in: so do the files that are exported."""
        with torch.autocast(self.device.type, enabled=False):
            logits = self(batch.features.float())
        self._loss_sum += F.cross_entropy(logits, batch.labels, reduction="sum")
        size = len(self.labels)
        pairs = batch.labels * size + logits.argmax(dim=1)
        self._counts += torch.bincount(pairs, minlength=size * size).reshape(size, size)

    def on_validation_epoch_end(self) -> None:
        """Sum over processes; log accuracy and loss."""
        self._finish("val")

    def on_test_epoch_start(self) -> None:
        """Start counting."""
        self.on_validation_epoch_start()

    def test_step(self, batch: FeatureBatch, batch_idx: int) -> None:
        """Count a batch."""
        self.validation_step(batch, batch_idx)

    def on_test_epoch_end(self) -> None:
        """Sum over processes; log accuracy and loss."""
        self._finish("test")

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Build the optimiser, and the schedule, which is stepped every step."""
        optimizer = self.make_optimizer()
        # A lambda, because LambdaLR would write any other callable's attributes into the checkpoint.
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: self._factor(step))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def make_optimizer(self) -> torch.optim.Optimizer:
        """Build an optimiser of the network's weights."""
        if self._optimizer is None:
            raise RuntimeError("this module was made without an optimizer; it can't be trained")
        return self._optimizer(self.network.parameters())

    def optimizer_zero_grad(self, epoch: int, batch_idx: int, optimizer: torch.optim.Optimizer) -> None:
        """Drop gradients rather than zero them."""
        optimizer.zero_grad(set_to_none=True)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the recipe, so that the file says what it is, and the random state, so that a run can go on exactly.

        Raises:
            Diverged: a weight is not finite; the checkpoint before stays.
        """
        for state in ("state_dict", "current_model_state"):  # the latter where an average is kept in the former
            check_weights(checkpoint.get(state, {}), self.trainer.global_step)
        checkpoint[CHECKPOINT_KEY] = {"version": VERSION, **self.recipe.to_dict()}
        checkpoint["random_state"] = {
            "cpu": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        }
        if self.trainer.world_size > 1:
            states = self.all_gather(self._own_random_state().to(self.device))
            checkpoint["random_state"]["ranks"] = torch.as_tensor(states).cpu()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the random state along to the start of training."""
        self._resumed = True
        self._random_state = checkpoint.get("random_state")

    def on_train_start(self) -> None:
        """Restore the random state, which dropout draws from; keep this run's own learning rate."""
        if self._resumed:
            self._take_options()
            self._resumed = False
        self._last_log = (time.perf_counter(), self.global_step)
        if self.global_rank > 0:
            self._start_random_state()
            return
        if self._random_state is None:
            return
        torch.set_rng_state(self._random_state["cpu"].cpu())
        if len(self._random_state["cuda"]) == torch.cuda.device_count() > 0:
            torch.cuda.set_rng_state_all(self._random_state["cuda"])
        self._random_state = None

    def _own_random_state(self) -> Tensor:
        """Of the generator that dropout draws from in this process."""
        return torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else torch.get_rng_state()

    def _start_random_state(self) -> None:
        """In a process that trains with others: what it had at the checkpoint, if as many processes go on from it."""
        kept = (self._random_state or {}).get("ranks", torch.empty(0))
        if len(kept) == self.trainer.world_size and kept.shape[1:] == self._own_random_state().shape:
            own = kept[self.global_rank].clone()  # torch takes a view for the whole
            torch.cuda.set_rng_state(own, self.device) if self.device.type == "cuda" else torch.set_rng_state(own)
            return
        # They start from one seed, and must not all drop the same values.
        torch.manual_seed(torch.initial_seed() + 1_000_003 * self.global_rank + self.global_step)

    def _factor(self, step: int) -> float:
        return 1.0 if self._schedule is None else self._schedule(step)

    def _take_options(self) -> None:
        (config,), (optimizer,) = self.trainer.lr_scheduler_configs, self.trainer.optimizers
        scheduler = config.scheduler
        assert isinstance(scheduler, torch.optim.lr_scheduler.LambdaLR)
        take_options(optimizer, scheduler, given_options(self._optimizer), self._factor(scheduler.last_epoch))

    def _log_training(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        now, step = time.perf_counter(), self.global_step
        last, last_step = self._last_log
        self._last_log = (now, step)
        clips = len(labels) * self.trainer.world_size * (step - last_step)
        accuracy = (logits.argmax(dim=1) == labels).float().mean()
        rate = float(self.trainer.optimizers[0].param_groups[0]["lr"])
        # One process's loss is enough to spoil all their weights, and they have to stop together.
        worst = self.trainer.strategy.reduce(loss, reduce_op="sum") if self.trainer.world_size > 1 else loss
        check_loss(float(worst), step + 1, rate)
        self.log("loss", loss, prog_bar=True, logger=False)
        values: dict[str, Tensor | float] = {"train/loss": loss, "train/accuracy": accuracy, "train/lr": rate}
        values["train/clips_per_s"] = clips / max(now - last, 1e-9)
        self.log_dict(dict(values), batch_size=len(labels))

    def _finish(self, stage: str) -> None:
        counts = self.trainer.strategy.reduce(self._counts, reduce_op="sum")
        loss_sum = self.trainer.strategy.reduce(self._loss_sum, reduce_op="sum")
        self.confusion = Confusion(counts.cpu().numpy(), self.labels.names)
        self.loss = float(loss_sum) / max(1, self.confusion.total)
        values = {f"{stage}/accuracy": self.confusion.accuracy, f"{stage}/loss": self.loss}
        self.log_dict(values, prog_bar=stage == "val", batch_size=1, rank_zero_only=False)


def log_interval(trainer: pl.Trainer) -> int:
    """Return the steps between two log entries; 0: none. (Lightning sets it, but does not declare it.)"""
    return int(getattr(trainer, "log_every_n_steps", 0))
