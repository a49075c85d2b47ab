"""Small untrained models whose answers still differ from sound to sound, and every combination of network and front end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import kws
from kws.export.probes import hard_signals
from kws.inference.checkpoint import WaveformModel
from kws.inference.metadata import CHECKPOINT_KEY
from kws.models.config import ModelConfig

WORDS = ("yes", "no", "stop")
NETWORKS: dict[str, dict[str, Any]] = {
    "single_fc": {"name": "single_fc"},
    "conv": {"name": "conv", "filters": 3},
    "low_latency_conv": {"name": "low_latency_conv", "filters": 6, "units": 5},
    "low_latency_svdf": {"name": "low_latency_svdf", "units": 8, "hidden": 6},
    "tiny_conv": {"name": "tiny_conv", "filters": 3},
    "tiny_embedding_conv": {"name": "tiny_embedding_conv", "filters": 3},
    "bc_resnet": {"name": "bc_resnet", "width": 0.5},
    "bc_tc_resnet": {"name": "bc_tc_resnet", "stem": 4, "front": (4, 6), "channels": (8, 8, 8, 8, 10)},
    "ds_cnn": {"name": "ds_cnn", "channels": 8},
    "ds_tc_resnet": {"name": "ds_tc_resnet", "channels": (6, 4, 4, 4, 6, 6)},
}
FRONT_ENDS: dict[str, dict[str, Any]] = {
    "mfcc": {"name": "mfcc"},
    "mfcc_torchaudio": {"name": "mfcc_torchaudio"},
    "log_mel": {"name": "log_mel"},
    "average": {"name": "average"},
}


def make_model(
    network: str = "tiny_conv", front_end: str = "mfcc", seed: int = 0, words: tuple[str, ...] = WORDS, **features: Any
) -> WaveformModel:
    """A model with weights large enough that its probabilities spread over sounds."""
    torch.manual_seed(seed)
    recipe = ModelConfig(words, {**FRONT_ENDS[front_end], **features}, NETWORKS[network])
    model = WaveformModel(recipe, {"checkpoint": "made.ckpt", "steps": 3}).eval()
    for layer in model.network.modules():
        for weight in layer.parameters(recurse=False):
            if weight.dim() > 1:
                nn.init.kaiming_normal_(weight)
    clips = np.concatenate(
        [kind for name, kind in hard_signals(model.spec, seed=1).items() if "noise" in name or name == "voice"]
    )
    output = model.network.output
    assert isinstance(output, nn.Linear)
    with torch.no_grad():
        features = model.front_end(torch.from_numpy(clips))
        norms = [layer for layer in model.network.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)]
        if norms:
            # The statistics of these sounds, as after a training.
            for norm in norms:
                norm.momentum = 1.0
            model.network.train()(features)
            model.network.eval()
        logits = model.network(features)
        scale = 1.5 / logits.std(dim=0)
        output.weight.mul_(scale[:, None])
        output.bias.copy_((output.bias - logits.mean(dim=0)) * scale)
    return model


def save_checkpoint(model: WaveformModel, path: Path) -> None:
    """Write a model as train.py would have."""
    state = {f"network.{name}": value for name, value in model.network.state_dict().items()}
    entry = {"version": kws.__version__, **model.recipe.to_dict()}
    torch.save({"state_dict": state, "global_step": 3, CHECKPOINT_KEY: entry, "loops": {"a": [1, 2]}}, path)
