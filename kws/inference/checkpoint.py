"""Loading a trained model from a checkpoint: waveform in, scores out, labels and settings inside."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kws.audio.framing import FeatureSpec
from kws.errors import KwsError, first_line
from kws.frontend.front_end import FrontEnd
from kws.inference.metadata import CHECKPOINT_KEY, Metadata, checked_temperature
from kws.inference.model import check_waveforms, read_clips
from kws.inference.torch_threads import TORCH_THREADS
from kws.labels import LabelSet
from kws.models.config import ModelConfig
from kws.streaming.decoder_settings import DecoderSettings


class WaveformModel(nn.Module):
    """A front end and a network: sound in, probabilities out.

    Args:
        recipe: labels and settings.
        training: where the weights came from, for the metadata.
        decoder: settings of the streaming decoder, for the metadata; None: the defaults.
        temperature: logits are divided by it, so that the probabilities are calibrated.

    Attributes:
        recipe, decoder, temperature: as given.
        front_end, network: the two halves.
    """

    def __init__(
        self,
        recipe: ModelConfig,
        training: Mapping[str, Any] | None = None,
        decoder: DecoderSettings | None = None,
        temperature: float = 1.0,
    ) -> None:
        super().__init__()
        self.temperature = temperature
        self.recipe, self.training_facts, self.decoder = recipe, dict(training or {}), decoder or DecoderSettings()
        self.front_end: FrontEnd = recipe.build_front_end()
        self.network = recipe.build_network(self.front_end)

    @property
    def labels(self) -> LabelSet:
        """The label set."""
        return self.recipe.labels

    @property
    def spec(self) -> FeatureSpec:
        """Rate and length of the clips it takes."""
        return self.front_end.spec

    @property
    def metadata(self) -> Metadata:
        """Labels and settings, as every exported model carries them."""
        return Metadata(
            self.labels, self.spec, self.recipe.features, self.recipe.model, self.decoder, self.training_facts,
            temperature=self.temperature,
        )  # fmt: skip

    def __call__(self, waveform: Any) -> Any:
        """Score an array with `score`; pass a tensor through `forward`, as any module does."""
        return super().__call__(waveform) if isinstance(waveform, Tensor) else self.score(waveform)

    def forward(self, waveform: Tensor) -> Tensor:
        """Return the probabilities (batch, labels) of a float waveform (batch, samples) in [-1, 1]."""
        return probabilities(self.network(self.front_end(waveform)), self.temperature)

    def read(self, *paths: str | Path) -> NDArray[np.float32]:
        """Read sound files as clips for `score`, (files, samples): see `kws.inference.model.read_clips`."""
        return read_clips(paths, self.spec)

    @torch.no_grad()
    def score(self, waveform: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probabilities (batch, labels) of waveforms (batch, samples) in [-1, 1], as arrays.

        Raises:
            KwsError: another shape or type, or NaN or infinite samples.
        """
        TORCH_THREADS.check(str(self.training_facts.get("checkpoint", "model")))
        device = next(self.network.parameters()).device
        checked = torch.from_numpy(check_waveforms(waveform, self.spec))
        scores: NDArray[np.float32] = self(checked.to(device)).float().cpu().numpy()
        return scores


def probabilities(logits: Tensor, temperature: float) -> Tensor:
    """Return the softmax over the last axis of logits divided by a temperature; can be scripted and exported."""
    if temperature != 1.0:
        logits = logits / temperature
    return torch.softmax(logits, dim=-1)


def load_checkpoint(path: str | Path) -> WaveformModel:
    """Load a checkpoint of train.py, ready to score; `.to(device)` moves it, as any module.

    Args:
        path: a `.ckpt` file.

    Raises:
        KwsError: the file is missing, broken, or not a checkpoint of kws; or this process was forked from one that used
            torch.
    """
    path = Path(path)
    TORCH_THREADS.check(str(path))
    checkpoint = read_checkpoint(path)
    prefix = "network."
    try:
        recipe, state = ModelConfig.from_dict(checkpoint[CHECKPOINT_KEY]), checkpoint["state_dict"]
        weights = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
    except (KeyError, TypeError, AttributeError) as error:
        raise KwsError(f"{path}: its entries are not those that train.py writes ({error!r}); give another checkpoint") from error
    facts = {"checkpoint": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    # Present once `kws tune` has written them.
    decoder = DecoderSettings.from_dict(checkpoint[CHECKPOINT_KEY].get("decoder", {}))
    temperature = checked_temperature(checkpoint[CHECKPOINT_KEY].get("temperature", 1.0), str(path))
    model = WaveformModel(recipe, {**facts, "steps": int(checkpoint.get("global_step", 0))}, decoder, temperature)
    try:
        model.network.load_state_dict(weights)
    except RuntimeError as error:
        raise KwsError(f"{path}: its weights do not fit the network it names ({error})") from error
    return model.eval()


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint's contents, plain values and tensors only.

    Raises:
        KwsError: as for `load_checkpoint`.
    """
    if not path.is_file():
        raise KwsError(f"{path}: no such file; give a checkpoint that train.py wrote, such as outputs/…/checkpoints/best.ckpt")
    try:
        # A checkpoint from a stranger must not be able to run code.
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged pickle raises anything
        raise KwsError(
            f"{path}: can't be read as a checkpoint ({first_line(error)}); it is cut off, or was not written by train.py"
        ) from error
    if not isinstance(checkpoint, dict) or CHECKPOINT_KEY not in checkpoint:
        raise KwsError(f"{path}: holds no kws model (no {CHECKPOINT_KEY!r} entry); give a checkpoint that train.py wrote")
    return checkpoint
