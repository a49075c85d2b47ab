"""What a KwsError must name."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from kws.errors import KwsError


@contextlib.contextmanager
def refuses(setting: str, match: str | None = None) -> Iterator[pytest.ExceptionInfo[KwsError]]:
    """The block must raise a KwsError on this setting; `match`: a pattern found in its message."""
    with pytest.raises(KwsError, match=match) as caught:
        yield caught
    assert caught.value.setting == setting
