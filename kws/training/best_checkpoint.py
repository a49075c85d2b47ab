"""The checkpoint of the best validation."""

from __future__ import annotations

import pytorch_lightning as pl
from pytorch_lightning.callbacks import ModelCheckpoint
from torch import Tensor


class BestCheckpoint(ModelCheckpoint):
    """Keep the best weights, and of equally good ones the latest.

    Lightning keeps the earliest. A validation set of a hundred clips is all right after a few hundred steps, and the
    weights kept would be those of a network that has hardly begun to learn.
    """

    @property
    def state_key(self) -> str:
        """The name of its state in a checkpoint: Lightning's own, as in those of earlier versions."""
        return super().state_key.replace(type(self).__qualname__, ModelCheckpoint.__qualname__, 1)

    def check_monitor_top_k(self, trainer: pl.Trainer, current: Tensor | None = None) -> bool:
        """Whether weights with this score are to be kept."""
        kept = self.best_k_models.get(self.kth_best_model_path)
        if self.save_top_k == 1 and current is not None and kept is not None and bool(current == kept):
            return True
        return super().check_monitor_top_k(trainer, current)
