"""A recording to be streamed, with a word on whatever was done to it."""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from kws.audio.framing import FeatureSpec
from kws.audio.io import read_sound_file

_log = logging.getLogger(__name__)


def read_sound(path: Path, spec: FeatureSpec) -> NDArray[np.int16]:
    """Read a recording as int16 (samples,) at the model's sample rate.

    Warns, naming the file, of another rate, of several channels, and of less sound than a window.

    Args:
        path: of the file.
        spec: the model's rate and window.

    Raises:
        AudioError: as kws.audio.io.read_audio.
    """
    sound = read_sound_file(path, spec.sample_rate)
    samples = sound.samples
    for note in sound.notes:
        _log.warning("%s: %s", path, note)
    # What is said of channels that cancel each other says all.
    _warn(path, sound.channels if not any("cancel" in note for note in sound.notes) else 1, sound.sample_rate, spec.sample_rate)
    if len(samples) < spec.samples:
        seconds, window_s = len(samples) / spec.sample_rate, spec.samples / spec.sample_rate
        _log.warning("%s: %.2f s is shorter than a window of %g s; silence is put around it", path, seconds, window_s)
    return samples


def warn_of_conversion(path: Path, sample_rate: int) -> None:
    """Say, naming the file, that `read_audio` averages its channels or resamples it to `sample_rate`, where it does."""
    # A recording whose header was never closed is read all the same, but this may know nothing of it.
    with contextlib.suppress(soundfile.SoundFileError, TypeError):
        found = soundfile.info(str(path) if os.name == "nt" else os.fsencode(path))
        _warn(path, found.channels, found.samplerate, sample_rate)


def _warn(path: Path, channels: int, found_hz: int, sample_rate: int) -> None:
    done = []
    if channels > 1:
        done.append(f"its {channels} channels were averaged")
    if found_hz != sample_rate:
        done.append(f"its {found_hz} Hz were resampled to the model's {sample_rate} Hz")
    if done:
        _log.warning("%s: %s; give sound like the microphone's where its numbers matter", path, " and ".join(done))
