"""Ctrl-C and SIGTERM in a run: what is left, what is said, and that the run goes on as if it had never stopped."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_runs import TINY, content, run_tiny, said, same_optimizer, same_weights, signal_in

from kws.inference.loading import load
from kws.training.interruption import Interrupted, Interruption

ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="module", params=["none", "ema"])
def averaging(request: pytest.FixtureRequest) -> str:
    return f"averaging={request.param}"


@pytest.fixture(scope="module")
def whole(small_corpus: Path, tmp_path_factory: pytest.TempPathFactory, averaging: str) -> Path:
    """The folder of a run that never stopped."""
    folder = tmp_path_factory.mktemp("whole")
    run_tiny(small_corpus, folder, averaging)
    return folder


# In a step that no validation follows, in one that a validation follows, in the middle of a validation, in the last step, and in
# the test.
@pytest.mark.parametrize(
    ("hook", "call", "step"),
    [
        ("training_step", 4, 4), ("training_step", 9, 9), ("validation_step", 6, 6), ("on_before_optimizer_step", 7, 7),
        ("training_step", 12, 12), ("test_step", 1, 12),
    ],
)  # fmt: skip
def test_a_run_that_was_stopped_goes_on_as_if_it_never_had(
    small_corpus: Path, tmp_path: Path, whole: Path, averaging: str, hook: str, call: int, step: int
) -> None:
    stopped, rest = tmp_path / "stopped", tmp_path / "rest"
    with signal_in(hook, call), pytest.raises(Interrupted) as left:
        run_tiny(small_corpus, stopped, averaging)
    assert left.value.code == 130
    assert not (stopped / "test.json").exists()
    last = content(stopped)
    assert last["global_step"] == step
    assert load(stopped / "checkpoints" / "last.ckpt").labels.words == ("yes", "no")
    run_tiny(small_corpus, rest, averaging, f"ckpt={stopped / 'checkpoints' / 'last.ckpt'}")
    for name in ("last", "best"):
        assert same_weights(content(rest, name), content(whole, name)), name
        assert content(rest, name)["global_step"] == content(whole, name)["global_step"]
    assert same_optimizer(content(rest), content(whole))
    if "current_model_state" in last:
        assert same_weights(content(rest), content(whole), "current_model_state")
    results = [json.loads((folder / "test.json").read_text(encoding="utf-8")) for folder in (rest, whole)]
    for name in ("accuracy", "validation_accuracy", "loss", "steps"):
        assert results[0][name] == results[1][name]


def test_it_says_at_which_step_and_how_to_go_on(
    small_corpus: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["train.py"])
    monkeypatch.setattr(sys, "orig_argv", ["python", "train.py"])
    with signal_in("training_step", 4, signal.SIGTERM), pytest.raises(Interrupted) as left:
        run_tiny(small_corpus, tmp_path / "a run")
    assert left.value.code == 143
    (line,) = said(caplog)
    ckpt = tmp_path / "a run" / "checkpoints" / "last.ckpt"
    assert line.startswith("stopped by SIGTERM at step 4; go on with: python train.py ")
    assert f"ckpt='{ckpt}'" in shlex.split(line)


def test_before_the_first_step_there_is_nothing_to_keep(
    small_corpus: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with signal_in("configure_optimizers", 1), pytest.raises(Interrupted):
        run_tiny(small_corpus, tmp_path)
    (line,) = said(caplog)
    assert line.startswith("stopped by Ctrl-C before there was anything to keep")
    assert not (tmp_path / "checkpoints").exists()


def test_handlers_are_given_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with Interruption() as interruption:
        interruption.deferred = True
        signal.raise_signal(signal.SIGINT)
        assert interruption.signum == signal.SIGINT
        with pytest.raises(Interrupted):
            interruption.check()
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


# Real processes


def started(corpus: Path, folder: Path, *overrides: str) -> subprocess.Popen[str]:
    """A run that would take minutes, once it has made its first steps."""
    given = [*TINY, f"data.source.root={corpus}", f"hydra.run.dir={folder}", "schedule.steps=[100000,1]", *overrides]
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "train.py"), *given],
        cwd=folder.parent, env=ENVIRONMENT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if "step 6: validation" in line:
            return process
    raise AssertionError("it ended by itself")


@pytest.mark.slow
def test_ctrl_c_leaves_a_checkpoint_and_a_command_that_goes_on(small_corpus: Path, tmp_path: Path) -> None:
    process = started(small_corpus, tmp_path / "a run", "trainer.val_check_interval=6")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 130, out
    assert "Traceback" not in out
    (line,) = [line for line in out.splitlines() if "go on with" in line]
    step, command = content(tmp_path / "a run")["global_step"], line.split("go on with: ")[1]
    assert f"at step {step};" in line
    program, script, *arguments = shlex.split(command)
    assert (program, arguments) == (sys.executable, ["resume=a run"])
    # Pasted, it needs no other setting; these let it end soon.
    soon = [f"schedule.steps=[{step + 1},1]", "trainer.val_check_interval=1", "hydra.run.dir=rest"]
    done = subprocess.run(
        [sys.executable, script, *arguments, *soon],
        cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True,
        check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((tmp_path / "rest" / "test.json").read_text(encoding="utf-8"))["steps"] == step + 2


@pytest.mark.parametrize(
    ("signals", "status"),
    [
        ("SIGINT, SIGINT", -signal.SIGINT), ("SIGTERM, SIGINT", -signal.SIGINT),
        # Process managers send it to each process and to the group: that is no second wish.
        ("SIGTERM, SIGTERM", 143),
    ],
)  # fmt: skip
def test_a_second_ctrl_c_ends_the_process_at_once(signals: str, status: int) -> None:
    program = f"""
from signal import SIGINT, SIGTERM, raise_signal
from kws.training.interruption import Interruption
with Interruption() as interruption:
    interruption.deferred = True
    for signum in ({signals}):
        raise_signal(signum)
    interruption.check()
"""
    done = subprocess.run(
        [sys.executable, "-c", program], env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == status
    assert "Ctrl-C again stops at once" in done.stderr
    assert "Traceback" not in done.stderr
