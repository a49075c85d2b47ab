"""causal_bc_resnet: broadcasted residual learning that looks back alone, so that it streams with its state carried."""

from __future__ import annotations

from torch import Tensor

from kws.models.bc_resnet import BcResNet, Block
from kws.models.streamed import CarriedNetwork, StreamedNetwork


class CausalBcResNet(BcResNet):
    """BC-ResNet with every convolution over time moved to the past: the same size, and a stream's frame costs a hundredth.

    Little has to be remembered: the convolutions over time are at the input, at the output, and of one row for each channel of a
    block. Before a clip's first frame there are zeros; in a stream there is what was heard before, and only the stream's first
    window equals the same clip by itself.

    Args:
        frames, bins, labels, width, dropout, bands: see `BcResNet`.
    """

    def __init__(self, frames: int, bins: int, labels: int, width: float = 1.0, dropout: float = 0.1, bands: int = 5) -> None:
        super().__init__(frames, bins, labels, width, dropout, bands, causal=True)
        self.frames = frames
        blocks = [block for block in self.blocks if isinstance(block, Block)]
        head = self.head.depthwise
        self.histories = [
            (1, self.stem.convolution.before, bins),
            *((block.outputs, block.history, 1) for block in blocks),
            (head.out_channels, head.before, bins // 8),
        ]

    def carried(self, step: int, lead: int) -> StreamedNetwork:
        """This network over a stream, its state carried from frame to frame; the first `lead` frames are before the stream."""
        return CarriedNetwork(self, self.histories, self.frames, self.output.in_features, step, lead)

    def advance(self, features: Tensor, inside: Tensor, histories: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Maps of new features of a stream, and the histories after them: see `CarriedNetwork`."""
        image = self.norm(features.t()[None, :, :, None]).permute(0, 3, 2, 1)
        maps, history = self.stem.advance(image * inside, histories[0])
        after = [history]
        for index, block in enumerate(self.blocks):
            maps, history = block.advance(maps, inside, histories[index + 1])  # type: ignore[operator]
            after.append(history)
        maps, history = self.head.advance(maps * inside, histories[len(histories) - 1])
        after.append(history)
        return maps, after
