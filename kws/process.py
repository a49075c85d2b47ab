"""What a training process needs before anything else: seeds, threads, memory."""

from __future__ import annotations

import warnings

import pytorch_lightning as pl
import torch

from kws.allocator import keep_freed_memory


def prepare_process(seed: int, threads: int | None = None) -> None:
    """Seed every generator, set the number of threads, and keep freed memory in the process.

    Args:
        seed: of Python's, NumPy's and torch's generators.
        threads: CPU threads; None: torch's own choice, one for each core.
    """
    # Lightning's own, about a change inside PyTorch: nothing a user could do.
    warnings.filterwarnings("ignore", message=r".*LeafSpec.*is deprecated")
    keep_freed_memory()
    if threads is not None:
        torch.set_num_threads(threads)
    pl.seed_everything(seed, verbose=False)
