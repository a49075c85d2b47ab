"""Teachers: one model's opinion, several models' mean, and those who can't teach."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from exported import make_model
from torch import Tensor

from kws.errors import KwsError
from kws.models.config import ModelConfig
from kws.training.teacher import Teacher, load_teacher


@pytest.fixture
def features() -> Tensor:
    torch.manual_seed(0)
    model = make_model("single_fc", "mfcc")
    return torch.randn(3, model.front_end.frames, model.front_end.bins)


def test_one_model(features: Tensor) -> None:
    model = make_model("single_fc", "mfcc")
    expected = F.softmax(model.network(features) / 2, dim=1)
    torch.testing.assert_close(Teacher([model]).probabilities(features, 2.0), expected)


def test_several_models_are_averaged(features: Tensor) -> None:
    models = [make_model("single_fc", "mfcc"), make_model("tiny_conv", "mfcc")]
    alone = [Teacher([model]).probabilities(features, 3.0) for model in models]
    assert not torch.allclose(*alone)
    together = Teacher(models).probabilities(features, 3.0)
    torch.testing.assert_close(together, (alone[0] + alone[1]) / 2)
    torch.testing.assert_close(together.sum(dim=1), torch.ones(3))
    assert not together.requires_grad


def test_it_does_not_learn() -> None:
    model = make_model("tiny_conv", "mfcc")
    model.network.train()
    Teacher([model])
    assert not model.network.training
    assert not any(parameter.requires_grad for parameter in model.network.parameters())


def test_other_words_or_features_are_refused() -> None:
    model = make_model("single_fc", "mfcc")
    Teacher([model]).check(model.recipe)
    other = ModelConfig(("left",), model.recipe.features, model.recipe.model)
    with pytest.raises(KwsError, match=r"objective.teacher: it has words=.*yes.*this run has \['left'\]"):
        Teacher([model]).check(other)
    with pytest.raises(KwsError, match=r"objective.teacher: it has features=.*log_mel.*mfcc"):
        Teacher([model, make_model("single_fc", "log_mel")]).check(model.recipe)


def test_files_that_hold_no_teacher(tmp_path: Path) -> None:
    with pytest.raises(KwsError, match=r"nothing\.ckpt"):
        load_teacher(tmp_path / "nothing.ckpt")
    with pytest.raises(KwsError, match=r"nothing\.ckpt"):
        load_teacher([str(tmp_path / "nothing.ckpt")])
    with pytest.raises(KwsError, match=r"objective.teacher.path: no checkpoint; give one or more"):
        load_teacher([])
