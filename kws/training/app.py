"""The command that trains: Hydra composes the configuration, then one run takes place. `train.py` and `kws train` are this."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from kws.errors import user_error
from kws.training.command import resumable
from kws.training.run import train

log = logging.getLogger("train")


def config_folder() -> Path:
    """Return the folder of the configuration: inside the package where it was installed, beside it in a clone."""
    package = Path(__file__).parents[1]
    installed = package / "conf"
    return installed if installed.is_dir() else package.parent / "conf"


@resumable
@hydra.main(version_base="1.3", config_path=str(config_folder()), config_name="train")
def main(cfg: DictConfig) -> float:
    """Run Hydra's configuration; an error that the user can mend is said in a line."""
    try:
        return train(cfg, Path(HydraConfig.get().runtime.output_dir))
    except Exception as error:
        if (mendable := user_error(error)) is None:
            raise
        log.error("error: %s", mendable)
        sys.exit(2)


# By its path this file is the script that Lightning starts again for each device.
if __name__ == "__main__":
    main()
