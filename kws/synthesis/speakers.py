"""The people a synthesiser can be: accent, voice, pitch, speed and size, drawn at random."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np

from kws.data.splits import TESTING, TRAINING, VALIDATION, HashedSplit
from kws.errors import KwsError
from kws.synthesis.espeak import NATIVE_HZ

# Variants of eSpeak NG that sound like people: no robots, no effects, and none that says the same thing otherwise each
# time.
LOW_VOICES = (
    "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "Alex", "Andy", "Denis", "Diogo", "Gene", "Henrique", "Hugo",
    "Jacky", "Lee", "Mario", "Michael", "Mike", "Nguyen", "boris", "croak", "ed", "edward", "grandpa", "gustave", "ian",
    "iven2", "iven3", "iven4", "john", "kaukovalta", "klatt3", "klatt4", "klatt5", "marcelo", "max", "michel", "miguel",
    "norbert", "pablo", "paul", "quincy", "rob", "robert", "sandro", "travis", "victor",
)  # fmt: skip
HIGH_VOICES = (
    "f1", "f2", "f3", "f4", "f5", "Alicia", "Andrea", "Annie", "anika", "aunty", "belinda", "grandma", "linda",
    "shelby", "steph", "steph3", "zac",
)  # fmt: skip

# Of ten speakers in turn, one is for validation and one for testing, so that even three speakers fill every set.
_SETS = (TRAINING, VALIDATION, TESTING, *([TRAINING] * 7))


@dataclass(frozen=True)
class Speaker:
    """One person.

    Args:
        accent: voice file of eSpeak NG, such as `gmw/en-US`.
        variant: such as `f3`.
        pitch: 0 to 99; 50 is the variant's own.
        rate_wpm: words a minute.
        native_hz: the rate the synthesiser's sound is taken to have: above 22,050 a smaller person with higher
            formants.
    """

    accent: str
    variant: str
    pitch: int
    rate_wpm: int
    native_hz: int

    @property
    def id(self) -> str:
        """Eight hexadecimal digits that name this voice."""
        voice = f"{self.accent}+{self.variant} {self.pitch} {self.rate_wpm} {self.native_hz}"
        return hashlib.sha256(voice.encode()).hexdigest()[:8]

    def clip_name(self, take: int) -> str:
        """Name of a clip, by the rule of Speech Commands."""
        return f"{self.id}_nohash_{take}.wav"


def stream(*key: object) -> np.random.Generator:
    """Make a separate random generator for each key, so that one clip's draws change no other clip."""
    digest = hashlib.sha256("/".join(map(str, key)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


def draw_speakers(
    number: int, accents: Sequence[str], variants: Sequence[str], *key: object, sets: Sequence[int] = _SETS
) -> list[Speaker]:
    """Draw different speakers, low and high voices in turn; a longer draw with the same key extends a shorter one.

    Args:
        accents: voice files to choose from.
        variants: those installed; used are the ones that sound like people.
        key: what the draw depends on, such as a seed.
        sets: sets of the hashed rule that the speakers fall into, in turn.

    Raises:
        KwsError: no variant is known, or the voices don't suffice.
    """
    order = stream(*key, "variants")
    groups = [order.permutation([name for name in group if name in variants]) for group in (LOW_VOICES, HIGH_VOICES)]
    groups = [group for group in groups if len(group)]
    if not groups:
        raise KwsError(f"eSpeak NG has none of the voice variants {', '.join(LOW_VOICES[:5])} …; reinstall espeakng-loader")
    drawn: dict[str, Speaker] = {}
    for index in range(number):
        group, rng = groups[index % len(groups)], stream(*key, index)
        variant = str(group[index // len(groups) % len(group)])
        for attempt in count():
            speaker = _vary(str(rng.choice(accents)), variant, rng)
            if speaker.id not in drawn and _set_of(speaker) == sets[index % len(sets)]:
                break
            if attempt > 5000:
                raise KwsError(f"voices: {number} given, but only {len(drawn)} different ones could be drawn; ask for fewer")
        drawn[speaker.id] = speaker
    return list(drawn.values())


def _vary(accent: str, variant: str, rng: np.random.Generator) -> Speaker:
    # A rate that is a multiple of 50 Hz keeps the resampling filter short.
    native_hz = round(NATIVE_HZ * rng.uniform(0.88, 1.12) / 50) * 50
    return Speaker(accent, variant, int(rng.integers(36, 66)), int(rng.integers(115, 191)), native_hz)


def _set_of(speaker: Speaker) -> int:
    return int(HashedSplit().assign(Path(), [speaker.clip_name(0)])[0])
