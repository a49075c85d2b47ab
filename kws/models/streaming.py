"""Streaming forms of networks: new frames and a cache in, logits of the windows and the next cache out."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class StreamingNetwork(nn.Module):
    """Streaming form of a network: maps (new features, cache) to (logits, next cache).

    Windows hold `frames` frames and end at every `step`-th one. A network that can share work between windows brings
    its own as `network.to_streaming(step)`. A causal one, whose frames also depend on those before their window, brings
    `network.advance` and `network.histories`: see `StatefulNetwork`.

    Args:
        step: frames from window to window, at most a window's.
        cache_shape: of the cache, zeros before the stream begins.
    """

    def __init__(self, step: int, cache_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.step, self.cache_shape = step, cache_shape

    def forward(self, features: Tensor, cache: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (windows, labels) and the next cache, of new features (windows · step, bins) and the cache."""
        raise NotImplementedError


class CachedFeatures(StreamingNetwork):
    """Streaming form of any network: features are cached, each window goes through the whole network.

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
        """Return logits (windows, labels) and the next cache, of new features (windows · step, bins) and the cache."""
        rows = torch.cat([cache, features])
        windows = features.shape[0] // self.step
        # Whole frames are gathered: exported, an `unfold` would gather single values.
        starts = self.step * torch.arange(windows, device=rows.device)
        inside = torch.arange(self.frames, device=rows.device)
        logits: Tensor = self.network(rows[starts[:, None] + inside])
        return logits, rows[rows.shape[0] - self.cache_shape[0] :]


class StatefulNetwork(StreamingNetwork):
    """Streaming form of a causal network: layers keep their last inputs, the last maps are averaged over each window.

    The cache: number of frames so far, up to a limit; the layers' last inputs; the last maps. Frames before the stream
    are zeros to each layer, as a clip's padding is.

    Args:
        network: with an `output` of averages, the `histories` of its layers (channels, frames and bins of each), and
            `advance(features, inside, histories)`, which makes maps (1, channels, time, 1) of new features (time, bins)
            and the histories (1, channels, frames, bins) after them; `inside` (1, 1, time, 1) is 0 in frames before the
            stream.
        frames: of a window.
        step: frames from window to window, at most a window's.
        lead: frames before the stream.
    """

    def __init__(self, network: nn.Module, frames: int, step: int, lead: int) -> None:
        histories: list[tuple[int, int, int]] = network.histories  # type: ignore[assignment]
        last: int = network.output.in_features  # type: ignore[assignment, union-attr]
        self.shapes, self.frames, self.channels, self.kept = histories, frames, last, frames - step
        remembered = sum(channels * length * bins for channels, length, bins in histories)
        super().__init__(step, (1 + remembered + last * self.kept,))
        self.network, self.lead = network, lead

    def forward(self, features: Tensor, cache: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (windows, labels) and the next cache, of new features (windows · step, bins) and the cache."""
        heard, place, count = cache[:1], 1, features.shape[0]
        numbers = heard + torch.arange(count, device=features.device)
        inside = (numbers >= self.lead).to(features.dtype)[None, None, :, None]
        histories: list[Tensor] = []
        for channels, length, bins in self.shapes:
            size = channels * length * bins
            histories.append(cache[place : place + size].reshape(1, channels, length, bins))
            place += size
        maps, after = self.network.advance(features, inside, histories)  # type: ignore[operator]
        # The count stops at `lead`, so that it stays exact in a float.
        parts = [torch.clamp(heard + count, max=float(self.lead))]
        for history in after:
            parts.append(history.flatten())
        rows = torch.cat([cache[place:].reshape(self.channels, -1), maps[0, :, :, 0]], dim=1)
        parts.append(rows[:, rows.shape[1] - self.kept :].flatten())
        means = F.avg_pool1d(rows[None], self.frames, self.step)[0].t()
        logits: Tensor = self.network.output(means)  # type: ignore[operator]
        return logits, torch.cat(parts)


def to_streaming(network: nn.Module, frames: int, bins: int, step: int, lead: int = 0) -> StreamingNetwork:
    """Build the streaming form of a network: its own, or the general one.

    Args:
        network: features (batch, frames, bins) to logits.
        frames, bins: sizes of its input.
        step: frames from window to window, at most a window's.
        lead: frames before the stream's first.
    """
    if is_stateful(network):
        return StatefulNetwork(network, frames, step, lead)
    own = getattr(network, "to_streaming", None)
    made: StreamingNetwork = own(step) if callable(own) else CachedFeatures(network, frames, bins, step)
    return made


def is_stateful(network: nn.Module) -> bool:
    """Return whether a window's scores depend on earlier sound; only a stream's first window then equals the clip."""
    return callable(getattr(network, "advance", None))
