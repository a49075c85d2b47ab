"""What is said of an error."""

from __future__ import annotations

import pytest

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
