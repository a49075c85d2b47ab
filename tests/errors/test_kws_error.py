"""What is said of an error."""

from __future__ import annotations

import argparse
import pickle

import pytest
from refusals import refuses

from kws.cli.option_names import as_options
from kws.errors import KwsError, first_line, missing_package, user_error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("one\ntwo"), "one"),
        (ValueError(), "ValueError"),
        (RuntimeError("  \n x"), "x"),
        (OSError("y" * 900), "y" * 200),
    ],
)
def test_first_line(error: Exception, said: str) -> None:
    assert first_line(error) == said


def test_the_extra_of_a_missing_package_is_named() -> None:
    error = ModuleNotFoundError("no", name="torch.nn")
    assert missing_package(error) == "needs torch, which is not installed; pip install 'kws[train]'"
    assert missing_package(ModuleNotFoundError("no", name="executorch.runtime")) is not None
    assert missing_package(ModuleNotFoundError("no", name="hydra")) is not None  # kws train, where only the base is installed
    assert missing_package(ModuleNotFoundError("no", name="kws.typo")) is None
    assert missing_package(ModuleNotFoundError("no")) is None


def test_a_user_error_is_found_behind_others() -> None:
    inner = KwsError("mend this")
    outer = RuntimeError("wrapped")
    outer.__cause__ = inner
    assert user_error(outer) is inner
    assert user_error(RuntimeError("x")) is None


@pytest.mark.parametrize(
    ("message", "setting"),
    [
        ("data.batch_size: 0 makes no sense", "data.batch_size"),
        ("threshold: 2.0 given", "threshold"),
        ("/tmp/m.onnx: is broken", None),
        ("no microphone found: plug one in", None),
        ("--speed 2: has no effect", None),
        ("", None),
    ],
)
def test_the_setting_is_the_name_that_the_message_starts_with(message: str, setting: str | None) -> None:
    error = KwsError(message)
    assert (str(error), error.setting) == (message, setting)
    assert pickle.loads(pickle.dumps(error)).setting == setting


def test_a_setting_that_is_given_wins() -> None:
    error = KwsError("threshold: 2.0 given", setting="decoder.threshold")
    assert error.setting == "decoder.threshold"
    assert pickle.loads(pickle.dumps(error)).setting == "decoder.threshold"


def test_refusals_name_the_setting() -> None:
    with refuses("data.seed", "-1 given"):
        raise KwsError("data.seed: -1 given")
    with pytest.raises(AssertionError), refuses("data.seeds"):
        raise KwsError("data.seed: -1 given")


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("decoder.minimum_count: 0 given", "--minimum-count: 0 given"),
        ("decoder.other: 0 given", "decoder.other: 0 given"),
        ("data.cache_dir=x is full; give data.cache_dir", "--cache-dir x is full; give --cache-dir"),
        ("words: yes twice", "yes twice"),
    ],
)
def test_a_command_says_its_own_options(message: str, said: str) -> None:
    assert as_options(KwsError(message), argparse.Namespace(minimum_count=1, cache_dir=None)) == said
