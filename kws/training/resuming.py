"""Going on from a checkpoint: what must be the same, and what is said where it is not."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kws.audio.framing import START
from kws.errors import KwsError
from kws.frontend.front_end import FRONT_ENDS
from kws.inference.checkpoint import read_checkpoint
from kws.inference.metadata import CHECKPOINT_KEY
from kws.training.former_names import by_todays_names
from kws.training.module import KeywordModule
from kws.training.optimizer import unlike
from kws.training.record import RUN_KEY, differences

log = logging.getLogger(__name__)


def check_resumable(path: str | Path, module: KeywordModule, settings: Mapping[str, Any], steps: int) -> dict[str, Any]:
    """Make sure that a run can go on from a checkpoint, and say which settings are not what they were.

    Words, front end, network and kind of optimiser must be the same. Other settings of this run hold from the
    checkpoint's step on.

    Args:
        path: the checkpoint.
        module: of this run.
        settings: of this run, see `recorded_settings`.
        steps: that this run ends after; below 0: no number.

    Returns:
        What the checkpoint holds.

    Raises:
        KwsError: it can't go on from there; or as for `load_checkpoint`.
    """
    checkpoint = read_checkpoint(Path(path))
    _check_network(path, checkpoint, module)
    kept = by_todays_names(checkpoint.get(RUN_KEY, {}).get("settings", {}))
    _check_optimizer(path, checkpoint, module, kept.get("optim._target_"), settings.get("optim._target_"))
    done = int(checkpoint.get("global_step", 0))
    if 0 <= steps < done:
        raise KwsError(
            f"ckpt: {path} has {done} steps, and this run ends after {steps}; give a longer schedule, or an earlier checkpoint"
        )
    if steps == done:
        log.warning("ckpt: %s has all %d steps of this run: nothing is left to train; it is tested", path, done)
    if kept:
        for line in differences(kept, settings):
            log.warning("ckpt: %s; this holds from step %d on", line, done)
    return checkpoint


def _check_network(path: str | Path, checkpoint: Mapping[str, Any], module: KeywordModule) -> None:
    kept, mine = checkpoint[CHECKPOINT_KEY], module.recipe.to_dict()
    for section in ("words", "features"):
        before = kept.get(section)
        if section == "features" and isinstance(before, Mapping):
            # Earlier checkpoints do not say how they fit a recording to a clip.
            before = {"fit": START, **FRONT_ENDS.by_name(before)}
            mine[section] = {"fit": START, **mine[section]}
        if before != mine[section]:
            raise KwsError(
                f"ckpt: {path} has {section}={kept.get(section)}, this run has {mine[section]}; go on with the same {section}"
            )
    sizes, own = (
        {name: tuple(value.shape) for name, value in state.items()} for state in (checkpoint["state_dict"], module.state_dict())
    )
    if sizes != own:
        raise KwsError(f"ckpt: {path} has model={kept.get('model')}, this run has {mine['model']}; go on with the same model")


def _check_optimizer(
    path: str | Path, checkpoint: Mapping[str, Any], module: KeywordModule, kept: str | None, mine: str | None
) -> None:
    states = checkpoint.get("optimizer_states") or []
    if not states:
        raise KwsError(f"ckpt: {path} holds weights alone, nothing to go on from; give a checkpoint that a run wrote")
    optimizer = module.make_optimizer()
    other = kept != mine if kept and mine else unlike(states[0], optimizer)
    if other:
        name = mine or type(optimizer).__name__
        raise KwsError(
            f"ckpt: {path} was trained with {kept or 'another optimiser'}, this run has optim={name}: what the one has gathered"
            " is nothing to the other; go on with the same optim (its lr and other numbers may change)"
        )
