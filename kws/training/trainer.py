"""Lightning's Trainer, with a precision that suits the device."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl
import torch

from kws.errors import KwsError

log = logging.getLogger(__name__)

AUTO = "auto"
BFLOAT16, FLOAT32 = "bf16-mixed", "32-true"
# The first four, and Lightning's other names for them.
PRECISIONS = (FLOAT32, BFLOAT16, "16-mixed", AUTO, "32", "16", "bf16")


def make_trainer(
    precision: Any = FLOAT32,
    accelerator: str = AUTO,
    strategy: Any = AUTO,
    max_steps: int | None = None,
    val_check_interval: Any = None,
    check_val_every_n_epoch: int | None = None,
    **settings: Any,
) -> pl.Trainer:
    """Build a Trainer of these settings.

    Args:
        precision: Lightning's; or `auto`: bfloat16 where the device computes in it, float32 elsewhere.
        accelerator, strategy, settings: Lightning's.
        max_steps: steps to take; None: no limit.
        val_check_interval: steps between validations; as a fraction, a part of an epoch.
        check_val_every_n_epoch: Lightning's.

    Raises:
        KwsError: a setting with which a run has no result, or no end.
    """
    _check_precision(precision)
    _check_strategy(strategy)
    _check_ends(max_steps, settings)
    if isinstance(val_check_interval, float) and check_val_every_n_epoch is None:
        check_val_every_n_epoch = 1  # Lightning counts fractions within an epoch alone
    _check_interval(val_check_interval)
    if precision == AUTO:
        precision = BFLOAT16 if computes_bfloat16(accelerator) else FLOAT32
        log.info("precision: %s, as suits the device", precision)
    elif precision == BFLOAT16 and not computes_bfloat16(accelerator):
        log.warning("trainer.precision: this device has no instructions for %s; auto may be several times faster", precision)
    return pl.Trainer(
        precision=precision, accelerator=accelerator, strategy=strategy, max_steps=-1 if max_steps is None else max_steps,
        val_check_interval=val_check_interval, check_val_every_n_epoch=check_val_every_n_epoch, **settings,
    )  # fmt: skip


def _check_precision(precision: Any) -> None:
    # With the weights themselves in another precision, features would have to be as well.
    if str(precision) not in PRECISIONS:
        raise KwsError(f"trainer.precision: {precision} given; {', '.join(PRECISIONS[:4])} expected")


def _check_strategy(strategy: Any) -> None:
    if isinstance(strategy, str) and any(kind in strategy for kind in ("spawn", "fork", "notebook")):
        raise KwsError(f"trainer.strategy: {strategy} starts processes that give no result back; give ddp")


def _check_interval(interval: Any) -> None:
    if isinstance(interval, float) and not 0 < interval <= 1:
        raise KwsError(
            f"trainer.val_check_interval: {interval} given; steps, or a part of an epoch above 0 and up to 1, expected"
        )
    if isinstance(interval, int) and interval < 1:
        raise KwsError(f"trainer.val_check_interval: {interval} given; at least 1 step between validations expected")


def _check_ends(max_steps: int | None, settings: Mapping[str, Any]) -> None:
    if settings.get("fast_dev_run"):
        raise KwsError(
            "trainer.fast_dev_run: keeps no weights to test; for a short trial give schedule.steps, such as"
            " 'schedule.steps=[4,4]' trainer.val_check_interval=4"
        )
    other_end = settings.get("max_epochs") is not None or settings.get("max_time") is not None
    if max_steps is not None and max_steps < 1 and not (max_steps == -1 and other_end):
        raise KwsError(f"trainer.max_steps: {max_steps} given; at least 1 expected, or -1 with trainer.max_epochs or max_time")


def computes_bfloat16(accelerator: str) -> bool:
    """Return whether this Lightning accelerator supports bfloat16 natively (`auto`: the one it would choose).

    A processor without them emulates bfloat16, which trains small networks several times slower (docs/speed.md).
    """
    if accelerator in (AUTO, "gpu", "cuda") and torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if accelerator != "cpu" and (accelerator != AUTO or torch.backends.mps.is_available()):
        return False
    # Older versions of torch can't tell.
    capabilities: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
