"""The best checkpoint of a run that goes on in another folder, and which weights are tested."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tiny_runs import content, run_tiny, said, same_weights, signal_in

from kws.data.sets.clip_set import ClipSet
from kws.errors import KwsError
from kws.evaluation.confusion import Confusion
from kws.training.interruption import Interrupted

# Steps of such a length after step 8 that the network forgets: the best validation is the one after step 3, 6 or 9.
FORGETTING = "schedule.factors=[1,50]"


@pytest.fixture(scope="module")
def whole(small_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that never stopped."""
    folder = tmp_path_factory.mktemp("whole")
    run_tiny(small_corpus, folder, FORGETTING)
    return folder


def stopped(corpus: Path, folder: Path, step: int) -> Path:
    """The last checkpoint of a run that a signal stopped at a step."""
    with signal_in("training_step", step), pytest.raises(Interrupted):
        run_tiny(corpus, folder, FORGETTING)
    return folder / "checkpoints" / "last.ckpt"


def result(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "test.json").read_text(encoding="utf-8"))
    assert found["weights"] == str(folder / "checkpoints" / "best.ckpt")
    return {name: found[name] for name in ("accuracy", "loss", "validation_accuracy", "confusion_matrix", "steps")}


@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize("step", [2, 5, 10, 11, 12])
def test_the_tested_model_is_that_of_a_run_that_never_stopped(
    small_corpus: Path, tmp_path: Path, whole: Path, step: int, moved: bool
) -> None:
    best = content(whole, "best")["global_step"]
    assert 3 <= best <= 9  # so that 2 is before it, and 10 after it
    ckpt, rest = stopped(small_corpus, tmp_path / "stopped", step), tmp_path / "rest"
    if moved:
        ckpt = Path(shutil.move(tmp_path / "stopped", tmp_path / "moved")) / "checkpoints" / "last.ckpt"
    run_tiny(small_corpus, rest, FORGETTING, f"ckpt={ckpt}")
    assert same_weights(content(rest, "best"), content(whole, "best"))
    assert content(rest, "best")["global_step"] == best
    assert result(rest) == result(whole)


def test_a_finished_run_is_tested_again_and_can_go_on(small_corpus: Path, tmp_path: Path, whole: Path) -> None:
    ckpt = whole / "checkpoints" / "last.ckpt"
    run_tiny(small_corpus, tmp_path / "again", FORGETTING, f"ckpt={ckpt}")
    assert result(tmp_path / "again") == result(whole)
    run_tiny(small_corpus, tmp_path / "longer", FORGETTING, "schedule.steps=[8,6]", f"ckpt={ckpt}")
    assert result(tmp_path / "longer") == {**result(whole), "steps": 14}


def test_in_the_same_folder_it_stays_where_it_is(small_corpus: Path, tmp_path: Path, whole: Path) -> None:
    ckpt = stopped(small_corpus, tmp_path, 10)
    run_tiny(small_corpus, tmp_path, FORGETTING, f"ckpt={ckpt}")
    assert result(tmp_path) == result(whole)


