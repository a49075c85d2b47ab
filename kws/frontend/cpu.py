"""Properties of the CPU."""

from __future__ import annotations

from functools import cache

import torch


@cache
def lacks_avx512() -> bool:
    """Return True on CPUs with AVX2 but not AVX-512, where other float32 kernels are faster (docs/speed.md)."""
    return torch.backends.cpu.get_cpu_capability() == "AVX2"
