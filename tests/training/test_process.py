"""What a training process is prepared with."""

from __future__ import annotations

import warnings

import pytest
import torch

from kws.errors import KwsError
from kws.training.process import prepare_process


@pytest.mark.usefixtures("quiet")
def test_seed_and_threads_are_set() -> None:
    prepare_process(7, 1)
    first = torch.rand(3)
    prepare_process(7)
    assert torch.equal(torch.rand(3), first)
    assert torch.get_num_threads() == 1


@pytest.mark.parametrize(
    ("seed", "threads", "named"),
    [
        (-1, None, "seed: -1 given; a whole number from 0 to 4294967295"),
        (2**32, None, "seed: 4294967296 given"),
        (1, 0, "threads: 0 given; from 1 to"),
        (1, -1, "threads: -1 given"),
        (1, 100_000, "threads: 100000 given"),
    ],
)
def test_what_there_cannot_be_is_refused(seed: int, threads: int | None, named: str) -> None:
    with pytest.raises(KwsError, match=named):
        prepare_process(seed, threads)


@pytest.mark.usefixtures("quiet")
def test_only_warnings_with_nothing_to_do_are_silent() -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        prepare_process(1)
        warnings.warn("The number of training batches (6) is smaller than the logging interval Trainer(20).", stacklevel=1)
        warnings.warn("your data is odd", stacklevel=1)
    assert [str(warning.message) for warning in said] == ["your data is odd"]
