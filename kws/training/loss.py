"""The training loss: cross-entropy, optionally with label smoothing, mixup and distillation."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kws.errors import KwsError
from kws.models.config import ModelConfig
from kws.training.teacher import Teacher


class Objective:
    """The loss of a batch.

    Args:
        label_smoothing: share of the target that is spread over all labels (Szegedy et al. 2016); 0: none.
        mixup: clips are mixed in pairs by shares drawn from Beta(mixup, mixup), labels alike (Zhang et al. 2018); 0:
            none.
        teacher: one or more better models for the same words and features, whose mean probabilities are followed
            (Hinton et al. 2015); None: none.
        teacher_weight: weight of the distillation loss; the cross-entropy gets 1 - teacher_weight.
        temperature: applied to student and teacher logits in the distillation loss.

    Raises:
        KwsError: a value out of range.
    """

    def __init__(
        self,
        label_smoothing: float = 0.0,
        mixup: float = 0.0,
        teacher: Teacher | None = None,
        teacher_weight: float = 0.7,
        temperature: float = 2.0,
    ) -> None:
        if not 0 <= label_smoothing < 1:
            raise KwsError(f"objective.label_smoothing: {label_smoothing:g} is no share; give at least 0 and less than 1")
        if not mixup >= 0:
            raise KwsError(f"objective.mixup: {mixup:g} makes no sense; give 0 for none, or such as 0.2")
        if not 0 <= teacher_weight <= 1:
            raise KwsError(f"objective.teacher_weight: {teacher_weight:g} is no share; give 0 to 1")
        if not temperature > 0:
            raise KwsError(f"objective.temperature: {temperature:g} makes no sense; give a number above 0, such as 2")
        self.label_smoothing, self.mixup = label_smoothing, mixup
        self.teacher_weight, self.temperature = teacher_weight, temperature
        self.teacher = teacher

    def check(self, recipe: ModelConfig) -> None:
        """Make sure that a student of this recipe can follow the teacher.

        Raises:
            KwsError: the teacher has other words or other features.
        """
        if self.teacher is not None:
            self.teacher.check(recipe)

    def __call__(self, network: nn.Module, features: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss of a batch and the network's logits (batch, labels).

        Args:
            network: features to logits.
            features: (batch, frames, bins).
            labels: int64 (batch,).
        """
        if not self.mixup:
            logits = network(features)
            return self._follow(features, logits, self._entropy(logits, labels)), logits
        share = torch.distributions.Beta(self.mixup, self.mixup).sample(labels.shape).to(features.device)
        # Each clip stays the greater part of its own mixture.
        share = torch.maximum(share, 1 - share)
        other = torch.randperm(len(labels)).to(features.device)
        features = torch.lerp(features[other], features, share[:, None, None])
        logits = network(features)
        entropy = share * self._entropy(logits, labels) + (1 - share) * self._entropy(logits, labels[other])
        return self._follow(features, logits, entropy), logits

    def _entropy(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the cross-entropy of each clip (batch,)."""
        return F.cross_entropy(logits.float(), labels, label_smoothing=self.label_smoothing, reduction="none")

    def _follow(self, features: Tensor, logits: Tensor, entropy: Tensor) -> Tensor:
        if self.teacher is None:
            return entropy.mean()
        target = self.teacher.probabilities(features, self.temperature)
        ours = F.log_softmax(logits.float() / self.temperature, dim=1)
        # The square keeps the gradient's size whatever the temperature.
        distance = F.kl_div(ours, target, reduction="batchmean") * self.temperature**2
        return self.teacher_weight * distance + (1 - self.teacher_weight) * entropy.mean()
