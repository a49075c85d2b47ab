"""A recording to be streamed, with a word on whatever was done to it."""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from kws.audio import read_audio
from kws.framing import FeatureSpec

_log = logging.getLogger(__name__)


def read_sound(path: Path, spec: FeatureSpec) -> NDArray[np.int16]:
    """A recording as int16 (samples,) at the model's rate.

    Warns, naming the file, of another rate, of several channels, and of less sound than a window.

    Args:
        path: of the file.
        spec: the model's rate and window.

    Raises:
        AudioError: as kws.audio.read_audio.
    """
    samples = read_audio(path, spec.rate_hz)
    warn_of_conversion(path, spec.rate_hz)
    if len(samples) < spec.samples:
        seconds, window_s = len(samples) / spec.rate_hz, spec.samples / spec.rate_hz
        _log.warning("%s: %.2f s is shorter than a window of %g s; silence is put around it", path, seconds, window_s)
    return samples


def warn_of_conversion(path: Path, rate_hz: int) -> None:
    """Say, naming the file, that `read_audio` averages its channels or resamples it to `rate_hz`, where it does."""
    # A recording whose header was never closed is read all the same, but this may know nothing of it.
    with contextlib.suppress(soundfile.SoundFileError, TypeError):
        found = soundfile.info(str(path) if os.name == "nt" else os.fsencode(path))
        done = []
        if found.channels > 1:
            done.append(f"its {found.channels} channels were averaged")
        if found.samplerate != rate_hz:
            done.append(f"its {found.samplerate} Hz were resampled to the model's {rate_hz} Hz")
        if done:
            _log.warning("%s: %s; give sound like the microphone's where its numbers matter", path, " and ".join(done))
