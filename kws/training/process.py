"""What a training process needs before anything else: seeds, threads, memory."""

from __future__ import annotations

import os
import warnings

import pytorch_lightning as pl
import torch

from kws.errors import KwsError
from kws.training.allocator import keep_freed_memory

# Lightning's own, with nothing for a user to do: a change inside PyTorch; epochs shorter than the log's interval, for
# here all is counted in steps; and what it says of checkpoints that a run goes on from, in its own folder or another.
_IDLE_WARNINGS = (
    r".*LeafSpec.*is deprecated",
    r".*The number of training batches .* is smaller than the logging interval",
    r".*Checkpoint directory .* exists and is not empty",
    r".*The dirpath has changed from",
    r".*when using `ckpt_path`, callbacks used to create the checkpoint",
)


def prepare_process(seed: int, threads: int | None = None) -> None:
    """Seed every generator, set the number of threads, and keep freed memory in the process.

    Args:
        seed: of Python's, NumPy's and torch's generators.
        threads: CPU threads; None: torch's own choice, one for each core.

    Raises:
        KwsError: a seed or a number of threads that there can't be.
    """
    if not 0 <= seed < 2**32:
        raise KwsError(f"seed: {seed} given; a whole number from 0 to {2**32 - 1} expected")
    # Far more threads than cores only slow a run down; by the ten thousands they end the process.
    most = max(64, 4 * (os.cpu_count() or 1))
    if threads is not None and not 1 <= threads <= most:
        raise KwsError(f"threads: {threads} given; from 1 to {most} expected, or null: one for each core")
    for message in _IDLE_WARNINGS:
        warnings.filterwarnings("ignore", message=message)
    keep_freed_memory()
    if threads is not None:
        torch.set_num_threads(threads)
    pl.seed_everything(seed, verbose=False)
