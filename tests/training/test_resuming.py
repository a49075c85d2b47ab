"""Going on from a checkpoint with other settings or other data: honoured and said, or refused; and `resume=FOLDER`."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_runs import content, run_tiny, said, same_weights
from training_steps import train_run

from kws.errors import KwsError
from kws.inference.checkpoint import load_checkpoint
from kws.training.app import main
from kws.training.resume_command import go_on_command, with_resume


@pytest.fixture(scope="module")
def first(small_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The last checkpoint of a run of 8 steps."""
    folder = tmp_path_factory.mktemp("first")
    run_tiny(small_corpus, folder, "schedule.steps=[8]", "schedule.factors=[1]")
    return folder / "checkpoints" / "last.ckpt"


def rates(checkpoint: dict[str, Any]) -> tuple[float, float]:
    (group,) = checkpoint["optimizer_states"][0]["param_groups"]
    return group["initial_lr"], group["lr"]


def test_another_learning_rate_holds_from_there_on_and_is_said(
    small_corpus: Path, tmp_path: Path, first: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = ["schedule.steps=[20]", "schedule.factors=[1]", f"ckpt={first}", "test_weights=last"]
    run_tiny(small_corpus, tmp_path / "same", *settings, "optim.lr=0.02")
    caplog.clear()
    run_tiny(small_corpus, tmp_path / "other", *settings, "optim.lr=0.5", "optim.momentum=0.5")
    lines = said(caplog)
    assert "ckpt: optim.lr was 0.02, is now 0.5; this holds from step 8 on" in lines
    assert "ckpt: optim.momentum was 0.9, is now 0.5; this holds from step 8 on" in lines
    same, other = content(tmp_path / "same"), content(tmp_path / "other")
    assert rates(same) == (0.02, 0.02)
    assert rates(other) == (0.5, 0.5)
    assert other["optimizer_states"][0]["param_groups"][0]["momentum"] == 0.5
    assert other["lr_schedulers"][0]["base_lrs"] == [0.5]
    assert not same_weights(same, other)


def test_the_first_step_already_has_the_new_rate(small_corpus: Path, tmp_path: Path) -> None:
    def sgd(lr: float) -> Any:
        from functools import partial

        return partial(torch.optim.SGD, lr=lr)

    train_run(small_corpus, tmp_path / "one", 10, optimizer=sgd(0.01), last_every=10)
    rest = train_run(small_corpus, tmp_path / "two", 13, ckpt=tmp_path / "one" / "checkpoints" / "last.ckpt", optimizer=sgd(0.03))
    whole = train_run(small_corpus, tmp_path / "whole", 13, optimizer=sgd(0.03))
    assert rest.diary.rates == {step: whole.diary.rates[step] for step in (10, 11, 12)}


@pytest.mark.parametrize("record", [True, False])
def test_another_optimiser_is_refused_before_training(small_corpus: Path, tmp_path: Path, first: Path, record: bool) -> None:
    ckpt = tmp_path / "last.ckpt"
    checkpoint = torch.load(first, weights_only=True)
    if not record:  # as earlier versions wrote it
        del checkpoint["run"]
    torch.save(checkpoint, ckpt)
    with pytest.raises(KwsError, match=r"this run has optim=torch.optim.AdamW: .* go on with the same optim"):
        run_tiny(small_corpus, tmp_path / "run", f"ckpt={ckpt}", "optim=adamw")
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_a_checkpoint_of_earlier_versions_goes_on(
    small_corpus: Path, tmp_path: Path, first: Path, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoint = torch.load(first, weights_only=True)
    del checkpoint["run"]
    torch.save(checkpoint, tmp_path / "last.ckpt")
    shutil.copy(first.with_name("best.ckpt"), tmp_path / "best.ckpt")
    run_tiny(small_corpus, tmp_path / "old", f"ckpt={tmp_path / 'last.ckpt'}")
    assert said(caplog) == []
    run_tiny(small_corpus, tmp_path / "new", f"ckpt={first}")
    for name in ("last", "best"):
        assert same_weights(content(tmp_path / "old", name), content(tmp_path / "new", name))
    assert load_checkpoint(first).labels.words == ("yes", "no")


def test_weights_alone_are_refused(small_corpus: Path, tmp_path: Path, first: Path) -> None:
    checkpoint = torch.load(first, weights_only=True)
    del checkpoint["optimizer_states"]
    torch.save(checkpoint, tmp_path / "weights.ckpt")
    with pytest.raises(KwsError, match="holds weights alone"):
        run_tiny(small_corpus, tmp_path / "run", f"ckpt={tmp_path / 'weights.ckpt'}")


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("seed=7", "seed was 59185, is now 7"),
        ("data.batch_size=4", "data.batch_size was 5, is now 4"),
        ("augment.noise.probability=0.5", "augment.noise.probability was 0.8, is now 0.5"),
        ("split.testing_percentage=12", "split.testing_percentage was 10, is now 12"),
        ("trainer.gradient_clip_val=1", "trainer.gradient_clip_val was None, is now 1"),
        ("averaging=ema", "averaging.decay was None, is now 0.995"),
        ("objective.label_smoothing=0.1", "objective.label_smoothing was 0.0, is now 0.1"),
    ],
)
def test_other_settings_are_said(
    small_corpus: Path, tmp_path: Path, first: Path, caplog: pytest.LogCaptureFixture, override: str, line: str
) -> None:
    run_tiny(small_corpus, tmp_path, f"ckpt={first}", override)
    assert f"ckpt: {line}; this holds from step 8 on" in said(caplog)


