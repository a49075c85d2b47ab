"""The loss: plain, smoothed, of mixed clips, and beside a teacher."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F
from exported import make_model
from torch import Tensor, nn

from kws.errors import KwsError
from kws.models.config import ModelConfig
from kws.training.loss import Objective
from kws.training.teacher import Teacher

LABELS = torch.arange(12) % 4


class Linear(nn.Linear):
    """A network of (batch, 3, 2) features that keeps what it was given."""

    def __init__(self) -> None:
        super().__init__(6, 4)
        self.heard: list[Tensor] = []

    def forward(self, features: Tensor) -> Tensor:
        self.heard.append(features)
        return super().forward(features.flatten(1))


@dataclass
class Expert:
    recipe: ModelConfig
    network: nn.Module


RECIPE = ModelConfig(("yes", "no"), {"name": "mfcc"}, {"name": "single_fc"})


def taught_by(network: nn.Module) -> Teacher:
    return Teacher([Expert(RECIPE, network)])


@pytest.fixture
def features() -> Tensor:
    torch.manual_seed(0)
    return torch.randn(12, 3, 2)


def test_plain_cross_entropy(features: Tensor) -> None:
    network = Linear()
    loss, logits = Objective()(network, features, LABELS)
    assert torch.equal(logits, network(features))
    torch.testing.assert_close(loss, F.cross_entropy(logits, LABELS))


def test_label_smoothing(features: Tensor) -> None:
    loss, logits = Objective(label_smoothing=0.1)(Linear(), features, LABELS)
    torch.testing.assert_close(loss, F.cross_entropy(logits, LABELS, label_smoothing=0.1))


def test_mixed_clips_have_mixed_labels(features: Tensor) -> None:
    network = Linear()
    torch.manual_seed(1)
    loss, logits = Objective(mixup=0.5)(network, features, LABELS)
    (heard,) = network.heard
    # Each row is a share of its own clip, at least half, and the rest of one other.
    target = torch.zeros(12, 4)
    for row, mixed in enumerate(heard):
        found = None
        for other in range(12):
            if other == row:
                continue
            way = features[other] - features[row]
            share = float(((mixed - features[row]) * way).sum() / way.square().sum())
            if torch.allclose(features[row] + share * way, mixed, atol=1e-5):
                found = (other, share)
        if found is None:
            torch.testing.assert_close(mixed, features[row])
            found = (row, 0.0)
        assert -1e-5 <= found[1] <= 0.5 + 1e-5
        target[row, LABELS[row]] += 1 - found[1]
        target[row, LABELS[found[0]]] += found[1]
    torch.testing.assert_close(loss, F.cross_entropy(logits, target), rtol=1e-4, atol=1e-5)
    assert not torch.equal(heard, features)


def test_a_teacher_is_followed(features: Tensor) -> None:
    teacher, student = Linear(), Linear()
    objective = Objective(teacher=taught_by(teacher), teacher_weight=1.0, temperature=3.0)
    loss, logits = objective(student, features, LABELS)
    ours, theirs = F.log_softmax(logits / 3, dim=1), F.softmax(teacher(features) / 3, dim=1)
    torch.testing.assert_close(loss, 9 * F.kl_div(ours, theirs, reduction="batchmean"))
    loss.backward()
    assert student.weight.grad is not None
    assert teacher.weight.grad is None
    # A student that answers as its teacher has nothing to learn.
    same, _ = objective(teacher, features, LABELS)
    assert float(same) < 1e-6
    half, _ = Objective(teacher=taught_by(teacher), teacher_weight=0.5)(teacher, features, LABELS)
    torch.testing.assert_close(half, 0.5 * F.cross_entropy(teacher(features), LABELS))


def test_a_teacher_is_asked_about_the_recipe() -> None:
    model = make_model("single_fc", "mfcc")
    Objective().check(model.recipe)
    objective = Objective(teacher=Teacher([model]))
    objective.check(model.recipe)
    with pytest.raises(KwsError, match=r"objective.teacher: it has features=.*mfcc.*log_mel"):
        objective.check(make_model("single_fc", "log_mel").recipe)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"label_smoothing": 1.0}, "label_smoothing: 1 is no share"), ({"mixup": -0.1}, "mixup: -0.1 makes no sense"),
        ({"teacher_weight": 1.5}, "teacher_weight: 1.5 is no share"), ({"temperature": 0.0}, "temperature: 0 makes no sense"),
    ],
)  # fmt: skip
def test_settings_that_make_no_sense(settings: dict[str, float], message: str) -> None:
    with pytest.raises(KwsError, match=f"objective.{message}"):
        Objective(**settings)  # type: ignore[arg-type]
