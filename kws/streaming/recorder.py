"""Record a live session so that it can be replayed exactly: sound, gaps, scores and detections."""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kws.audio.wav_header import wav_header
from kws.errors import KwsError
from kws.files.atomic import atomic_write
from kws.labels import LabelSet
from kws.streaming.events import Detection

_HEADER_BYTES = 44
_MOST_BYTES = 0xFFFFFFFF - _HEADER_BYTES
# Zeros for lost sound, and rows of scores, are written in pieces of this many.
_PIECE = 1 << 16


class Gap(NamedTuple):
    """Lost sound in a recording.

    Args:
        first: index of its first sample in the recording; zeros stand for the lost samples.
        samples: number of lost samples.
    """

    first: int
    samples: int


def beside(path: Path, kind: str) -> Path:
    """Return the path of a recording's `gaps.jsonl`, `detections.jsonl` or `scores.npz`."""
    return path.with_suffix(f".{kind}")


class Recorder:
    """Write a recording as it arrives; killed at any moment, it leaves a valid WAV and lists up to that moment.

    The WAV's header is rewritten after every block, and each line of the lists is written at once. The scores are
    collected in an unnamed file and written as NPZ at the end: `kws stream --scores` can recompute them. Memory is
    constant.

    Args:
        path: of the WAV; `.gaps.jsonl`, `.detections.jsonl` and `.scores.npz` are written beside it.
        sample_rate: of the sound, in Hz.
        labels: names of the scores.

    Raises:
        KwsError: the name does not end in .wav, the recording exists already, or it can't be written.
    """

    def __init__(self, path: Path, sample_rate: int, labels: LabelSet) -> None:
        if path.suffix != ".wav":
            raise KwsError(f"--record {path}: ends in {path.suffix or 'nothing'}; end it in .wav")
        self.path, self._rate_hz, self._labels = path, sample_rate, labels
        self._samples = 0
        self._rows = np.dtype([("time_ms", "<i8"), ("scores", "<f4", (len(labels),))])
        with contextlib.ExitStack() as opened, _named(path):
            # A crash is often followed by the same command: it must not overwrite what the crash left.
            self._sound = opened.enter_context(path.open("xb", buffering=0))
            self._gaps = opened.enter_context(beside(path, "gaps.jsonl").open("wb", buffering=0))
            self._found = opened.enter_context(beside(path, "detections.jsonl").open("wb", buffering=0))
            self._scores = opened.enter_context(tempfile.TemporaryFile(dir=path.parent))
            _append(self._sound, self._header())
            _append(self._gaps, _line({"rate_hz": sample_rate}))
            self._opened = opened.pop_all()

    def lose(self, samples: int) -> None:
        """Write lost samples: zeros in the WAV, and a line in the list of gaps.

        Raises:
            KwsError: the file can't be written, or would exceed 4 GiB.
        """
        if samples:
            with _named(self.path):
                _append(self._gaps, _line(Gap(self._samples, samples)._asdict()))
            for first in range(0, samples, _PIECE):
                self.hear(np.zeros(min(_PIECE, samples - first), np.int16))

    def hear(self, samples: NDArray[np.int16]) -> None:
        """Append int16 (samples,) to the WAV.

        Raises:
            KwsError: the file can't be written, or would exceed 4 GiB.
        """
        if 2 * (self._samples + len(samples)) > _MOST_BYTES:
            hours = self._samples / self._rate_hz / 3600
            raise KwsError(f"{self.path}: 4 GiB, all that a WAV can hold, are full after {hours:.0f} h; record in parts")
        with _named(self.path):
            _append(self._sound, samples.astype("<i2", copy=False).tobytes())
            self._samples += len(samples)
            self._sound.seek(0)
            self._sound.write(self._header())  # overwrites the old one: needs no disk space

    def score(self, times_ms: NDArray[np.int64], scores: NDArray[np.float32]) -> None:
        """Append the times (windows,) and scores (windows, labels) of windows.

        Raises:
            KwsError: the file can't be written.
        """
        rows = np.empty(len(times_ms), self._rows)
        rows["time_ms"], rows["scores"] = times_ms, scores
        with _named(self.path):
            self._scores.write(rows.tobytes())

    def find(self, detections: Sequence[Detection]) -> None:
        """Append detections.

        Raises:
            KwsError: the file can't be written.
        """
        with _named(self.path):
            for found in detections:
                _append(self._found, _line(found.to_dict()))

    def close(self) -> None:
        """Write the scores, and close all files.

        Raises:
            KwsError: the file can't be written.
        """
        # Closing may write too: buffered bytes.
        with _named(self.path), self._opened:
            self._write_scores()

    def _write_scores(self) -> None:
        path = beside(self.path, "scores.npz")
        count = self._scores.tell() // self._rows.itemsize
        columns = (("times_ms", "time_ms", "<i8", (count,)), ("scores", "scores", "<f4", (count, len(self._labels))))
        with atomic_write(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
            for name, field, kind, shape in columns:
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array_header_1_0(member, {"descr": kind, "fortran_order": False, "shape": shape})
                    self._scores.seek(0)
                    while piece := self._scores.read(_PIECE * self._rows.itemsize):
                        member.write(np.ascontiguousarray(np.frombuffer(piece, self._rows)[field]).tobytes())
            facts = {"labels": self._labels.names, "duration_ms": 1000 * self._samples // self._rate_hz}
            for name, value in facts.items():
                with archive.open(f"{name}.npy", "w") as member:
                    np.lib.format.write_array(member, np.array(value), allow_pickle=False)

    def _header(self) -> bytes:
        return wav_header(2 * self._samples, self._rate_hz)


def read_gaps(path: Path, sample_rate: int) -> tuple[Gap, ...] | None:
    """Read the gaps of a recording, in order, in samples at `sample_rate`; None if Recorder did not write it.

    Raises:
        KwsError: the list of gaps can't be read, or is malformed.
    """
    listed = beside(path, "gaps.jsonl")
    try:
        # After a kill, the last line may be cut off: its zeros were not written either.
        lines = listed.read_text(encoding="utf-8").split("\n")[:-1]
        recorded_hz = int(json.loads(lines[0])["rate_hz"])
        gaps = [Gap(int(one["first"]), int(one["samples"])) for one in map(json.loads, lines[1:])]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise KwsError(
            f"{listed}: can't be read as the gaps of {path.name} ({error}); `kws listen --record` writes them:"
            " restore the file, or delete it if the recording is another"
        ) from error
    if any(gap.samples < 1 or gap.first < 0 for gap in gaps) or any(b.first < sum(a) for a, b in pairwise(gaps)):
        raise KwsError(f"{listed}: gaps that overlap or run backwards; one after another is expected, of 1 sample or more")
    if recorded_hz == sample_rate:
        return tuple(gaps)
    ends = [(first * sample_rate // recorded_hz, -(-(first + samples) * sample_rate // recorded_hz)) for first, samples in gaps]
    return tuple(Gap(first, end - first) for first, end in ends)


def blocks_of(samples: NDArray[np.int16], gaps: Sequence[Gap], size: int) -> Iterator[tuple[NDArray[np.int16], int]]:
    """Yield pieces of at most `size` samples, each with the number lost before it; after a final gap, an empty one."""
    place = lost = 0
    for first, count in (*gaps, Gap(len(samples), 0)):
        for start in range(place, min(first, len(samples)), size):
            yield samples[start : min(start + size, first)], lost
            lost = 0
        end = min(first + count, len(samples))  # after a kill within a gap, some of its zeros are missing
        lost += max(end - max(place, first), 0)
        place = max(place, end)
    if lost:
        yield samples[:0], lost


def _append(file: io.FileIO, content: bytes) -> None:
    """Append all of `content` to an unbuffered file, or nothing.

    Raises:
        OSError: the disk is full; what was written of `content` is removed again.
    """
    end = file.seek(0, io.SEEK_END)
    rest = memoryview(content)
    try:
        # A full disk first takes a part, and only the next write fails.
        while rest:
            rest = rest[file.write(rest) :]
    except OSError:
        with contextlib.suppress(OSError):  # not a regular file
            file.truncate(end)
        raise


def _line(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, ensure_ascii=False) + "\n").encode()


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise KwsError(f"--record {path}: is already there; give another name, or move it away") from error
    except OSError as error:
        raise KwsError(f"{path}: can't be written: {error.strerror or error}") from error
