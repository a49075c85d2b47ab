"""Live sound: a recording in real time, and a microphone through a made-up PortAudio."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sounds import white

from kws.audio.io import to_float
from kws.audio.resampler import Resampler
from kws.errors import KwsError
from kws.streaming.portaudio_microphone import PortAudioMicrophone, list_microphones, load_sounddevice
from kws.streaming.sound_source import Block, RealTimeSound

SAMPLES = np.arange(-3000, 3000, dtype=np.int16)


class Clock:
    """Time that passes only where someone sleeps."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now_s += seconds


@pytest.mark.parametrize("speed", [1.0, 4.0])
def test_a_recording_comes_when_it_would_be_spoken(speed: float) -> None:
    clock = Clock()
    source = RealTimeSound(SAMPLES, 16000, "x.wav", speed, clock, clock.sleep)
    blocks, times_s = [], []
    with source:
        for block in source:
            blocks.append(block)
            times_s.append(clock.now_s)
    assert all(block.dropped == 0 for block in blocks)
    np.testing.assert_array_equal(np.concatenate([block.samples for block in blocks]), to_float(SAMPLES))
    np.testing.assert_allclose(times_s, np.minimum(480 * np.arange(1, 14), 6000) / 16000 / speed)


def test_who_is_slow_has_sound_waiting_and_loses_none() -> None:
    clock = Clock()
    source = RealTimeSound(SAMPLES, 16000, "x.wav", 1.0, clock, clock.sleep)
    taken = iter(source)
    next(taken)
    assert source.waiting_samples == 0
    clock.now_s = 0.13  # four blocks have come by now
    assert source.waiting_samples == 3 * 480
    assert len(next(taken).samples) == 480
    assert clock.now_s == 0.13
    assert source.waiting_samples == 2 * 480
    clock.now_s = 99
    assert source.waiting_samples == len(SAMPLES) - 2 * 480


@pytest.mark.parametrize("speed", [0.0, -1.0, 1e-300, 1e300, float("nan"), float("inf")])
def test_a_speed_that_is_none(speed: float) -> None:
    with pytest.raises(KwsError, match=r"speed: .* given; 0.01 to 1e"):
        RealTimeSound(SAMPLES, 16000, "x.wav", speed)


class PortAudioError(Exception):
    pass


class FakePortAudio:
    """Stands for the package sounddevice; `play` stands for PortAudio's thread."""

    PortAudioError = PortAudioError

    def __init__(self, takes: set[tuple[int, int]], own_hz: int = 48000, inputs: int = 2, opens: bool = True) -> None:
        self.takes, self.opens = takes, opens
        self.devices = [
            {"name": "speakers", "max_input_channels": 0, "default_samplerate": 48000.0},
            {"name": "made up", "max_input_channels": inputs, "default_samplerate": float(own_hz)},
        ]
        self.default = SimpleNamespace(device=[1, 0])
        self.closed = False
        self.stream: Any = None
        self.time_s = 5.0

    def query_devices(self, device: int | str | None = None, kind: str | None = None) -> Any:
        if kind is None:
            return self.devices
        if device in (None, 1, "made up") and self.devices[1]["max_input_channels"]:
            return self.devices[1]
        if device is None:
            raise PortAudioError("Error querying device -1")
        raise ValueError(f"No input device matching {device!r}")

    def check_input_settings(self, device: Any, channels: int, dtype: str, samplerate: int) -> None:
        if (samplerate, channels) not in self.takes:
            raise PortAudioError("Invalid sample rate")

    def InputStream(self, **settings: Any) -> Any:
        if not self.opens:
            raise PortAudioError("Device unavailable")
        self.settings = settings
        self.stream = SimpleNamespace(active=True, start=lambda: None, close=self.close)
        return self.stream

    def close(self) -> None:
        self.closed = True

    def play(self, sound: NDArray[np.float32], late_s: float | None = None) -> None:
        """A buffer (frames, channels); with `late_s` the flag of an overflow, and sound of so long is missing before it."""
        self.time_s += late_s or 0
        time, status = SimpleNamespace(inputBufferAdcTime=self.time_s), SimpleNamespace(input_overflow=late_s is not None)
        self.time_s += len(sound) / self.settings["samplerate"]
        buffer = sound.copy()
        self.settings["callback"](buffer, len(sound), time, status)
        buffer[:] = np.nan  # PortAudio uses it again


def taken(microphone: PortAudioMicrophone, count: int) -> list[Block]:
    blocks = iter(microphone)
    return [next(blocks) for _ in range(count)]


def mono(count: int, hz: int = 16000, seed: int = 0) -> list[NDArray[np.float32]]:
    frames = hz * 30 // 1000
    return list(white(1.0, frames * count, seed).astype(np.float32).reshape(count, frames, 1))


def test_the_wanted_rate_where_the_device_takes_it() -> None:
    fake = FakePortAudio({(16000, 1), (48000, 1)})
    microphone = PortAudioMicrophone(16000, "made up", fake)
    assert (microphone.name, microphone.device_hz, microphone.channels) == ("made up", 16000, 1)
    buffers = mono(4)
    with microphone:
        assert {name: fake.settings[name] for name in ("samplerate", "channels", "dtype", "blocksize", "device")} == {
            "samplerate": 16000, "channels": 1, "dtype": "float32", "blocksize": 480, "device": "made up",
        }  # fmt: skip
        for buffer in buffers:
            fake.play(buffer)
        assert microphone.waiting_samples == 4 * 480
        blocks = taken(microphone, 4)
        assert microphone.waiting_samples == 0
    assert fake.closed
    np.testing.assert_array_equal(np.stack([block.samples for block in blocks]), np.stack(buffers)[:, :, 0])
    assert [block.dropped for block in blocks] == [0] * 4


