"""Microphone input through PortAudio."""

from __future__ import annotations

import contextlib
import importlib
import queue
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kws.audio.resampler import Resampler
from kws.errors import KwsError, first_line, missing_package
from kws.streaming.sound_source import BLOCK_MS, Block

_QUEUE_S = 2.0  # longest backlog before blocks are dropped
_POLL_S = 0.2  # without sound, an empty block is yielded this often, so that the caller can look at the clock
_SILENT_S = 5.0  # a device that sends no blocks for this long was unplugged
_INSTEAD = "--wav FILE plays a recording instead"
_NOTHING = np.zeros(0, np.float32)


class PortAudioMicrophone:
    """A microphone. PortAudio's thread puts blocks in a bounded queue; the iterator takes them out.

    It is opened mono at the wanted sample rate. A device that refuses is opened at its own rate and resampled here, or
    with all its channels, which are averaged. Blocks are dropped, and counted, when the queue is full and when
    PortAudio reports an overflow; the device's clock then says how much was lost, at least one sample.

    Args:
        sample_rate: wanted sample rate in Hz.
        device: number of a device, or part of its name; None: the system's default.
        sounddevice: the package, or a stand-in for it; None imports it.

    Raises:
        KwsError: sounddevice or PortAudio is not installed, there is no such microphone, or it can't be opened.
    """

    def __init__(self, sample_rate: int, device: int | str | None = None, sounddevice: Any = None) -> None:
        self._sounddevice = sounddevice or load_sounddevice()
        self._device = device
        found = self._query()
        self.name = str(found["name"])
        self.device_hz, self.channels = self._choose(sample_rate, found)
        self._resampler = None if self.device_hz == sample_rate else Resampler(self.device_hz, sample_rate)
        self._per_block = sample_rate * BLOCK_MS // 1000
        self._queue: queue.Queue[tuple[NDArray[np.float32], int]] = queue.Queue(int(1000 * _QUEUE_S / BLOCK_MS))
        self._lost = 0  # lost samples, at the device's rate, not reported yet; PortAudio's thread
        self._ended_s: float | None = None  # end of the last block by the device's clock; PortAudio's thread
        self._broken = 0  # samples, at the device's rate, of blocks with NaN or infinity; the reader's thread
        self._stream: Any = None

    @property
    def waiting_samples(self) -> int:
        """Samples in the queue."""
        return self._queue.qsize() * self._per_block

    def __enter__(self) -> object:
        settings = {"device": self._device, "samplerate": self.device_hz, "channels": self.channels, "dtype": "float32"}
        block = self.device_hz * BLOCK_MS // 1000
        try:
            self._stream = self._sounddevice.InputStream(**settings, blocksize=block, callback=self._arrived)
            self._stream.start()
        except (self._sounddevice.PortAudioError, ValueError, OSError) as error:
            raise KwsError(
                f"{self.name}: can't be opened ({first_line(error)}); is another program using it?"
                f" Close that, or choose another with --device (--list-devices); {_INSTEAD}"
            ) from error
        return self

    def __exit__(self, *error: object) -> None:
        if self._stream is not None:
            with contextlib.suppress(self._sounddevice.PortAudioError):  # unplugged: there is nothing to close
                self._stream.close()

    def __iter__(self) -> Iterator[Block]:
        quiet_s = 0.0
        while True:
            try:
                samples, lost = self._queue.get(timeout=_POLL_S)
            except queue.Empty:
                quiet_s += _POLL_S
                if not self._stream.active or quiet_s > _SILENT_S:
                    raise KwsError(f"{self.name}: gives no more sound; is it still plugged in? Start again when it is") from None
                yield Block(_NOTHING, 0)
                continue
            quiet_s = 0.0
            yield self._converted(samples, lost)

    def _arrived(self, sound: NDArray[np.float32], frames: int, time: Any, status: Any) -> None:
        """Queue a block (frames, channels); called by PortAudio, which will reuse the buffer."""
        if status.input_overflow:
            late_s = 0.0 if self._ended_s is None else time.inputBufferAdcTime - self._ended_s
            self._lost += max(round(late_s * self.device_hz), 1)
        self._ended_s = time.inputBufferAdcTime + frames / self.device_hz
        try:
            # Copied, for PortAudio reuses its buffer.
            samples = sound[:, 0].copy() if self.channels == 1 else sound.mean(axis=1, dtype=np.float32)
            self._queue.put_nowait((samples, self._lost))
            self._lost = 0
        except queue.Full:
            self._lost += frames

    def _converted(self, samples: NDArray[np.float32], lost: int) -> Block:
        lost += self._broken
        self._broken = 0
        if not np.isfinite(samples).all():
            self._broken = lost + len(samples)
            return Block(_NOTHING, 0)
        if self._resampler is None:
            return Block(samples, lost)
        dropped = self._resampler.skip(lost)
        return Block(self._resampler.feed(samples), dropped)

    def _query(self) -> Any:
        try:
            return self._sounddevice.query_devices(self._device, "input")
        except (self._sounddevice.PortAudioError, ValueError) as error:
            if self._device is None:
                raise KwsError(
                    f"no microphone found ({first_line(error)}); plug one in, see --list-devices, or {_INSTEAD}"
                ) from error
            raise KwsError(
                f"--device {self._device}: no such microphone ({first_line(error)}); --list-devices names those there are"
            ) from error

    def _choose(self, sample_rate: int, found: Any) -> tuple[int, int]:
        """Return the first combination of sample rate and channels, best first, that the device accepts."""
        own_hz, most = int(found["default_samplerate"]), int(found["max_input_channels"])
        refused = ""
        for channels in dict.fromkeys((1, most)):
            for hz in dict.fromkeys((sample_rate, own_hz)):
                try:
                    self._sounddevice.check_input_settings(self._device, channels, "float32", samplerate=hz)
                    return hz, channels
                except (self._sounddevice.PortAudioError, ValueError) as error:
                    refused = first_line(error)
        raise KwsError(
            f"{self.name}: takes neither {sample_rate} Hz nor its own {own_hz} Hz ({refused});"
            f" choose another with --device (--list-devices), or {_INSTEAD}"
        )


