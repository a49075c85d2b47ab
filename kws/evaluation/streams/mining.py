"""Hard negatives: cut false alarms out of sound without keywords, as training clips of unknown words. NumPy only."""

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

# The clips' word folder: a word that is not a keyword, like any other.
MINED = "mined"


@dataclass(frozen=True)
class MinedClip:
    """A clip cut out at a false alarm.

    Attributes:
        path: of the written clip.
        detection: the false alarm.
    """

    path: Path
    detection: Detection


def mine(
    samples: NDArray[np.int16], detections: Sequence[Detection], sample_rate: int, clip_samples: int, out: Path, name: str
) -> list[MinedClip]:
    """Cut out the window of each false alarm and write it as `OUT/mined/<name>_nohash_<ms>.wav`.

    The split hashes the name before `_nohash_`, so all clips of a recording fall into one set.

    Args:
        samples: int16 (samples,), sound without keywords.
        detections: those in the sound; `_unknown_` and `_silence_` are ignored.
        sample_rate: in Hz.
        clip_samples: length of a clip. A window that reaches beyond the sound is moved inside; shorter sound is
            zero-padded.
        out: folder of word folders.
        name: of the recording.

    Raises:
        KwsError: a name that would break the split, or a folder that can't be written to.
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
    # Several windows that begin before the sound may have the time 0: they give the same clip.
    for found in {found.time_ms: found for found in false}.values():
        first = max(min(found.time_ms * sample_rate // 1000, len(samples) - clip_samples), 0)
        path = folder / f"{name}_nohash_{found.time_ms}.wav"
        write_wav(path, fit_length(samples[first : first + clip_samples], clip_samples), sample_rate)
        clips.append(MinedClip(path, found))
    return clips