def test_settings_that_change_nothing_are_not_said(
    small_corpus: Path, tmp_path: Path, first: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = ["name=other", "threads=1", "+data.progress=false", "calibrate=true", "trainer.log_every_n_steps=3"]
    run_tiny(small_corpus, tmp_path, f"ckpt={first}", "schedule.steps=[9]", "schedule.factors=[1]", *settings)
    assert said(caplog) == ["ckpt: schedule.steps was [8], is now [9]; this holds from step 8 on"]


def test_other_clips_are_said(corpus_folder: Path, tmp_path: Path, first: Path, caplog: pytest.LogCaptureFixture) -> None:
    removed = sorted((corpus_folder / "yes").glob("91b7584a*"))
    assert len(removed) == 2
    for path in removed:
        path.unlink()
    run_tiny(corpus_folder, tmp_path, f"ckpt={first}")
    lines = said(caplog)
    assert "ckpt: the training set has other clips than before: 46, it had 48" in lines
    assert any("clips of the testing set may have been trained on" in line for line in lines)
    assert not any("validation set has" in line for line in lines)


# resume=FOLDER


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """A folder as Hydra and a run leave it."""
    folder = tmp_path / "a run, of 'two'"
    for inner in (".hydra", "checkpoints"):
        (folder / inner).mkdir(parents=True)
    overrides = ["data=folder", "words=['yes','no']", "optim.lr=0.1", "+trainer.max_time=1", "ckpt=old.ckpt"]
    (folder / ".hydra" / "overrides.yaml").write_text("".join(f'- "{override}"\n' for override in overrides))
    (folder / "checkpoints" / "last.ckpt").touch()
    return folder


def test_resume_stands_for_the_runs_settings_and_its_checkpoint(run_folder: Path) -> None:
    from hydra.core.override_parser.overrides_parser import OverridesParser

    found = with_resume([f"resume={run_folder}", "optim.lr=0.2", "trainer.max_time=2"])
    assert found[:2] == ["data=folder", "words=['yes','no']"]
    assert found[3:] == ["optim.lr=0.2", "trainer.max_time=2"]
    (ckpt,) = OverridesParser.create().parse_overrides(found[2:3])
    assert ckpt.key_or_group == "ckpt"
    assert ckpt.value() == str(run_folder / "checkpoints" / "last.ckpt")
    assert with_resume([f"resume={run_folder / 'checkpoints' / 'last.ckpt'}"])[-1] == found[2]
    assert with_resume(["model=conv"]) == ["model=conv"]


def test_a_folder_that_is_no_runs_is_named(tmp_path: Path, run_folder: Path) -> None:
    with pytest.raises(KwsError, match=r"resume: .*nowhere: no such folder; give a run's folder"):
        with_resume([f"resume={tmp_path / 'nowhere'}"])
    with pytest.raises(KwsError, match=r"has no checkpoints/last.ckpt"):
        with_resume([f"resume={tmp_path}"])
    with pytest.raises(KwsError, match=r"no ckpt= beside it"):
        with_resume([f"resume={run_folder}", "ckpt=x.ckpt"])
    (run_folder / ".hydra" / "overrides.yaml").unlink()
    with pytest.raises(KwsError, match=r"overrides.yaml can't be read; go on with ckpt="):
        with_resume([f"resume={run_folder}"])


def test_the_command_line_that_is_said_is_taken(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(run_folder.parent)
    monkeypatch.setattr(sys, "argv", ["train.py", "data=folder"])
    monkeypatch.setattr(sys, "orig_argv", ["python", "train.py", "data=folder"])
    program, script, *arguments = shlex.split(go_on_command(run_folder, run_folder / "checkpoints" / "last.ckpt"))
    assert (program, script, arguments) == ("python", "train.py", [f"resume={run_folder.name}"])
    assert with_resume(arguments)[0] == "data=folder"
    monkeypatch.setattr(sys, "argv", ["/place/kws/training/app.py"])
    assert go_on_command(run_folder, run_folder).startswith("kws train ")
    monkeypatch.setattr(sys, "orig_argv", ["python3", "-m", "kws", "train"])
    assert go_on_command(run_folder, run_folder).startswith("python3 -m kws train ")
    monkeypatch.setattr(sys, "argv", ["train.py", "resume=nowhere"])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    assert capsys.readouterr().err.startswith("error: resume: nowhere: no such folder")