def load_sounddevice() -> Any:
    """Import sounddevice.

    Raises:
        KwsError: it, or PortAudio, is not installed.
    """
    try:
        return importlib.import_module("sounddevice")
    except ModuleNotFoundError as error:
        if (needed := missing_package(error)) is None:
            raise
        raise KwsError(f"the microphone {needed}; {_INSTEAD}") from error
    except OSError as error:
        raise KwsError(
            f"the microphone needs PortAudio, which is not installed ({first_line(error)}); on Debian, Ubuntu and Raspberry Pi:"
            f" apt install libportaudio2; {_INSTEAD}"
        ) from error
    except Exception as error:
        if type(error).__name__ != "PortAudioError":  # the class is in the module that failed to import
            raise
        raise KwsError(
            f"PortAudio can't start ({first_line(error)}); see that the system's sound works (arecord -l); {_INSTEAD}"
        ) from error


def list_microphones(sounddevice: Any = None) -> list[str]:
    """List the microphones, a line each: number for --device, name, channels, sample rate; `*` marks the default.

    Raises:
        KwsError: sounddevice or PortAudio is not installed, or there is no microphone.
    """
    package = sounddevice or load_sounddevice()
    default = package.default.device[0]
    lines = [
        f"{'*' if number == default else ' '} {number:3}  {one['name']}  ({one['max_input_channels']} channels,"
        f" {one['default_samplerate']:g} Hz)"
        for number, one in enumerate(package.query_devices())
        if one["max_input_channels"] > 0
    ]
    if not lines:
        raise KwsError(f"no microphone found; plug one in and see that the system lists it (arecord -l), or {_INSTEAD}")
    return lines
