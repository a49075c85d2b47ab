"""Lightning's Trainer, with a precision that suits the device."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl
import torch

log = logging.getLogger(__name__)

AUTO = "auto"
BFLOAT16, FLOAT32 = "bf16-mixed", "32-true"


def make_trainer(precision: Any = FLOAT32, accelerator: str = AUTO, **settings: Any) -> pl.Trainer:
    """A Trainer of these settings.

    Args:
        precision: Lightning's; or `auto`: bfloat16 where the device computes in it, float32 elsewhere.
        accelerator, settings: Lightning's.
    """
    if precision == AUTO:
        precision = BFLOAT16 if computes_bfloat16(accelerator) else FLOAT32
        log.info("precision: %s, as suits the device", precision)
    elif precision == BFLOAT16 and not computes_bfloat16(accelerator):
        log.warning("trainer.precision: this device has no instructions for %s; auto may be several times faster", precision)
    return pl.Trainer(precision=precision, accelerator=accelerator, **settings)


def computes_bfloat16(accelerator: str) -> bool:
    """Whether a device of Lightning's name for it (`auto`: the one that it would choose) has instructions for bfloat16.

    A processor without them takes float32 apart for each product, and trains a small network 2 to 7 times slower (docs/speed.md).
    """
    if accelerator in (AUTO, "gpu", "cuda") and torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if accelerator != "cpu" and (accelerator != AUTO or torch.backends.mps.is_available()):
        return False
    # Older versions of torch can't tell.
    capabilities: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
