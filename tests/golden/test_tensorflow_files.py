"""The files of TensorFlow's numbers are small, whole, and what their script makes of the whole where that is at hand."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
from tensorflow_numbers import GOLDEN

SCRIPT = GOLDEN.parent / "make_tensorflow.py"


def test_they_are_small() -> None:
    assert sum(path.stat().st_size for path in GOLDEN.iterdir()) < 1_000_000


def test_they_are_what_their_script_makes(shared: Path) -> None:
    made = runpy.run_path(str(SCRIPT))["contents"](shared / "reference", shared / "speech_commands")
    assert sorted(made) == sorted(path.name for path in GOLDEN.iterdir())
    for name, content in made.items():
        if isinstance(content, str):
            assert (GOLDEN / name).read_text(encoding="utf-8") == content, name
            continue
        with np.load(GOLDEN / name) as held:
            assert sorted(held.files) == sorted(content)
            for key, values in content.items():
                assert held[key].dtype == values.dtype, (name, key)
                np.testing.assert_array_equal(held[key], values, err_msg=f"{name}: {key}")
