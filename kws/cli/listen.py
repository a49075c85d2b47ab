"""`kws listen`: which words are being said right now?"""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from kws.inference.model import Model
    from kws.streaming.live_session import LiveSession, SessionState
    from kws.streaming.recorder import Recorder
    from kws.streaming.sound_source import Microphone

EPILOG = """\
On a terminal it shows every label's score (┊ marks its threshold), the latest detections, the level of the sound, what the
computing takes, how much sound waits (lag) and how much was lost; elsewhere, and with --format, it prints one line a
detection. Ctrl-C ends it. A detection's time is the START of the window of sound that decided, as with `kws stream`.

--record OUT.wav keeps what was heard. OUT.gaps.jsonl says where sound was lost (zeros lie there), OUT.detections.jsonl what was
found, OUT.scores.npz every window's scores; `kws stream MODEL OUT.wav` finds the same again. If it is killed, all but the
scores is there.

The microphone and the view need pip install 'kws[listen]', the microphone on Linux apt install libportaudio2.

examples:
  kws listen best.stream.onnx
  kws listen best.stream.onnx --threshold 0.5 --record bad.wav && kws stream best.stream.onnx bad.wav --threshold 0.5
  kws listen best.stream.onnx --wav recording.wav
  kws listen --list-devices
"""
_FRAME_S = 0.1


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `kws listen` and its arguments."""
    from kws.cli.stream import add_decoder_options

    parser = subparsers.add_parser(
        "listen",
        help="spot words live, from the microphone",
        description="Spot words in what the microphone hears, and show how sure the model is of each label.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("model", type=Path, nargs="?", metavar="MODEL", help="a checkpoint, or an exported model (--streaming: the fastest)")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--device", metavar="D", help="which microphone: its number or part of its name (default: the system's)")
    source.add_argument("--wav", type=Path, metavar="FILE", help="play a recording in real time instead")
    source.add_argument("--list-devices", action="store_true", help="name the microphones, and end")
    add("--speed", type=float, default=1.0, metavar="N", help="with --wav: so many times as fast (default: %(default)g)")
    add("--record", type=Path, metavar="OUT.wav", help="keep what was heard, and beside it what was found")
    add("--format", choices=("text", "json", "audacity"), help="print a line a detection, on a terminal too")
    add_decoder_options(parser)
    add("--threads", type=int, default=1, metavar="N", help="CPU threads (default: %(default)s)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    from kws.cli.stream import decoder_settings
    from kws.errors import KwsError
    from kws.inference.loading import load, open_scorer
    from kws.streaming.live_session import LiveSession

    if args.list_devices:
        from kws.streaming.portaudio_microphone import list_microphones

        print("\n".join(list_microphones()))
        return 0
    if args.model is None:
        raise KwsError("listen: no MODEL given; give a checkpoint or an exported model")
    model = load(args.model, threads=args.threads)
    settings = decoder_settings(args, model)
    scorer = open_scorer(model, settings.stride_ms)
    with contextlib.ExitStack() as opened:
        stopped = opened.enter_context(stop_signals())
        microphone = open_source(args, model)
        recorder = None if args.record is None else opened.enter_context(recording(args.record, model))
        listener = LiveSession(scorer, settings, recorder)
        console = terminal() if args.format is None else None
        if console is not None:
            title = f"{args.model.name} hears {microphone.name}"
            show_live(microphone, listener, console, title, model.spec.clip_ms, stopped)
        else:
            print_lines(microphone, listener, stopped, args.format or "text", model.spec.clip_ms)
    print(summary(listener.state()), file=sys.stderr)
    if args.record is not None:
        print(f"{args.record}: kept; kws stream {args.model} {args.record} hears it again", file=sys.stderr)
    return 0


def open_source(args: argparse.Namespace, model: Model) -> Microphone:
    """Open the microphone, or the recording given in its place."""
    from kws.errors import KwsError

    if args.wav is not None:
        from kws.audio.long_recording import read_sound
        from kws.streaming.sound_source import RealTimeSound

        return RealTimeSound(read_sound(args.wav, model.spec), model.spec.sample_rate, args.wav.name, args.speed)
    if args.speed != 1:
        raise KwsError(f"--speed {args.speed:g}: has no effect without --wav; a microphone hears in its own time")
    from kws.streaming.portaudio_microphone import PortAudioMicrophone

    device = int(args.device) if args.device is not None and args.device.isdigit() else args.device
    return PortAudioMicrophone(model.spec.sample_rate, device)


@contextlib.contextmanager
def recording(path: Path, model: Model) -> Iterator[Recorder]:
    """Yield a recorder; close it at the end, also after an error."""
    from kws.streaming.recorder import Recorder

    recorder = Recorder(path, model.spec.sample_rate, model.labels)
    try:
        yield recorder
    finally:
        recorder.close()


@contextlib.contextmanager
def stop_signals() -> Iterator[Callable[[], bool]]:
    """Yield a flag that Ctrl-C or a closed terminal sets; a second Ctrl-C interrupts.

    The block in progress can then be finished first.
    """
    asked = threading.Event()

    def stop(number: int, frame: object) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    if threading.current_thread() is not threading.main_thread():  # which alone may set handlers
        yield asked.is_set
        return
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def terminal() -> Console | None:
    """Return the terminal to draw on; None where standard output is not a terminal that can draw."""
    if not sys.stdout.isatty():
        return None
    try:
        from rich.console import Console
    except ModuleNotFoundError:
        print("a line a detection: the view needs rich, which is not installed; pip install 'kws[listen]'", file=sys.stderr)
        return None
    console = Console(highlight=False)
    return console if console.is_terminal and not console.is_dumb_terminal else None


def show_live(
    microphone: Microphone, listener: LiveSession, console: Console, title: str, clip_ms: float, stopped: Callable[[], bool]
) -> None:
    """Draw the view until the sound ends or it is stopped; the latest detections stay on the terminal."""
    import time

    from kws.cli.live_view import LiveView, open_screen
    from kws.cli.stream import show

    drawn_s = -_FRAME_S
    with open_screen(console) as screen, microphone:
        for block in microphone:
            listener.hear(block)
            if stopped():
                break
            # Sound goes before pictures, but a machine that can't keep up must show that it can't.
            waiting, now_s = microphone.waiting_samples, time.monotonic()
            if now_s - drawn_s >= (_FRAME_S if not waiting else 3 * _FRAME_S):
                drawn_s = now_s
                screen.update(LiveView(listener.state(waiting), title, clip_ms), refresh=True)
        listener.end()
    show(listener.state().detections, "text", clip_ms)


def print_lines(microphone: Microphone, listener: LiveSession, stopped: Callable[[], bool], form: str, clip_ms: float) -> None:
    """Print a line a detection until the sound ends or it is stopped."""
    from kws.cli.stream import show

    lost = 0
    with microphone:
        for block in microphone:
            show(listener.hear(block), form, clip_ms)
            if block.dropped:
                lost += block.dropped
                print(f"{listener.state().time_ms / 1000:9.2f} s  {block.dropped} samples lost, {lost} in all", file=sys.stderr)
            if stopped():
                break
        show(listener.end(), form, clip_ms)


def summary(heard: SessionState) -> str:
    """Summarise the whole stream in a line."""
    from kws.cli.printing import clock_time

    seconds = max(heard.time_ms - heard.dropped_ms, 1) / 1000
    each_ms = 1000 * heard.busy_s / heard.windows if heard.windows else 0.0
    return (
        f"{clock_time(heard.time_ms)} heard, {heard.found} found; {each_ms:.2f} ms a window, {heard.busy_s / seconds:.3f} of real"
        f" time; {heard.dropped} samples ({heard.dropped_ms} ms) lost"
    )
