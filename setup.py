"""Copy conf/ into the package when a wheel is built; all else is in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

CONF = Path(__file__).parent / "conf"


class BuildWithConf(build_py):
    """The package's files, and the configuration as kws/conf."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib) / "kws" / "conf"
            shutil.rmtree(target, ignore_errors=True)  # an older build's
            shutil.copytree(CONF, target)


setup(cmdclass={"build_py": BuildWithConf})
