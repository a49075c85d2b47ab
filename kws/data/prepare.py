"""Turn a folder of raw recordings, one folder a word, into clips to train on; say what was left out and why."""

from __future__ import annotations

import hashlib
import itertools
import logging
import math
import os
import shlex
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kws.audio.cutting import clipped_fraction, fit_clip, level_dbfs, loudest_segment
from kws.audio.framing import LOUDEST
from kws.audio.io import AUDIO_SUFFIXES, HIGHEST_RATE_HZ, LOWEST_RATE_HZ, AudioError, read_audio, write_wav
from kws.errors import KwsError

BACKGROUND_FOLDER = "_background_noise_"
Outcome = Literal["kept", "short", "silent", "duplicate", "unreadable"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PrepareSettings:
    """Requirements for a clip.

    Args:
        sample_rate: rate of the clips, Hz.
        clip_ms: length of the clips.
        min_ms: shorter recordings are left out.
        clipped_fraction: a clip with a greater share of samples at full scale is reported, and kept.
        silent_dbfs: a recording whose loudest clip_ms is below this level is left out.

    Raises:
        KwsError: a value out of its range.
    """

    sample_rate: int = 16_000
    clip_ms: float = 1000.0
    min_ms: float = 200.0
    clipped_fraction: float = 0.005
    silent_dbfs: float = -60.0

    def __post_init__(self) -> None:
        if not LOWEST_RATE_HZ <= self.sample_rate <= HIGHEST_RATE_HZ:
            raise KwsError(f"sample_rate: {self.sample_rate} given; {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} Hz expected")
        if not (math.isfinite(self.clip_ms) and self.clip_samples >= 1):
            raise KwsError(f"clip_ms: {self.clip_ms} given; the length of a clip in ms expected, such as 1000")
        if not (math.isfinite(self.min_ms) and self.min_ms >= 0):
            raise KwsError(f"min_ms: {self.min_ms} given; 0 ms or more expected")
        if not 0 <= self.clipped_fraction <= 1:
            raise KwsError(f"clipped_fraction: {self.clipped_fraction} given; a share from 0 to 1 expected")
        if not self.silent_dbfs <= 0:
            raise KwsError(f"silent_dbfs: {self.silent_dbfs} given; 0 is the loudest level there is, -60 is usual")

    @property
    def clip_samples(self) -> int:
        """Length of a clip in samples."""
        return round(self.clip_ms * self.sample_rate / 1000)


@dataclass(frozen=True)
class Recording:
    """Outcome for one recording; paths are relative to the folders read and written."""

    word: str
    source: str
    outcome: Outcome
    written: str | None = None
    clipped: bool = False
    reason: str = ""
    cut: bool = False


@dataclass(frozen=True)
class Report:
    """Outcome for a folder: its recordings in the order read, and what was no recording, with the reason.

    `previous` is where the folder that stood at the output was moved to.
    """

    recordings: tuple[Recording, ...]
    ignored: tuple[str, ...] = ()
    empty_words: tuple[str, ...] = ()
    previous: Path | None = None

    @property
    def kept(self) -> int:
        """Number of clips written."""
        return sum(recording.outcome == "kept" for recording in self.recordings)


def judge(samples: NDArray[np.int16], settings: PrepareSettings) -> tuple[Outcome, str]:
    """Judge a recording (samples,) at settings.sample_rate: "kept", "short" or "silent", and the reason."""
    lasts_ms = 1000 * samples.size / settings.sample_rate
    if lasts_ms < settings.min_ms:
        return "short", f"lasts {lasts_ms:.0f} ms, {settings.min_ms:g} or more expected"
    level = level_dbfs(loudest_segment(samples, settings.clip_samples))
    if level < settings.silent_dbfs:
        return "silent", f"its loudest {settings.clip_ms:g} ms are at {level:.1f} dBFS, {settings.silent_dbfs:g} or more expected"
    return "kept", ""


def clip_names(names: Iterable[str]) -> dict[str, str]:
    """Choose a unique .wav name for each file of a folder, unique even on case-insensitive file systems.

    The stem is kept, and with it the speaker before `_nohash_`; a.flac beside a.wav becomes a-flac.wav.
    """
    given: dict[str, str] = {}
    taken: set[str] = set()
    # WAV files first: they keep their names.
    for name in sorted(names, key=lambda name: (not name.endswith(".wav"), name)):
        path = Path(name)
        choice, count = path.stem, 1
        while choice.casefold() in taken:
            choice = f"{path.stem}-{path.suffix[1:].lower()}" + (f"-{count}" if count > 1 else "")
            count += 1
        taken.add(choice.casefold())
        given[name] = f"{choice}.wav"
    return given


def prepare(source: Path, out: Path, settings: PrepareSettings, *, force: bool = False) -> Report:
    """Convert source/<word>/<recording> to out/<word>/<name>.wav, all of it or nothing.

    `_background_noise_` is converted whole. A folder that stands at `out` is refused, or with `force` moved aside; it
    is never deleted. Where nothing could be kept, nothing is written.

    Raises:
        KwsError: `source` is missing or holds no recordings; `out` is not free, or lies inside `source` or around it.
    """
    source, out = source.resolve(), out.resolve()
    words, ignored = _list_words(source)
    _check_out(source, out, force)
    made = out.with_name(f".kws-prepare-{os.getpid()}.part")
    try:
        made.mkdir(parents=True)
        recordings = tuple(_convert(source, words, made, settings))
        report = Report(recordings, ignored, tuple(word for word, files in words.items() if not files))
        if not report.kept:
            return report
        _check_out(source, out, force)
        return Report(recordings, ignored, report.empty_words, _publish(made, out))
    except OSError as error:
        raise KwsError(f"{error.filename or out}: can't be written: {error.strerror or error}; give another OUT") from error
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _list_words(source: Path) -> tuple[dict[str, list[Path]], tuple[str, ...]]:
    """List each word folder's files, and the other entries with the reason why each is skipped."""
    words: dict[str, list[Path]] = {}
    ignored: list[str] = []
    try:
        for folder in sorted(path for path in source.iterdir() if not path.name.startswith(".")):
            if not folder.is_dir():
                ignored.append(f"{folder.name}: lies beside the folders of the words, not in one")
            elif folder.name.startswith("_") and folder.name != BACKGROUND_FOLDER:
                ignored.append(f"{folder.name}: the folder of a word can't start with '_'")
            else:
                inside = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
                words[folder.name] = [path for path in inside if not path.is_dir()]
                ignored += [
                    f"{folder.name}/{path.name}: a folder inside a word's is not searched" for path in inside if path.is_dir()
                ]
    except OSError as error:
        raise KwsError(
            f"{error.filename or source}: can't be listed: {error.strerror or error}; give a folder of recordings"
        ) from error
    if not any(words.values()):
        raise KwsError(f"{source}: holds no recordings; put those of each word in its folder, such as yes/anna_nohash_1.wav")
    return words, tuple(ignored)


def _convert(source: Path, words: dict[str, list[Path]], made: Path, settings: PrepareSettings) -> Iterator[Recording]:
    twins: dict[bytes, str] = {}
    for word, files in words.items():
        sounds = [path for path in files if path.suffix.lower() in AUDIO_SUFFIXES]
        names = clip_names(path.name for path in sounds)
        for path in files:
            if path.name in names:
                yield _convert_one(path, made / word / names[path.name], settings, twins)
            else:
                reason = (
                    f"'{path.suffix}' is not the ending of a sound file that can be read; convert it, such as with:"
                    f" ffmpeg -i {shlex.quote(path.name)} {shlex.quote(path.stem + '.wav')}"
                )
                yield Recording(word, f"{word}/{path.name}", "unreadable", reason=reason)
        _log.info("%s: %d recordings read", word, len(files))


def _convert_one(path: Path, target: Path, settings: PrepareSettings, twins: dict[bytes, str]) -> Recording:
    word, source = target.parent.name, f"{target.parent.name}/{path.name}"
    try:
        samples = read_audio(path, settings.sample_rate)
    except AudioError as error:
        return Recording(word, source, "unreadable", reason=str(error).removeprefix(f"{path}: "))
    cut = False
    if word != BACKGROUND_FOLDER:  # noise is used in pieces of any length, and may be faint
        outcome, reason = judge(samples, settings)
        if outcome != "kept":
            return Recording(word, source, outcome, reason=reason)
        cut = len(samples) > settings.clip_samples
        samples = fit_clip(samples, settings.clip_samples, LOUDEST)
    twin = twins.setdefault(hashlib.sha256(samples.tobytes()).digest(), source)
    if twin != source:
        return Recording(word, source, "duplicate", reason=f"the same sound as {twin}")
    target.parent.mkdir(exist_ok=True)
    write_wav(target, samples, settings.sample_rate)
    share = clipped_fraction(samples)
    clipped = share > settings.clipped_fraction
    reason = f"{100 * share:.1f} % of its samples are at full scale; record it at a lower level" if clipped else ""
    return Recording(word, source, "kept", f"{word}/{target.name}", clipped, reason, cut)


def _check_out(source: Path, out: Path, force: bool) -> None:
    if out == source or source in out.parents or out in source.parents:
        raise KwsError(f"{out}: OUT can't be IN ({source}), inside it or around it; give another folder")
    if out.exists() and not out.is_dir():
        raise KwsError(f"{out}: is a file; OUT is a folder to be made")
    if out.is_dir() and any(out.iterdir()) and not force:
        raise KwsError(f"{out}: is not empty; give another folder, or --force to move it aside")


def _publish(made: Path, out: Path) -> Path | None:
    """Put the finished folder in its place; returns where the one before it went."""
    if not out.exists() or not any(out.iterdir()):
        if out.exists():
            out.rmdir()
        made.rename(out)
        return None
    previous = next(path for count in itertools.count(1) if not (path := out.with_name(f"{out.name}.old-{count}")).exists())
    out.rename(previous)
    try:
        made.rename(out)
    except OSError:
        previous.rename(out)
        raise
    return previous
