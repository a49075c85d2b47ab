"""Which cases of a test are quick ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest


def slow_unless(cases: Iterable[Any], quick: Callable[[Any], bool]) -> list[Any]:
    """All cases of a parametrised test; those that `quick` does not take are marked slow."""
    return [
        pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=() if quick(case) else pytest.mark.slow)
        for case in cases
    ]  # fmt: skip
