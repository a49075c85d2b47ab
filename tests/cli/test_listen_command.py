"""`kws listen`: from a recording in place of a microphone, as lines and on a terminal, and what it keeps."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from fcntl import ioctl
from pathlib import Path

import numpy as np
import pytest
from corpora import RATE_HZ, word_sound
from exported import make_model

from kws.audio import write_wav
from kws.cli.listen import summary
from kws.cli.main import main
from kws.cli.printing import clock_time
from kws.export.stream_exporter import export_streaming
from kws.streaming.live_session import SessionState

Capture = pytest.CaptureFixture[str]
# An untrained model is never sure of anything: this finds something all the same.
EASY = ["--threshold", "0.3", "--average-window-ms", "90", "--minimum-count", "1", "--suppression-ms", "300"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    assert export_streaming(make_model("single_fc", "log_mel", words=("yes", "no")), "onnx", folder, "m").passed
    return folder / "m.stream.onnx"


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path, rng = tmp_path_factory.mktemp("sound") / "words.wav", np.random.default_rng(3)
    words = [word_sound(word, rng) for word in ("yes", "no", "tree", "yes", "bed", "no")]
    write_wav(path, np.concatenate([np.concatenate([word, np.zeros(4000, np.int16)]) for word in words]), RATE_HZ)
    return path


def listened(*words: object) -> int:
    return main(["listen", *map(str, words), "--speed", "1000", *EASY])


def test_finds_what_stream_finds(model: Path, recording: Path, capsys: Capture) -> None:
    for form in ("json", "audacity", "text"):
        assert main(["stream", str(model), str(recording), "--format", form, *EASY]) == 0
        expected = [line.split()[:2] for line in capsys.readouterr().out.splitlines()]
        assert listened(model, "--wav", recording, "--format", form) == 0
        captured = capsys.readouterr()
        assert [line.split()[:2] for line in captured.out.splitlines()] == expected != []
        assert captured.err.startswith(f"00:07.50 heard, {len(expected)} found; ")


def test_what_it_kept_is_found_again_exactly(model: Path, recording: Path, tmp_path: Path, capsys: Capture) -> None:
    kept = tmp_path / "kept.wav"
    assert listened(model, "--wav", recording, "--format", "json", "--record", kept) == 0
    captured = capsys.readouterr()
    assert captured.err.splitlines()[-1] == f"{kept}: kept; kws stream {model} {kept} hears it again"
    assert kept.read_bytes() == recording.read_bytes()
    scores = tmp_path / "again.npz"
    assert main(["stream", str(model), str(kept), "--format", "json", "--scores", str(scores), *EASY]) == 0
    assert capsys.readouterr().out == captured.out == (tmp_path / "kept.detections.jsonl").read_text() != ""
    for name in ("times_ms", "scores", "labels"):
        np.testing.assert_array_equal(np.load(scores)[name], np.load(tmp_path / "kept.scores.npz")[name])


def test_it_is_cut_where_sound_was_lost(model: Path, recording: Path, tmp_path: Path) -> None:
    kept, scores = tmp_path / "kept.wav", tmp_path / "again.npz"
    assert listened(model, "--wav", recording, "--record", kept) == 0
    (tmp_path / "kept.gaps.jsonl").write_text('{"rate_hz": 16000}\n{"first": 40007, "samples": 1000}\n')
    assert main(["stream", str(model), str(kept), "--scores", str(scores)]) == 0
    times_ms = np.load(scores)["times_ms"]
    assert times_ms[times_ms > 1500][0] == 41007 // 16


def read_terminal(terminal: int, until: bytes, seconds: float = 60) -> bytes:
    seen, end_s = b"", time.monotonic() + seconds
    while until not in seen and time.monotonic() < end_s:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                seen += os.read(terminal, 1 << 16)
            except OSError:  # the other side is closed
                break
    return seen


def test_on_a_terminal_it_draws_and_ctrl_c_ends_it(model: Path, recording: Path, tmp_path: Path) -> None:
    terminal, other = pty.openpty()
    ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    kept = tmp_path / "kept.wav"
    arguments = ["listen", str(model), "--wav", str(recording), "--record", str(kept), *EASY]
    environment = {**os.environ, "TERM": "xterm", "PYTHONIOENCODING": "utf-8"}
    process = subprocess.Popen([sys.executable, "-m", "kws.cli.main", *arguments], stdout=other, stderr=other, env=environment)
    os.close(other)
    drawn = read_terminal(terminal, b"found: ")
    process.send_signal(signal.SIGINT)
    rest = read_terminal(terminal, b"hears it again")
    assert process.wait(30) == 0
    os.close(terminal)
    assert drawn.startswith(b"\x1b[?1049h")
    assert "m.stream.onnx hears words.wav" in drawn.decode(errors="ignore")
    _, after = rest.split(b"\x1b[?1049l")
    assert b" heard, " in after
    # What was kept ends where it was stopped, and is whole.
    assert 44 < kept.stat().st_size < recording.stat().st_size
    assert (tmp_path / "kept.scores.npz").is_file()


@pytest.mark.parametrize("missing", ["rich", "TERM"])
def test_where_nothing_can_be_drawn_it_prints_lines(missing: str, model: Path, recording: Path) -> None:
    code = "import sys; from kws.cli.main import main; sys.exit(main(sys.argv[1:]))"
    if missing == "rich":
        code = f"import sys; sys.modules['rich'] = None; {code}"
    arguments = ["listen", str(model), "--wav", str(recording), "--speed", "1000", *EASY]
    terminal, other = pty.openpty()
    environment = {**os.environ, "TERM": "dumb" if missing == "TERM" else "xterm", "PYTHONIOENCODING": "utf-8"}
    process = subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=other, stderr=other, env=environment)
    os.close(other)
    shown = read_terminal(terminal, b" lost\r\n").decode()
    assert process.wait(30) == 0
    os.close(terminal)
    assert "\x1b[?1049h" not in shown
    assert shown.splitlines()[-2].split()[1] == "s"
    assert ("pip install 'kws[listen]'" in shown) == (missing == "rich")


def test_a_line_on_all() -> None:
    heard = SessionState(("yes",), (0.5,), (0.7,), (), 2, 64_000, 480, 30, -30.0, False, 0.31, 0.0112, 60, 2000, 0.62)
    assert summary(heard) == "01:04.00 heard, 2 found; 0.31 ms a window, 0.010 of real time; 480 samples (30 ms) lost"
    assert summary(SessionState(("yes",), (0.0,), (0.5,))).startswith("00:00.00 heard, 0 found; 0.00 ms a window")


@pytest.mark.parametrize(("time_ms", "text"), [(0, "00:00.00"), (61_239, "01:01.23"), (3_600_000, "1:00:00.00")])
def test_times(time_ms: int, text: str) -> None:
    assert clock_time(time_ms) == text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no MODEL given"),
        (["MODEL", "--speed", "2"], "--speed 2: has no effect without --wav"),
        (["MODEL", "--wav", "SOUND", "--speed", "0"], "speed: 0 given; 0.01 to 1e+06 is expected"),
        (["MODEL", "--wav", "SOUND", "--speed", "1e-300"], "speed: 1e-300 given; 0.01 to 1e+06 is expected"),
        (["MODEL", "--wav", "SOUND", "--threads", "-1"], "threads: -1 given; 1 to 1024 is expected"),
        (["MODEL", "--wav", "nowhere.wav"], "nowhere.wav: can't be read"),
        (["MODEL", "--wav", "SOUND", "--record", "SOUND"], "words.wav: is already there"),
        (["MODEL", "--wav", "SOUND", "--stride-ms", "0"], "stride_ms: 0 given"),
        (["MODEL", "--wav", "SOUND", "--stride-ms", "40"], "was exported for a stride of 30 ms, 40 ms asked"),
        (["MODEL", "--wav", "SOUND", "--threshold", "2"], "threshold: 2.0 given"),
    ],
)
def test_what_makes_no_sense_is_named(arguments: list[str], message: str, model: Path, recording: Path, capsys: Capture) -> None:
    places = {"MODEL": str(model), "SOUND": str(recording)}
    assert main(["listen", *(places.get(word, word) for word in arguments)]) == 2
    assert message in capsys.readouterr().err


def test_without_the_package_it_says_what_to_install(model: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    for arguments in ([str(model)], ["--list-devices"]):
        assert main(["listen", *arguments]) == 2
        assert "pip install 'kws[listen]'; --wav FILE" in capsys.readouterr().err


def test_listening_needs_no_torch(model: Path, recording: Path) -> None:
    code = (
        "import sys; from kws.cli.main import main; status = main(sys.argv[1:]);"
        "sys.exit(status or any(name in sys.modules for name in ('torch', 'pytorch_lightning', 'hydra', 'onnx')))"
    )
    arguments = ["listen", str(model), "--wav", str(recording), "--speed", "1000", *EASY, "--format", "json"]
    finished = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    assert json.loads(finished.stdout.splitlines()[0])["label"]
