"""What a training process needs before anything else: seeds, threads, memory."""

from __future__ import annotations

import os
import warnings

import pytorch_lightning as pl
import torch

from kws.allocator import keep_freed_memory
from kws.errors import KwsError


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
    # Lightning's own, about a change inside PyTorch: nothing a user could do.
    warnings.filterwarnings("ignore", message=r".*LeafSpec.*is deprecated")
    keep_freed_memory()
    if threads is not None:
        torch.set_num_threads(threads)
    pl.seed_everything(seed, verbose=False)