def test_a_best_that_is_gone_is_said_before_training(
    small_corpus: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ckpt = stopped(small_corpus, tmp_path / "stopped", 11)
    (tmp_path / "stopped" / "checkpoints" / "best.ckpt").unlink()
    caplog.clear()
    run_tiny(small_corpus, tmp_path / "rest", FORGETTING, f"ckpt={ckpt}")
    (line,) = said(caplog)
    assert "is not at " in line
    assert "best.ckpt any more: only validations from step 11 on decide what is best" in line
    assert content(tmp_path / "rest", "best")["global_step"] == 12


def test_a_best_of_later_than_the_checkpoint_is_found_again(
    small_corpus: Path, tmp_path: Path, whole: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As where a process is killed after a validation, before the next `last`."""
    best = content(whole, "best")["global_step"]
    ckpt = stopped(small_corpus, tmp_path / "early", 3 if best > 3 else 2)
    if best == 3:
        pytest.skip("the first validation is the best one")
    shutil.copy(whole / "checkpoints" / "best.ckpt", ckpt.with_name("best.ckpt"))
    run_tiny(small_corpus, tmp_path / "rest", FORGETTING, f"ckpt={ckpt}")
    assert any("decide again what is best" in line for line in said(caplog))
    assert result(tmp_path / "rest") == result(whole)


# Which weights are tested


@pytest.mark.parametrize(
    "overrides",
    [
        ["+trainer.limit_val_batches=0"],
        ["+trainer.max_epochs=1", "trainer.val_check_interval=9"], ["+trainer.max_time='00:00:00:00'"],
    ],
)  # fmt: skip
def test_without_a_validation_the_last_weights_are_tested(
    small_corpus: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, whole: Path, overrides: list[str]
) -> None:
    """Even where the best ones of an older run lie in the folder."""
    (tmp_path / "checkpoints").mkdir()
    shutil.copy(whole / "checkpoints" / "best.ckpt", tmp_path / "checkpoints")
    run_tiny(small_corpus, tmp_path, "calibrate=true", *overrides)
    found = json.loads((tmp_path / "test.json").read_text(encoding="utf-8"))
    assert found["weights"] == str(tmp_path / "checkpoints" / "last.ckpt")
    assert found["validation_accuracy"] is None
    assert any("the last ones are tested" in line for line in said(caplog))


def test_what_can_be_known_is_said_before_training(
    small_corpus: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, whole: Path
) -> None:
    with pytest.raises(KwsError, match="test_weights: best needs a validation, and a run of 2 steps has none"):
        run_tiny(small_corpus, tmp_path, "trainer.max_steps=2")
    with pytest.raises(KwsError, match="has 12 steps, and this run ends after 9; give a longer schedule"):
        run_tiny(small_corpus, tmp_path, "schedule.steps=[8,1]", f"ckpt={whole / 'checkpoints' / 'last.ckpt'}")
    assert not (tmp_path / "checkpoints").exists()
    with signal_in("training_step", 1), pytest.raises(Interrupted):
        run_tiny(small_corpus, tmp_path, "+trainer.limit_val_batches=0")
    assert "limit_val_batches=0 leaves no validation" in said(caplog)[0]


# The report of a finished training


def test_a_report_is_not_lost_where_the_calibration_fails(
    small_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: object) -> None:
        raise KwsError("it can't be calibrated")

    monkeypatch.setattr("kws.training.final_evaluation.fit_checkpoint", fail)
    caplog.set_level("INFO")
    with pytest.raises(KwsError, match="it can't be calibrated"):
        run_tiny(small_corpus, tmp_path, "calibrate=true")
    assert_reported(tmp_path, caplog)
    assert (tmp_path / "test_confusion.png").exists()


def test_a_report_is_not_lost_where_a_picture_fails(
    small_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(confusion: Confusion) -> None:
        raise MemoryError("no picture")

    monkeypatch.setattr("kws.plots.confusion.confusion_figure", fail)
    caplog.set_level("INFO")
    with pytest.raises(MemoryError):
        run_tiny(small_corpus, tmp_path)
    assert_reported(tmp_path, caplog)


def test_a_report_is_not_lost_where_a_signal_comes_in_the_calibration(
    small_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(path: Path, validation: ClipSet, testing: ClipSet, device: object) -> None:
        raise Interrupted(2)

    monkeypatch.setattr("kws.training.final_evaluation.fit_checkpoint", stop)
    with pytest.raises(Interrupted):
        run_tiny(small_corpus, tmp_path, "calibrate=true")
    assert "temperature" not in json.loads((tmp_path / "test.json").read_text(encoding="utf-8"))


def assert_reported(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    found = json.loads((folder / "test.json").read_text(encoding="utf-8"))
    assert found["steps"] == 12
    (line,) = [line for line in said(caplog, 20) if "test accuracy" in line]
    assert f"test accuracy {100 * found['accuracy']:.2f} % of {found['clips']} clips" in line
