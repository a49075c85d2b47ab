"""Sound that a program gives as an array, made what a sound file is read as: mono, 16-bit, at one rate."""

from __future__ import annotations

import logging
import math
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kws.audio.io import HIGHEST_RATE_HZ, LOWEST_RATE_HZ, resampled, to_float, to_int16
from kws.audio.sound_decoder import LOUDEST_FLOAT, within_full_scale
from kws.errors import InputError

_log = logging.getLogger(__name__)


def read_array(samples: ArrayLike, found_hz: int, sample_rate: int) -> NDArray[np.int16]:
    """Take an array for a sound, as `kws.audio.io.read_audio` takes a file.

    int16 at `sample_rate` comes bit-exact; float sound is rounded to 16 bits, and beyond full scale it is scaled down, with a
    warning.

    Args:
        samples: int16, or float in [-1, 1], (samples,), at least one.
        found_hz: their rate.
        sample_rate: the rate asked for.

    Returns:
        int16 (samples,).

    Raises:
        InputError: another type or shape, no samples, NaN or infinite samples, or a rate that is none.
    """
    sound = _one_channel(samples)
    if found_hz == sample_rate and sound.dtype == np.int16:
        return sound
    waveform = to_float(sound) if sound.dtype == np.int16 else _checked_float(sound)
    if found_hz != sample_rate:
        number = found_hz if isinstance(found_hz, Real) and not isinstance(found_hz, bool) else math.nan
        if not LOWEST_RATE_HZ <= number <= HIGHEST_RATE_HZ or int(number) != number:
            raise InputError(
                f"sample_rate: {found_hz} given; a whole number of Hz from {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} is expected"
            )
        waveform = resampled(waveform, int(found_hz), sample_rate)
    return to_int16(waveform)


def _one_channel(samples: ArrayLike) -> NDArray[Any]:
    try:
        sound: NDArray[Any] = np.asarray(samples)
    except (TypeError, ValueError, RuntimeError) as error:  # lists of unequal length; torch's tensors that need a gradient
        raise InputError(f"samples: can't be taken as an array ({error}); int16 or float (samples,) is expected") from error
    if sound.dtype != np.int16 and not np.issubdtype(sound.dtype, np.floating):
        raise InputError(f"samples: {sound.dtype} given; int16, or float in [-1, 1], is expected")
    if sound.ndim != 1:
        raise InputError(
            f"samples: shape {sound.shape} given; one channel, (samples,), is expected: choose a channel, or take their mean"
        )
    if not sound.size:
        raise InputError("samples: none given; a sound has at least one")
    return sound


def _checked_float(sound: NDArray[Any]) -> NDArray[np.float32]:
    if not np.isfinite(sound).all():
        raise InputError("samples: NaN or infinite; find what made them")
    if (peak := float(np.abs(sound).max())) > LOUDEST_FLOAT:
        raise InputError(
            f"samples: float that reaches {peak:g} given; float sound lies in -1 to 1: divide it by its full scale, or give int16"
        )
    waveform, notes = within_full_scale(sound.astype(np.float32), peak)
    for note in notes:
        _log.warning("samples: %s", note)
    return waveform
