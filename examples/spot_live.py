"""Find keywords in live sound: python spot_live.py MODEL [THRESHOLD]

Sound comes from the microphone (pip install 'kws[listen]'), or, where standard input is a pipe, from there as raw 16-bit samples:
arecord -t raw -f S16_LE -r 16000 | python spot_live.py best.onnx
"""

# ruff: noqa: T201

import sys
from collections.abc import Iterator

import numpy as np

import kws

CHUNK_S = 0.1


def from_standard_input(samples: int) -> Iterator[np.ndarray]:
    """Chunks of raw samples, until the pipe ends."""
    while chunk := sys.stdin.buffer.read(2 * samples):
        yield np.frombuffer(chunk[: len(chunk) // 2 * 2], "<i2")


def from_microphone(samples: int, sample_rate: int) -> Iterator[np.ndarray]:
    """Chunks from the microphone, until Ctrl-C."""
    import sounddevice

    with sounddevice.InputStream(samplerate=sample_rate, channels=1, dtype="int16") as stream:
        while True:
            chunk, lost = stream.read(samples)
            if lost:
                print("some sound was lost", file=sys.stderr)
            yield chunk[:, 0]


def main() -> None:
    """Print each keyword as it is found."""
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    spotter = kws.KeywordSpotter(sys.argv[1], threshold=float(sys.argv[2]) if len(sys.argv) > 2 else None)
    samples = round(CHUNK_S * spotter.sample_rate)
    try:
        for chunk in from_microphone(samples, spotter.sample_rate) if sys.stdin.isatty() else from_standard_input(samples):
            show(spotter.process(chunk))
    except KeyboardInterrupt:
        pass
    show(spotter.flush())


def show(detections: list[kws.Detection]) -> None:
    """Print a line each."""
    for found in detections:
        print(f"{found.time:9.2f} s  {found.keyword:16} {found.score:.3f}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except kws.KwsError as error:
        sys.exit(f"error: {error}")
