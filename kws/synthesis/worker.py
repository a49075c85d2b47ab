"""The eSpeak NG process: reads a job from standard input, writes clips, reports progress on standard output.

A process of its own, because eSpeak NG is one a process, is not thread-safe, and a fault in it would end its host.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from kws.audio.io import to_int16, write_wav
from kws.data.corpus import BACKGROUND_FOLDER
from kws.errors import KwsError
from kws.synthesis import acoustics
from kws.synthesis.espeak import FASTEST_WPM, SLOWEST_WPM, Engine
from kws.synthesis.pool import EXIT_USER_ERROR, Job
from kws.synthesis.speakers import Speaker, stream

# The end of a sentence sets its melody.
_ENDINGS = ("", "", ".", "!", "?", ",")
_TRIES = 5
_NOISE_RMS, _NOISE_PEAK = 0.1, 0.97


@dataclass(frozen=True)
class Progress:
    """A speaker is done: the number of clips written, and why each word that is missing could not be said."""

    clips: int
    skipped: dict[str, str]


def work(engine: Engine, job: Job, folder: Path) -> Iterator[Progress]:
    """Write the clips of a job to folder/<word>/, and its noise.

    Raises:
        KwsError: the folder can't be written to, or the engine lacks a voice.
    """
    for name in job.words:
        (folder / name).mkdir(parents=True, exist_ok=True)
    for speaker in job.speakers:
        skipped, quiet = {}, _quiet_place(speaker, job)
        for word in job.words:
            # Afresh, so that a word sounds the same whichever words come before it.
            engine.renew(int(stream(job.seed, speaker.id, word).integers(2**31)))
            for take in range(job.takes):
                rng = stream(job.seed, speaker.id, word, take)
                speech = _say_word(engine, word, speaker, job, rng)
                if isinstance(speech, str):
                    skipped[word] = speech
                    continue
                clip = acoustics.record(
                    speech, job.clip_samples, job.sample_rate, rng, quiet,
                    room_probability=job.room_probability, noise_floor_db=job.noise_floor_db,
                )  # fmt: skip
                write_wav(folder / word / speaker.clip_name(take), to_int16(clip), job.sample_rate)
        yield Progress(len(job.words) * job.takes, skipped)
    if job.talkers:
        _write_noise(engine, job, folder / BACKGROUND_FOLDER)


def _quiet_place(speaker: Speaker, job: Job) -> acoustics.Waveform:
    rng = stream(job.seed, speaker.id, "quiet")
    return acoustics.coloured_noise(4 * job.clip_samples, rng.uniform(0, 1), rng, lowest_bin=80)


def _say_word(engine: Engine, word: str, speaker: Speaker, job: Job, rng: np.random.Generator) -> acoustics.Waveform | str:
    """Dry speech (samples,) that fits into a clip, said faster where it must be; or why there is none."""
    pitch, pitch_range = int(speaker.pitch + rng.integers(-4, 5)), int(rng.integers(25, 85))
    rate_wpm = max(SLOWEST_WPM, speaker.rate_wpm * rng.uniform(0.88, 1.14))
    text = word.replace("_", " ") + str(rng.choice(_ENDINGS))
    longest = job.clip_samples - 2 * (job.sample_rate * acoustics.MARGIN_MS // 1000)
    speech = np.zeros(0)
    for _ in range(_TRIES):
        said = engine.say(
            text, speaker.accent, speaker.variant, rate_wpm=round(rate_wpm), pitch=pitch, pitch_range=pitch_range
        )  # fmt: skip
        speech = acoustics.trim(acoustics.resample(said, speaker.native_hz, job.sample_rate), job.sample_rate)
        if len(speech) <= longest or rate_wpm >= FASTEST_WPM:
            break
        rate_wpm = min(FASTEST_WPM, rate_wpm * 1.05 * len(speech) / longest)
    if not len(speech):
        return "is silent"
    return speech if len(speech) <= longest else f"lasts {1000 * len(speech) // job.sample_rate} ms"


def _write_noise(engine: Engine, job: Job, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    length, sample_rate = job.noise_samples, job.sample_rate
    voices = [_talk(engine, talker, job) for talker in job.talkers]
    kinds = {
        "white_noise": acoustics.coloured_noise(length, 0.0, stream(job.seed, "white")),
        "pink_noise": acoustics.coloured_noise(length, 0.5, stream(job.seed, "pink"), lowest_bin=20 * length / sample_rate),
        "brown_noise": acoustics.coloured_noise(length, 1.0, stream(job.seed, "brown"), lowest_bin=30 * length / sample_rate),
        "hum": acoustics.hum(length, sample_rate, stream(job.seed, "hum")),
        "clatter": acoustics.clatter(length, sample_rate, stream(job.seed, "clatter")),
        "babble": acoustics.babble(voices),
    }
    for name, noise in kinds.items():
        gain = min(_NOISE_RMS, _NOISE_PEAK / max(1e-9, float(np.abs(noise).max())))
        write_wav(folder / f"{name}.wav", to_int16(gain * noise), sample_rate)


def _talk(engine: Engine, talker: Speaker, job: Job) -> acoustics.Waveform:
    """One voice that says words without end, (noise_samples,)."""
    rng = stream(job.seed, talker.id, "talk")
    engine.renew(int(rng.integers(2**31)))
    pieces: list[acoustics.Waveform] = []
    missing = job.noise_samples
    while missing > 0:
        text = " ".join(rng.choice(job.noise_words, size=8))
        said = engine.say(text, talker.accent, talker.variant, rate_wpm=talker.rate_wpm, pitch=talker.pitch, pitch_range=50)
        pause = np.zeros(int(job.sample_rate * rng.uniform(0.1, 0.5)))
        pieces += [acoustics.resample(said, talker.native_hz, job.sample_rate), pause]
        missing -= len(pieces[-2]) + len(pause)
    return np.concatenate(pieces)[: job.noise_samples]


def main() -> int:
    """Do the job on standard input in the folder that the first argument names."""
    # So that the engine clears away its links when the caller stops early.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    job = Job.from_json(sys.stdin.read())
    try:
        with Engine() as engine:
            for progress in work(engine, job, Path(sys.argv[1])):
                sys.stdout.write(json.dumps(asdict(progress)) + "\n")
                sys.stdout.flush()
    except KwsError as error:
        sys.stderr.write(str(error))
        return EXIT_USER_ERROR
    return 0


if __name__ == "__main__":
    sys.exit(main())
