"""A model over a stream: samples and state in, scores and state out, each frame computed once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kws.audio.framing import FeatureSpec
from kws.errors import KwsError
from kws.frontend.features import MfccTorchaudio
from kws.inference.checkpoint import WaveformModel, probabilities
from kws.inference.torch_threads import TORCH_THREADS
from kws.models.streaming import is_stateful, to_streaming
from kws.streaming.decoder_settings import DecoderSettings
from kws.streaming.scorer import Scores, StatefulScorer, States, StreamLayout, stride_samples

STRIDE_MS = DecoderSettings().stride_ms


def default_stride_ms(hop_ms: float) -> float:
    """Return the decoder's default stride (ms), rounded to a whole number of hops."""
    return max(round(STRIDE_MS / hop_ms), 1) * hop_ms


class StreamingScores(nn.Module):
    """Streaming form of a checkpoint: its front end and network over new frames and a cache.

    Args:
        model: the checkpoint.
        stride_ms: from window to window, a whole number of the front end's hops.

    Attributes:
        layout: how it is driven.

    Raises:
        KwsError: a stride that is no multiple of the hop or longer than a window, or a front end that needs whole
            clips.
    """

    __jit_ignored_attributes__ = ("layout", "_name")

    def __init__(self, model: WaveformModel, stride_ms: float = STRIDE_MS) -> None:
        super().__init__()
        spec = model.spec
        self.stride = _checked_stride(stride_ms, model)
        # Where windows lie apart, the frames between belong to no window.
        step = min(self.stride // spec.hop, spec.frames)
        if is_stateful(model.network) and step * spec.hop < self.stride:
            raise KwsError(
                f"stride_ms: {stride_ms:g} given; this network carries its state from frame to frame and can leave none out:"
                f" give at most {spec.frames * spec.hop_ms:g}"
            )
        self.front_end, self.temperature = model.front_end, model.temperature
        strides = -(-(spec.window + (spec.frames - 1) * spec.hop) // self.stride)
        lead = strides * step - spec.frames
        self.network = to_streaming(model.network, model.front_end.frames, model.front_end.bins, step, lead)
        # The frames of a stride end where it does. They begin in earlier samples or, where windows or frames lie apart,
        # within it.
        before = spec.window + (step - 1) * spec.hop - self.stride
        self.kept = max(-(-before // self.stride), 0)
        self.first = self.kept * self.stride - before
        self._name = str(model.training_facts.get("checkpoint", "model"))
        self.layout = _layout(spec, self.stride, (self.kept * self.stride,), self.network.cache_shape)

    def forward(self, samples: Tensor, tail: Tensor, cache: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the scores (k, labels) of the windows that end with each stride of samples, and the next state.

        Args:
            samples: (k · stride samples,), k of 1 or more.
            tail: the last samples before these.
            cache: what the network keeps of the frames before.
        """
        if torch.jit.is_scripting() and (samples.dim() != 1 or samples.shape[0] % self.stride != 0):
            raise ValueError("samples: (k * stride,) expected with stride = " + str(self.stride))
        strides = torch.cat([tail, samples]).reshape(-1, self.stride)
        windows = strides.shape[0] - self.kept
        # Each stride with the sound before it is a clip to the front end, and gives the stride's own frames.
        pieces = torch.cat([strides.narrow(0, start, windows) for start in range(self.kept + 1)], dim=1)
        features = self.front_end(pieces[:, self.first :]).flatten(0, 1)
        logits, cache = self.network(features, cache)
        return probabilities(logits, self.temperature), strides[windows:].flatten(), cache

    @torch.no_grad()
    def step(self, samples: NDArray[np.float32], states: States) -> tuple[Scores, Sequence[NDArray[np.float32]]]:
        """Compute `forward` from arrays to arrays."""
        TORCH_THREADS.check(self._name)
        device = next(self.network.parameters()).device
        scores, *after = self(*(torch.from_numpy(array).to(device) for array in (samples, *states)))
        return scores.cpu().numpy(), [state.cpu().numpy() for state in after]


def checkpoint_scorer(model: WaveformModel, stride_ms: float = STRIDE_MS) -> StatefulScorer:
    """Build a streaming scorer from a checkpoint; it computes only new frames.

    Raises:
        KwsError: as for `StreamingScores`; kws.streaming.scorer.WindowScorer takes any model and stride.
    """
    module = StreamingScores(model, stride_ms).eval()
    return StatefulScorer(model.labels, model.spec, module.layout, module.step)


def streamable(model: WaveformModel, stride_ms: float) -> bool:
    """Return whether `StreamingScores` takes this model at this stride."""
    return not isinstance(model.front_end, MfccTorchaudio) and stride_samples(stride_ms, model.spec) % model.spec.hop == 0


def _checked_stride(stride_ms: float, model: WaveformModel) -> int:
    if isinstance(model.front_end, MfccTorchaudio):
        raise KwsError(
            "features: MfccTorchaudio mirrors each clip at its ends and cuts it below its own loudest band, so that no frame can"
            " be kept from window to window; train with features=mfcc or features=log_mel to stream, or score whole windows"
        )
    spec, samples = model.spec, stride_samples(stride_ms, model.spec)
    if samples % spec.hop:
        below = int(stride_ms / spec.hop_ms) * spec.hop_ms
        near = [f"{stride:g}" for stride in (below, below + spec.hop_ms) if 0 < stride <= spec.clip_ms]
        raise KwsError(
            f"stride_ms: {stride_ms:g} given; a multiple of the features' hop_ms={spec.hop_ms:g} is expected, for only whole"
            f" frames can be kept from window to window (scoring whole windows takes any stride); give {' or '.join(near)}"
        )
    return samples


def _layout(spec: FeatureSpec, stride: int, tail: tuple[int, ...], cache: tuple[int, ...]) -> StreamLayout:
    used = spec.window + (spec.frames - 1) * spec.hop
    pad = -used % stride
    return StreamLayout(stride, pad, (used + pad) // stride - 1, (("tail", tail), ("cache", cache)))
