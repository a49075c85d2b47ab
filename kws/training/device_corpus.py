"""A corpus held on the training device, so that no clip crosses the bus during training."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kws.data.concat import Clips
from kws.errors import KwsError

_BLOCK = 2048


class DeviceCorpus:
    """All clips of a corpus as one int16 tensor (clips, samples), read by their indices.

    Args:
        clips: the corpus; copied by the block.
        device: where to.

    Raises:
        KwsError: it does not fit.
    """

    def __init__(self, clips: Clips, device: torch.device) -> None:
        count, size = len(clips), len(clips) * clips.samples * 2
        try:
            self.sound = torch.empty((count, clips.samples), dtype=torch.int16, device=device)
        except RuntimeError as error:  # also what torch calls OutOfMemoryError
            free = f", {torch.cuda.mem_get_info(device)[0] / 1e9:.2f} GB are free" if device.type == "cuda" else ""
            raise KwsError(
                f"data.on_device: the {count} clips take {size / 1e9:.2f} GB on {device}{free}, and do not fit; set it to false"
            ) from error
        for start in range(0, count, _BLOCK):
            block = np.arange(start, min(start + _BLOCK, count))
            self.sound[start : start + len(block)] = torch.from_numpy(clips.read(block)).to(device)

    def gather(self, clips: NDArray[np.int64]) -> Tensor:
        """Return clips by index, int16 (clips, samples) on the device; an index below 0 gives silence (zeros)."""
        index = torch.from_numpy(clips).to(self.sound.device)
        return self.sound[index.clamp(min=0)].masked_fill_((index < 0)[:, None], 0)
