"""The lean mean is a mean, and so is its gradient."""

from __future__ import annotations

import pytest
import torch

from kws.models.layers.mean import lean_mean


@pytest.mark.parametrize("dim", [0, 1, 2])
def test_it_is_torchs_mean_with_torchs_gradient(dim: int) -> None:
    values = torch.randn(3, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    torch.testing.assert_close(lean_mean(values, dim), values.mean(dim, keepdim=True))
    assert torch.autograd.gradcheck(lambda given: lean_mean(given, dim), (values,))


def test_the_gradient_takes_no_memory_of_its_own() -> None:
    values = torch.zeros(2, 7, 3, requires_grad=True)
    (gradient,) = torch.autograd.grad(lean_mean(values, 1).sum(), values)
    assert gradient.stride()[1] == 0
