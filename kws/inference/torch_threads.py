"""torch's own threads, and processes that were forked from one that had started them."""

from __future__ import annotations

import os

import torch

from kws.errors import KwsError


class TorchThreads:
    """Remembers which process let torch start its threads.

    They are OpenMP threads: a forked child has none of them, and its first operator that uses several threads waits
    for them forever. With one thread there is no wait.
    """

    def __init__(self) -> None:
        self._started_in: int | None = None

    def check(self, name: str) -> None:
        """Call before torch computes anything that may use several threads.

        Args:
            name: of the model, for the error.

        Raises:
            KwsError: the computation would never end.
        """
        threads = torch.get_num_threads()
        if threads == 1:
            return
        if self._started_in is None:
            self._started_in = os.getpid()
        elif self._started_in != os.getpid():
            raise KwsError(
                f"{name}: this process was forked from one in which torch had started its {threads} threads, and would wait for"
                " them forever; start processes with multiprocessing.get_context('spawn'), or call torch.set_num_threads(1) in"
                " each before it loads or scores anything (an .onnx file can be used in forked processes as it is)"
            )


# Threads belong to the process, so one object serves all models.
TORCH_THREADS = TorchThreads()
