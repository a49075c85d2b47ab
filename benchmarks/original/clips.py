"""Which clips the original trains and tests on: splits by speaker, unknown words and silence drawn once."""

from __future__ import annotations

import hashlib
import math
import random
import re
from collections.abc import Sequence
from pathlib import Path

WORDS = ("yes", "no", "up", "down", "left", "right", "stop", "go")
Clip = tuple[Path | None, int]


def split_of(path: Path) -> int:
    """0 training, 1 validation, 2 testing, at 10 % + 10 %."""
    speaker = re.sub(r"_nohash_.*$", "", path.name)
    percent = int(hashlib.sha1(speaker.encode()).hexdigest(), 16) % 2**27 * (100.0 / (2**27 - 1))
    return 1 if percent < 10 else 2 if percent < 20 else 0


def choose_sets(root: Path, words: Sequence[str] = WORDS) -> list[list[Clip]]:
    """Clips and labels of the three sets, with unknown words (1) and silence (None, 0), 10 % each."""
    rng = random.Random(59185)
    wanted: list[list[Clip]] = [[], [], []]
    unknown: list[list[Clip]] = [[], [], []]
    for path in sorted(root.glob("[!_.]*/*.wav")):
        word = path.parent.name
        sets, label = (wanted, words.index(word) + 2) if word in words else (unknown, 1)
        sets[split_of(path)].append((path, label))
    chosen = []
    for own, others in zip(wanted, unknown, strict=True):
        share = math.ceil(len(own) / 10)
        rng.shuffle(others)
        chosen.append([*own, *[(None, 0)] * share, *others[:share]])
    return chosen
