"""Networks over a stream: new frames in, scores of the windows that end with them out, and a cache for the next call."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class StreamedNetwork(nn.Module):
    """What scores a stream has: `cache_shape`; features and a cache in, logits and the next cache out.

    Windows hold `frames` frames and end at every `step`-th one. A network that can share work between windows brings its own as
    `network.streamed(step)`. A causal one, whose frames hear what came before their window as well, brings `network.carried(step,
    lead)`, where the first `lead` frames lie before the stream.

    Args:
        step: frames from window to window, at most a window's.
        cache_shape: of the cache, zeros before the stream begins.
    """

    def __init__(self, step: int, cache_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.step, self.cache_shape = step, cache_shape

    def forward(self, features: Tensor, cache: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (windows, labels) and the next cache, of new features (windows · step, bins) and the cache."""
        raise NotImplementedError


class CachedFeatures(StreamedNetwork):
    """Any network: the features are cached, and every window goes through the whole network.

    Args:
        network: features (batch, frames, bins) to logits (batch, labels).
        frames, bins: sizes of its input.
        step: frames from window to window, at most a window's.
    """

    def __init__(self, network: nn.Module, frames: int, bins: int, step: int) -> None:
        super().__init__(step, (frames - step, bins))
        self.network = network
        self.frames = frames

    def forward(self, features: Tensor, cache: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (windows, labels) and the next cache, of new features (windows · step, bins) and the cache."""
        rows = torch.cat([cache, features])
        windows = features.shape[0] // self.step
        # Whole frames are gathered: exported, an `unfold` would gather single values.
        starts = self.step * torch.arange(windows, device=rows.device)
        inside = torch.arange(self.frames, device=rows.device)
        logits: Tensor = self.network(rows[starts[:, None] + inside])
        return logits, rows[rows.shape[0] - self.cache_shape[0] :]


def streamed(network: nn.Module, frames: int, bins: int, step: int, lead: int = 0) -> StreamedNetwork:
    """The network over a stream: as it does this itself, or else as any network can.

    Args:
        network: features (batch, frames, bins) to logits.
        frames, bins: sizes of its input.
        step: frames from window to window, at most a window's.
        lead: frames before the stream's first.
    """
    made: StreamedNetwork
    if carries(network):
        made = network.carried(step, lead)  # type: ignore[operator]
        return made
    own = getattr(network, "streamed", None)
    made = own(step) if callable(own) else CachedFeatures(network, frames, bins, step)
    return made


def carries(network: nn.Module) -> bool:
    """Whether a window's scores depend on what was heard before it, so that only a stream's first is the clip by itself."""
    return callable(getattr(network, "carried", None))