def test_another_rate_and_more_channels_are_converted() -> None:
    fake = FakePortAudio({(44100, 2)}, own_hz=44100)
    microphone = PortAudioMicrophone(16000, None, fake)
    assert (microphone.device_hz, microphone.channels) == (44100, 2)
    left, right = mono(20, 44100, 1), mono(20, 44100, 2)
    with microphone:
        for one, other in zip(left, right, strict=True):
            fake.play(np.concatenate([one, other], axis=1))
        heard = np.concatenate([block.samples for block in taken(microphone, 20)])
    mean = (np.concatenate(left)[:, 0] + np.concatenate(right)[:, 0]) / 2
    np.testing.assert_allclose(heard, Resampler(44100, 16000).feed(mean), atol=1e-6)
    assert len(heard) > 0.59 * 16000


def test_a_full_queue_drops_and_counts() -> None:
    fake = FakePortAudio({(16000, 1)})
    microphone = PortAudioMicrophone(16000, None, fake)
    buffers = mono(80)
    with microphone:
        for buffer in buffers[:70]:
            fake.play(buffer)
        kept = taken(microphone, 66)
        for buffer in buffers[70:]:
            fake.play(buffer)
        kept += taken(microphone, 10)
    assert [block.dropped for block in kept] == [0] * 66 + [4 * 480] + [0] * 9
    np.testing.assert_array_equal(kept[66].samples, buffers[70][:, 0])


def test_an_overflow_is_as_long_as_the_devices_clock_says() -> None:
    fake = FakePortAudio({(16000, 1)})
    microphone = PortAudioMicrophone(16000, None, fake)
    buffers = mono(4)
    with microphone:
        fake.play(buffers[0], late_s=0.0)
        fake.play(buffers[1], late_s=0.25)
        fake.play(buffers[2], late_s=-0.001)
        fake.play(buffers[3])
        assert [block.dropped for block in taken(microphone, 4)] == [1, 4000, 1, 0]


def test_a_resampled_overflow_keeps_the_time() -> None:
    fake = FakePortAudio({(48000, 1)})
    microphone = PortAudioMicrophone(16000, None, fake)
    with microphone:
        for buffer in mono(10, 48000):
            fake.play(buffer, late_s=0.1)
        blocks = taken(microphone, 10)
    passed = sum(block.dropped + len(block.samples) for block in blocks)
    # All but the first gap, of which the clock knows nothing, and the outputs that wait for the next block.
    assert passed / 16000 == pytest.approx(10 * 0.03 + 9 * 0.1, abs=0.001)


def test_sound_that_is_not_finite_counts_as_lost() -> None:
    fake = FakePortAudio({(16000, 1)})
    microphone = PortAudioMicrophone(16000, None, fake)
    good, bad = mono(1)[0], np.full((480, 1), np.nan, np.float32)
    with microphone:
        for buffer in (good, bad, bad, good):
            fake.play(buffer)
        assert [(len(block.samples), block.dropped) for block in taken(microphone, 4)] == [(480, 0), (0, 0), (0, 0), (480, 960)]


def test_an_unplugged_microphone_is_an_error() -> None:
    fake = FakePortAudio({(16000, 1)})
    microphone = PortAudioMicrophone(16000, None, fake)
    with microphone:
        blocks = iter(microphone)
        assert next(blocks) == (pytest.approx([]), 0)  # nothing came: time to look whether to stop
        fake.stream.active = False
        with pytest.raises(KwsError, match="made up: gives no more sound; is it still plugged in"):
            next(blocks)


@pytest.mark.parametrize(
    ("fake", "device", "message"),
    [
        (FakePortAudio(set()), None, "takes neither 16000 Hz nor its own 48000 Hz"),
        (FakePortAudio({(16000, 1)}, inputs=0), None, "no microphone found.*--list-devices.*--wav FILE"),
        (FakePortAudio({(16000, 1)}), "other", "--device other: no such microphone .*--list-devices"),
        (FakePortAudio({(16000, 1)}, opens=False), None, "made up: can't be opened .*is another program using it"),
    ],
)
def test_what_is_wrong_with_a_microphone_is_said(fake: Any, device: str | None, message: str) -> None:
    with pytest.raises(KwsError, match=message), PortAudioMicrophone(16000, device, fake):
        pass


def test_microphones_are_listed() -> None:
    assert list_microphones(FakePortAudio(set())) == ["*   1  made up  (2 channels, 48000 Hz)"]
    with pytest.raises(KwsError, match="no microphone found; plug one in"):
        list_microphones(FakePortAudio(set(), inputs=0))


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(KwsError, match=r"the microphone needs sounddevice, .*pip install 'kws\[listen\]'; --wav FILE"):
        load_sounddevice()

    def no_library(name: str) -> None:
        raise OSError("PortAudio library not found")

    monkeypatch.setattr("kws.streaming.portaudio_microphone.importlib.import_module", no_library)
    with pytest.raises(KwsError, match=r"PortAudio library not found.*apt install libportaudio2; --wav FILE"):
        load_sounddevice()


def test_a_portaudio_that_does_not_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> None:
        raise PortAudioError("Error initializing PortAudio: Unanticipated host error")

    monkeypatch.setattr("kws.streaming.portaudio_microphone.importlib.import_module", broken)
    with pytest.raises(KwsError, match=r"PortAudio can't start \(Error initializing PortAudio.*--wav FILE"):
        load_sounddevice()
