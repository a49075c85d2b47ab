"""Atomic writing of checkpoints: under another name, flushed to the disk, then renamed."""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins import TorchCheckpointIO
from pytorch_lightning.plugins.io.wrapper import _WrappingCheckpointIO

from kws.errors import KwsError
from kws.files.atomic import atomic_write


class WholeCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint into its own folder under another name, and renames it once it is on the disk.

    Lightning's own writes to the folder for temporary files, and copies from there over the old checkpoint where that
    is another file system: a process that ends meanwhile leaves half a file in place of the only one.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Write a checkpoint.

        Raises:
            KwsError: it can't be written, as on a full disk; the file that was there stays as it was.
        """
        content = io.BytesIO()
        torch.save(checkpoint, content)
        write_whole(Path(path), content.getbuffer())


def write_whole(path: Path, content: bytes | memoryview) -> None:
    """Write a checkpoint's bytes atomically, and wait until they are on the disk.

    Raises:
        KwsError: it can't be written; the file that was there stays as it was.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as temporary, temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(path.parent)
    except OSError as error:
        kept = "; the one that was there before is kept" if path.exists() else ""
        raise KwsError(f"{path}: this checkpoint can't be written ({error.strerror or error}){kept}") from error


def remove_unfinished(folder: Path) -> None:
    """Remove what a process that was killed while it wrote a checkpoint left in a folder of checkpoints."""
    for left in folder.glob(".part-*.ckpt"):
        with contextlib.suppress(OSError):
            left.unlink()


def use_whole_checkpoints(trainer: pl.Trainer) -> None:
    """Make a trainer write its checkpoints atomically, whichever callback asks for them.

    A CheckpointIO that the user gave stays; one that only passes the work on, such as AsyncCheckpointIO, passes it on
    to this.
    """
    strategy = trainer.strategy
    given = strategy.checkpoint_io
    while isinstance(given, _WrappingCheckpointIO) and isinstance(given.checkpoint_io, _WrappingCheckpointIO):
        given = given.checkpoint_io
    if isinstance(given, _WrappingCheckpointIO):
        if type(given.checkpoint_io) is TorchCheckpointIO:
            given._checkpoint_io = WholeCheckpointIO()
    elif type(given) is TorchCheckpointIO:
        strategy.checkpoint_io = WholeCheckpointIO()


def _sync_folder(folder: Path) -> None:
    """Wait until the disk has the folder's new name; Windows can't open folders, and needs no such thing."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
