"""A run that Python code composes and starts, as in a notebook."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from pytorch_lightning import Callback, Trainer
from runs import TINY

from kws.training.app import config_folder
from kws.training.run import train


class Witness(Callback):
    """Leaves a file where training ends."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)

    def on_train_end(self, trainer: Trainer, pl_module: object) -> None:
        self.path.write_text(type(trainer.logger).__name__, encoding="utf-8")


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize(
    ("overrides", "logger"),
    [
        ([], "TensorBoardLogger"),
        (["+trainer.logger={_target_: pytorch_lightning.loggers.CSVLogger, save_dir: FOLDER}"], "CSVLogger"),
        (["+trainer.logger=false"], "NoneType"),
    ],
)
@pytest.mark.parametrize("form", ["[{}]", "{{witness: {}}}", "{}"])
def test_a_composed_run(small_corpus: Path, tmp_path: Path, overrides: list[str], logger: str, form: str) -> None:
    if form != "[{}]" and overrides:
        pytest.skip("one form is enough")
    ended = tmp_path / "ended"
    witness = f"+trainer.callbacks={form.format(f'{{_target_: test_notebook.Witness, path: {ended}}}')}"
    given = [*TINY, f"data.source.root={small_corpus}", witness, *(one.replace("FOLDER", str(tmp_path)) for one in overrides)]
    with initialize_config_dir(str(config_folder()), version_base="1.3"):
        cfg = compose("train", overrides=[*given, "schedule.steps=[3,1]"])
    assert 0 <= train(cfg, tmp_path / "run") <= 1
    assert (tmp_path / "run" / "checkpoints" / "best.ckpt").is_file()
    assert (tmp_path / "ended").read_text(encoding="utf-8") == logger
    assert (tmp_path / "run" / "tensorboard").exists() == (logger == "TensorBoardLogger")
