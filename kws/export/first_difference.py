"""Where an exported model that is not equal to its checkpoint first differs: front end or network."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kws.export.formats import Format
from kws.export.parity import LIMIT, ROUNDING_MARGIN
from kws.inference.checkpoint import WaveformModel
from kws.inference.loading import load
from kws.inference.model import ExportedModel

# Largest difference of a feature; float32 features are exact to about 1e-4 (an MFCC of silence is -247).
_FEATURE_LIMIT = 1e-3


def first_difference(model: WaveformModel, form: Format, path: Path, clips: NDArray[np.float32]) -> str:
    """Export front end and network separately, compare each with the checkpoint's, and name the first that differs.

    Args:
        model: the checkpoint.
        form: the format that failed.
        path: of the exported model that failed; the halves are written beside it, and removed.
        clips: float32 (clips, samples) on which it failed.
    """
    if form.quantised:
        return "the front end is in float, as the checkpoint's: the difference arises in the quantised network"
    with torch.no_grad():
        features = model.front_end(torch.from_numpy(clips))
        probabilities = torch.softmax(model.network(features), dim=-1)
        exact = copy.deepcopy(model.front_end).double()(torch.from_numpy(clips).double())
    rounding = np.abs(exact.numpy() - features.numpy()).max(axis=(1, 2))
    half = path.with_name(f"half-{path.name}")
    try:
        heard = _run(form, model, model.front_end, torch.from_numpy(clips), half)
        answered = _run(form, model, nn.Sequential(model.network, nn.Softmax(-1)), features, half)
    except Exception as error:  # a half of something broken may break in any way, and this only explains
        return f"where the difference arises is not known: a half by itself can't be run ({error})"
    finally:
        half.unlink(missing_ok=True)
    difference = np.abs(heard - features.numpy()).max(axis=(1, 2))
    if not np.all(difference <= np.maximum(_FEATURE_LIMIT, ROUNDING_MARGIN * rounding)):
        return f"first difference: in the front end, whose features differ by {difference.max():.1e}"
    if not (apart := float(np.abs(answered - probabilities.numpy()).max())) <= LIMIT:
        return f"first difference: in the network, which differs by {apart:.1e} on equal features"
    return "front end and network are each equal to the checkpoint's by themselves: the difference arises where they are joined"


def _run(form: Format, model: WaveformModel, module: nn.Module, given: Tensor, path: Path) -> NDArray[np.float32]:
    form.write(module.eval(), given[:2], model.metadata, path, np.zeros((0, model.spec.samples), np.float32))
    return cast(ExportedModel, load(path, threads=1)).run(given.numpy())
