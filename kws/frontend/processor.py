"""Capabilities of this processor."""

from __future__ import annotations

from functools import cache

import torch


@cache
def lacks_avx512() -> bool:
    """Return True on CPUs with AVX2 but not AVX-512, where other float32 kernels are faster.

    Without them a training step takes 1.6 times as long for ds_tc_resnet, 1.1 times for bc_tc_resnet and bc_resnet.
    """
    return torch.backends.cpu.get_cpu_capability() == "AVX2"
