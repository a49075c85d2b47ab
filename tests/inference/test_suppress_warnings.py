"""Warnings are left out, and everything is as before afterwards."""

from __future__ import annotations

import logging
import warnings

import pytest

from kws.inference.suppress_warnings import suppress_warnings


def test_warnings_are_left_out_and_errors_are_not(caplog: pytest.LogCaptureFixture) -> None:
    noisy, other = logging.getLogger("noisy.part"), logging.getLogger("other")
    with warnings.catch_warnings(record=True) as seen, suppress_warnings("noisy"):
        warnings.warn("of no use", stacklevel=1)
        noisy.warning("of no use")
        noisy.error("broken")
        other.warning("of use")
    assert not seen
    assert [record.message for record in caplog.records] == ["broken", "of use"]


def test_all_is_as_before_even_after_an_error() -> None:
    logger = logging.getLogger("noisy")
    logger.setLevel(logging.DEBUG)
    with pytest.raises(ValueError, match="x"), suppress_warnings("noisy"):
        raise ValueError("x")
    assert logger.level == logging.DEBUG
    with pytest.warns(UserWarning, match="heard"):
        warnings.warn("heard", stacklevel=1)
