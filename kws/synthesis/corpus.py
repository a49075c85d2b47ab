"""A corpus of made speech: eSpeak NG says the words with many voices, in the layout of Speech Commands."""

from __future__ import annotations

import json
import logging
import math
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from filelock import FileLock

from kws.audio.io import HIGHEST_RATE_HZ, LOWEST_RATE_HZ
from kws.errors import KwsError, checks
from kws.labels import LabelSet
from kws.synthesis.espeak import accents, variants
from kws.synthesis.pool import NOISES, Job, run_jobs
from kws.synthesis.record import RECORD as RECORD
from kws.synthesis.record import Record, is_made, refuse_strangers, sound_files
from kws.synthesis.speakers import draw_speakers

# What a network should not answer to, unless it is among the keywords: the words of Speech Commands, and some more.
OTHER_WORDS = (
    "yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go", "zero", "one", "two", "three", "four", "five",
    "six", "seven", "eight", "nine", "bed", "bird", "cat", "dog", "happy", "house", "marvin", "sheila", "tree", "wow",
    "backward", "forward", "follow", "learn", "visual", "garden", "hello", "lemon", "light", "monday", "music", "paper",
    "river", "table", "water",
)  # fmt: skip
# What the babble in the background says where every other word is to be heard: syllables that are no words.
_SYLLABLES = ("la", "mo", "ti", "ra", "fu", "ne", "ki", "ba", "lo", "zu", "pe", "shi")
# Raised when the same settings begin to give another corpus.
_VERSION = 1
_TALKERS = 8
_SHORTEST_MS = 200
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Synthetic:
    """Speech Commands as a machine would say it: root/<word>/<speaker>_nohash_<take>.wav and background noise.

    The same settings give the same clips, and a word more or a voice more changes no other clip. eSpeak NG is GPL-3.0,
    and an extra of this package (`pip install 'kws[synthesis]'`); what it says may be used freely.

    Args:
        root: the folder to make. Where settings changed it is made anew, but only if all that is in it was made here.
        words: the keywords, in the spelling of the language; `_` is said as a blank.
        other_words: words for `_unknown_`; None: `OTHER_WORDS` without the wanted ones (in other languages they are
            read as if they belonged to them).
        voices: how many speakers. Of ten in turn one falls into validation and one into testing by the hashed rule, so
            three fill all sets.
        takes: how often each speaker says each word, each time a little differently.
        sample_rate, clip_ms: of the clips.
        language: a code such as `en` (with all its accents) or `en-us`; several with commas between.
        room_probability: share of clips with the echo of a room.
        noise_floor_db: range of the noise under the speech, dB of full scale (RMS).
        noise_s: length of each background recording, s.
        seed: of all that is random.
        workers: processes; None: one a core. Changes nothing but the time.

    Raises:
        KwsError: an invalid value.
    """

    root: Path
    words: Sequence[str]
    other_words: Sequence[str] | None = None
    voices: int = 60
    takes: int = 2
    sample_rate: int = 16_000
    clip_ms: float = 1000.0
    language: str = "en"
    room_probability: float = 0.5
    noise_floor_db: Sequence[float] = (-80.0, -44.0)
    noise_s: float = 60.0
    seed: int = 0
    workers: int | None = None

    def __post_init__(self) -> None:
        wanted = _checked_words("words", self.words)
        LabelSet(wanted)
        others = _checked_words("other_words", OTHER_WORDS if self.other_words is None else self.other_words)
        plain = {
            "root": checks.folder("root", self.root),
            "words": wanted,
            "other_words": tuple(word for word in others if word not in wanted),
            "noise_floor_db": _levels(self.noise_floor_db),
        }
        for name, value in plain.items():
            object.__setattr__(self, name, value)
        self._check_numbers()

    def _check_numbers(self) -> None:
        floor = self.noise_floor_db
        for kind, what, names in (
            (Integral, "a whole number", ("voices", "takes", "sample_rate", "seed", "workers")),
            (Real, "a number", ("clip_ms", "room_probability", "noise_s")),
        ):
            for name in names:
                value = getattr(self, name)
                if isinstance(value, bool) or (not isinstance(value, kind) and (name, value) != ("workers", None)):
                    raise KwsError(f"{name}: {checks.shown(value)} given; {what} expected")
        expected_of = {
            "voices": (self.voices >= 1, "at least 1 (60 is good, 3 the least that fill all sets)"),
            "takes": (self.takes >= 1, "at least 1"),
            "sample_rate": (LOWEST_RATE_HZ <= self.sample_rate <= HIGHEST_RATE_HZ, f"{LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ}"),
            "clip_ms": (_SHORTEST_MS <= self.clip_ms < math.inf, f"at least {_SHORTEST_MS}; a word takes 300 to 800 ms"),
            "room_probability": (0 <= self.room_probability <= 1, "0 to 1"),
            "noise_floor_db": (len(floor) == 2 and floor[0] <= floor[1] <= 0, "two levels, the lower first, such as [-80, -44]"),
            "noise_s": (
                self.clip_ms <= self.noise_s * 1000 < math.inf,
                f"at least the length of a clip, {self.clip_ms / 1000:g} s",
            ),
            "workers": (self.workers is None or self.workers >= 1, "at least 1, or null for one a core"),
        }
        for name, (good, expected) in expected_of.items():
            if not good:
                raise KwsError(f"{name}: {getattr(self, name)} given; {expected} expected")

    def prepare(self, *, progress: bool = True) -> Path:
        """Make the corpus, unless it is there with these settings; give back its folder.

        It is built beside its place and then renamed. Processes that start together wait for the first.

        Raises:
            KwsError: eSpeak NG or the language is missing, a word can't be said in a clip's time, or the folder holds
                files that were not made here or can't be written.
        """
        root, settings = self.root.resolve(), self._settings()
        try:
            # Without the lock first: what is there may lie on a disk that can't be written.
            if not is_made(root, settings):
                root.parent.mkdir(parents=True, exist_ok=True)
                with FileLock(root.with_name(f".{root.name}.lock")):
                    if not is_made(root, settings):
                        refuse_strangers(root, Record.read(root))
                        self._make(root, progress)
        except OSError as error:
            raise KwsError(f"{root}: can't be written ({error}); name a folder that can") from error
        return self.root

    def _settings(self) -> dict[str, Any]:
        settings = {name: value for name, value in asdict(self).items() if name not in ("root", "workers")}
        plain: dict[str, Any] = json.loads(json.dumps({"version": _VERSION, **settings}))
        return plain

    def _make(self, root: Path, progress: bool) -> None:
        part, old = root.with_name(f".{root.name}.part"), root.with_name(f".{root.name}.old")
        # Left by a run that was cut off; the lock is ours.
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
        part.mkdir()
        try:
            job = self._job()
            skipped = run_jobs(job, part, self.workers or _cores(), progress=progress)
            self._check_words(part, skipped)
            names = sound_files(part)
            Record(self._settings(), tuple(speaker.id for speaker in job.speakers), len(names), names).write(part)
            if root.exists():
                root.rename(old)
            part.rename(root)
            shutil.rmtree(old, ignore_errors=True)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        _log.info("made %d clips of %d words by %d voices in %s", len(names) - len(NOISES), len(job.words), self.voices, root)

    def _job(self) -> Job:
        places = list(dict.fromkeys(place for code in self.language.split(",") for place in accents(code)))
        speakers = draw_speakers(self.voices, places, variants(), self.seed)
        talkers = draw_speakers(_TALKERS, places, variants(), self.seed, "babble")
        low, high = self.noise_floor_db
        return Job(
            words=(*self.words, *(self.other_words or ())),
            takes=self.takes,
            sample_rate=self.sample_rate,
            clip_samples=round(self.clip_ms * self.sample_rate / 1000),
            noise_samples=round(self.noise_s * self.sample_rate),
            room_probability=self.room_probability,
            noise_floor_db=(low, high),
            seed=self.seed,
            speakers=tuple(speakers),
            noise_words=tuple(self.other_words or [word for word in OTHER_WORDS if word not in self.words] or _SYLLABLES),
            talkers=tuple(talkers),
        )

    def _check_words(self, part: Path, skipped: dict[str, str]) -> None:
        missing = [word for word in skipped if not any((part / word).iterdir())]
        if missing:
            word = missing[0]
            raise KwsError(
                f"words: {word!r} {skipped[word]} in every voice of the language {self.language!r}, clip_ms is {self.clip_ms:g};"
                " spell it as it is said, take another word, or make clip_ms longer"
            )
        if skipped:
            _log.warning("some voices could not say these words, and have no clip of them: %s", ", ".join(sorted(skipped)))


def _levels(levels: Any) -> tuple[float, ...]:
    try:
        return tuple(float(level) for level in levels)
    except (TypeError, ValueError) as error:
        raise KwsError(f"noise_floor_db: {checks.shown(levels)} given; two levels expected, such as [-80, -44]") from error


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _checked_words(name: str, words: Sequence[str]) -> tuple[str, ...]:
    if not isinstance(words, Sequence) or isinstance(words, str):
        raise KwsError(f"{name}: {checks.shown(words)} given; a list of words expected, such as [{words}]")
    for word in words:
        if not isinstance(word, str):
            raise KwsError(f"{name}: {word!r} given; a word expected. YAML reads yes, no, on and off as booleans: quote them")
    # The rules for names are the same, but there may be no other words at all.
    return LabelSet(words).words if words else ()
