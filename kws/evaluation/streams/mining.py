"""False detections cut out of sound without keywords, as new clips for `_unknown_`. NumPy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kws.audio.io import fit_length, write_wav
from kws.errors import KwsError
from kws.labels import SILENCE, UNKNOWN
from kws.streaming.events import Detection

# The folder of the clips: a word like any other that is not wanted.
MINED = "mined"


@dataclass(frozen=True)
class MinedClip:
    """A clip that was cut out.

    Attributes:
        path: where it was written.
        detection: what it was taken for.
    """

    path: Path
    detection: Detection


def mine(
    samples: NDArray[np.int16], detections: Sequence[Detection], sample_rate: int, clip_samples: int, out: Path, name: str
) -> list[MinedClip]:
    """Cut out the window of sound of each false detection and write it as `OUT/mined/<name>_nohash_<ms>.wav`.

    The name before `_nohash_` is what the split goes by: all clips of a recording fall into one set.

    Args:
        samples: int16 (samples,), sound in which no keyword is said.
        detections: what was found in it; `_unknown_` and `_silence_` are no false detections.
        sample_rate: samples a second.
        clip_samples: length of a clip. A window that reaches beyond the sound is moved into it; zeros fill up shorter
            sound.
        out: folder of word folders.
        name: of the recording.

    Raises:
        KwsError: a name that would spoil the split, or a path that can't be written to.
    """
    if not name or "_nohash_" in name or "/" in name:
        raise KwsError(f"{name!r}: no name for mined clips; rename the recording, without _nohash_")
    false = [found for found in detections if found.label not in (SILENCE, UNKNOWN)]
    folder = out / MINED
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise KwsError(f"{folder}: can't be made ({error.strerror}); give another folder") from error
    clips = []
    # Of windows that begin before the sound there may be several of the time 0: they are the same clip.
    for found in {found.time_ms: found for found in false}.values():
        first = max(min(found.time_ms * sample_rate // 1000, len(samples) - clip_samples), 0)
        path = folder / f"{name}_nohash_{found.time_ms}.wav"
        write_wav(path, fit_length(samples[first : first + clip_samples], clip_samples), sample_rate)
        clips.append(MinedClip(path, found))
    return clips
