"""The decoder's golden traces: made-up scores, and what the decoder makes of them, for decoders in other languages.

    python tests/streaming/decoder_traces.py        # writes tests/golden/decoder_traces.json anew

Scores are decimals, to be rounded to float32 first; the answers are equal bit for bit in float32.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kws.streaming.decoder import CommandDecoder
from kws.streaming.decoder_settings import DecoderSettings

GOLDEN = Path(__file__).parents[1] / "golden" / "decoder_traces.json"
LABELS = ("_silence_", "_unknown_", "yes", "no")
PLAIN: dict[str, Any] = {"average_window_ms": 0, "minimum_count": 1, "threshold": 0.5, "suppression_ms": 1000}
# Each on its own and together; the random runs go through them all.
EXTRAS: tuple[dict[str, Any], ...] = (
    {},
    {"word_thresholds": {"yes": 0.8, "_unknown_": 1.0}},
    {"consecutive_windows": 3},
    {"release_threshold": 0.3},
    {"repeat_words": True},
    {"repeat_words": True, "repeat_held_ms": 200},
    {"repeat_words": True, "release_threshold": 0.2, "consecutive_windows": 2, "word_thresholds": {"no": 0.35}},
)
Step = tuple[int, Sequence[float]]
Run = tuple[str, dict[str, Any], list[Step]]


def one(label: str, score: float = 0.9, others: float = 0.05) -> list[float]:
    """Scores with one label on top."""
    return [score if name == label else others for name in LABELS]


def edges() -> Iterator[Run]:
    """Events on, one millisecond before and one after every limit of the rules."""
    for after in (-1, 0, 1):
        for found_ms in (0, 7, 3_000_000_000_000):
            at = found_ms + 1000 + after
            yield f"suppression{after:+d} from {found_ms}", PLAIN, [(found_ms, one("yes")), (at, one("no")), (at, one("no"))]
        yield f"after silence{after:+d}", PLAIN, [
            (0, one("yes")), (1000 + after, one("_silence_")), (1003, one("_silence_")), (1003, one("no")),
            (2003 + after, one("yes")),
        ]  # fmt: skip
        steps = [(0, one("yes", 1.0, 0.0)), (50, one("no", 1.0, 0.0)), (100 + after, one("no", 1.0, 0.0))]
        yield f"window{after:+d}", {**PLAIN, "average_window_ms": 100, "minimum_count": 2, "stride_ms": 25}, steps
        # A quarter of 102 ms is 25, in whole numbers.
        steps = [(0, one("yes")), (25 + after, one("yes")), (60, one("yes"))]
        yield f"quarter{after:+d}", {**PLAIN, "average_window_ms": 102, "minimum_count": 2, "stride_ms": 25}, steps
        held = {**PLAIN, "suppression_ms": 100, "repeat_words": True, "repeat_held_ms": 300}
        yield f"held{after:+d}", held, [(10, one("yes")), (310 + after, one("yes")), (320, one("yes"))]
        repeated = {**PLAIN, "suppression_ms": 100, "repeat_words": True}
        yield (
            f"repeat{after:+d}",
            repeated,
            [(0, one("yes")), (50, one("yes", 0.5)), (100 + after, one("yes")), (102, one("yes"))],
        )
    for score in (0.6999, 0.7, 0.7001):
        yield f"threshold {score}", {**PLAIN, "threshold": 0.7}, [(0, one("yes", score)), (30, one("yes", score))]
        own = {**PLAIN, "word_thresholds": {"yes": 0.7}}
        yield f"own threshold {score}", own, [(0, one("yes", score)), (30, one("no", 0.6)), (60, one("yes", 0.5))]
    for score in (0.2999, 0.3, 0.3001):
        held = {**PLAIN, "suppression_ms": 10, "release_threshold": 0.3}
        yield f"release {score}", held, [(0, one("yes")), (20, [0, 0, score, 0.6]), (40, [0, 0, 0.2, 0.6]), (60, one("no"))]
    for count in (1, 2, 3, 4):
        settings = {**PLAIN, "average_window_ms": 90, "minimum_count": count}
        yield f"minimum count {count}", settings, [(30 * i, one("yes")) for i in range(6)]
        yield (
            f"in a row {count}",
            {**PLAIN, "consecutive_windows": count},
            [(30 * i, one(label)) for i, label in enumerate(("yes", "yes", "no", "yes", "yes", "yes", "yes"))],
        )
    yield "a tie goes to the first", PLAIN, [(0, [0.2, 0.2, 0.6, 0.6]), (2000, [0.6, 0.6, 0.6, 0.6])]
    gap = {**PLAIN, "average_window_ms": 100, "minimum_count": 2, "stride_ms": 50, "consecutive_windows": 2, "repeat_words": True}
    yield "a gap", gap, [(time_ms, one("yes")) for time_ms in (0, 50, 100, 5000, 5050, 5100)]


def random_runs() -> Iterator[Run]:
    """Streams in which words come and go, on a grid so coarse that limits are met often."""
    rng = np.random.default_rng(0)
    for number in range(6 * len(EXTRAS)):
        window_ms = (0, 100, 102, 500)[number % 4]
        settings = {
            "average_window_ms": window_ms,
            "minimum_count": 1 if not window_ms else 1 + number % 3,
            "threshold": (0.4, 0.5, 0.7)[number % 3],
            "suppression_ms": (0, 150, 200)[number // 4 % 3],
            "stride_ms": 25,
            **EXTRAS[number % len(EXTRAS)],
        }
        steps, time_ms = [], 0
        for _ in range(12):
            label, score = str(rng.choice(LABELS)), float(rng.choice([0.4, 0.5, 0.7, 0.9]))
            for _ in range(int(rng.integers(1, 6))):
                scores = [round(value, 3) for value in one(label, score, (1 - score) / 3) + rng.integers(-2, 3, 4) * 0.05]
                steps.append((time_ms, [min(max(value, 0.0), 1.0) for value in scores]))
                time_ms += int(rng.choice([25, 25, 25, 50, 1, 0]))
        yield f"random {number}", settings, steps


def trace(run: Run) -> dict[str, Any]:
    """A run with what the decoder answers: index of the label, score, and whether it is new."""
    name, values, steps = run
    settings = DecoderSettings(**values)
    decoder = CommandDecoder(LABELS, settings)
    decisions = [decoder.step(scores, time_ms) for time_ms, scores in steps]
    return {
        "name": name,
        "settings": settings.to_dict(),
        "times_ms": [time_ms for time_ms, _ in steps],
        "scores": [[float(value) for value in scores] for _, scores in steps],
        "labels": [LABELS.index(found.label) for found in decisions],
        "answers": [float(str(np.float32(found.score))) for found in decisions],
        "new": [index for index, found in enumerate(decisions) if found.is_new],
    }


def text() -> str:
    """The whole file: a run a line."""
    runs = ",\n".join(json.dumps(trace(run), separators=(",", ":")) for run in (*edges(), *random_runs()))
    return f'{{"labels": {json.dumps(LABELS)},\n"runs": [\n{runs}\n]}}\n'


if __name__ == "__main__":
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(text(), encoding="utf-8")
