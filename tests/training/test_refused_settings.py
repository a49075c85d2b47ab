"""Settings that a user would type, and that make no sense: each is refused in a line that names it."""

from __future__ import annotations

from pathlib import Path

import pytest
from runs import TINY, Runner
from slow import slow_unless

# Override, and what its line must name.
REFUSED = [
    ("words=yes", "words: yes given; a list of words expected"),
    ("schedule.steps=5", "schedule.steps: 5 given; a list of whole numbers expected"),
    ("schedule.steps=[nan,1]", "schedule.steps: [nan, 1] given"),
    ("schedule.steps=[1e18,1]", "schedule.steps: [1e+18, 1] given"),
    ("schedule.steps=[1000000000000000000,1]", "schedule.steps: 1000000000000000000 given"),
    ("schedule.factors=[-1,1]", "schedule.factors: -1 given; a finite number of at least 0"),
    ("schedule.factors=[inf,1]", "schedule.factors[0]: inf given; a finite number"),
    ("schedule.factors=null", "schedule.factors: None given; a list of numbers"),
    ("optim.lr=-1", "optim: Invalid learning rate: -1"),
    ("optim.lr=nan", "optim.lr: nan given; a finite number"),
    ("optim.lr=inf", "optim.lr: inf given; a finite number"),
    ("optim.lr=abc", "optim.lr: abc given; a number"),
    ("optim.lr=null", "optim.lr: None given; a number"),
    ("optim.momentum=abc", "optim.momentum: abc given; a number"),
    ("optim._target_=torch.optim.SDG", "optim._target_: torch.optim.SDG can't be imported"),
    ("+optim.momentun=1", "optim.momentun: torch.optim.SGD has no such argument; did you mean momentum?"),
    ("seed=-1", "seed: -1 given; a whole number from 0"),
    ("seed=abc", "seed: abc given; a whole number"),
    ("seed=1.5", "seed: 1.5 given; a whole number"),
    ("threads=0", "threads: 0 given; from 1"),
    ("threads=-1", "threads: -1 given; from 1"),
    ("threads=100000", "threads: 100000 given; from 1"),
    ("threads=abc", "threads: abc given; a whole number or null"),
    ("trainer.accelerator=gpu", "trainer: "),
    ("trainer.accelerator=toaster", "trainer: "),
    ("trainer.val_check_interval=0", "trainer.val_check_interval: 0 given"),
    ("trainer.val_check_interval=1.5", "trainer.val_check_interval: 1.5 given"),
    ("trainer.val_check_interval=-3", "trainer.val_check_interval: -3 given"),
    ("trainer.precision=16-true", "trainer.precision: 16-true given; 32-true, bf16-mixed, 16-mixed, auto expected"),
    ("trainer.precision=bf16-true", "trainer.precision: bf16-true given"),
    ("trainer.precision=64-true", "trainer.precision: 64-true given"),
    ("trainer.strategy=ddp_spawn", "trainer.strategy: ddp_spawn starts processes that give no result back; give ddp"),
    ("trainer.strategy=ddp_fork", "trainer.strategy: ddp_fork "),
    ("trainer.max_steps=0", "trainer.max_steps: 0 given"),
    ("trainer.max_steps=-1", "trainer.max_steps: -1 given"),
    ("trainer.log_every_n_steps=abc", "trainer.log_every_n_steps: abc given; a whole number"),
    ("+trainer.fast_dev_run=true", "trainer.fast_dev_run: keeps no weights to test"),
    ("+trainer.max_step=3", "trainer.max_step: kws.training.trainer.make_trainer has no such argument; did you mean max_steps?"),
    ("+trainer.callbacks=[my.Callback]", "trainer.callbacks: my.Callback given; {_target_"),
    ("+trainer.logger=csv", "trainer.logger: csv given; {_target_"),
    ("data.batch_size=1e9", "data.batch_size: 1000000000.0 given; a whole number"),
    ("data.batch_size=1.5", "data.batch_size: 1.5 given; a whole number"),
    ("data.batch_size=abc", "data.batch_size: abc given; a whole number"),
    ("data.batch_size=true", "data.batch_size: True given; a whole number"),
    ("data.unknown_percentage=abc", "data.unknown_percentage: abc given; a number"),
    ("data.source=null", "data.source: None given; settings with a _target_"),
    ("data.source=5", "data.source: 5 given; settings with a _target_"),
    ("model.filters=0", "model"),
    ("model.filters=-1", "model"),
    ("model.filters=abc", "model.filters: abc given; a whole number"),
    ("model.dropout=null", "model.dropout: None given; a number"),
    ("features.bins=true", "features.bins: True given; a whole number"),
    ("features.bins=0", "features"),
    ("features.hop_ms=0", "features"),
    ("features.sample_rate=0", "features"),
    ("features.sample_rate=-16000", "features"),
    ("features.clip_ms=abc", "features.clip_ms: abc given; a number"),
    ("features._target_=kws.frontend.features.Mfc", "features._target_: 'kws.frontend.features.Mfc' can't be imported"),
    ("augment.noise.probability=abc", "augment.noise.probability: abc given; a number"),
    ("augment.time_shift=5", "augment.time_shift: 5 given; settings with a _target_ or null"),
    ("split.validation_percentage=abc", "split.validation_percentage: abc given; a number"),
    ("export=5", "export: 5 given; a list of words"),
    ("export=onnx", "export: onnx given; a list of words"),
    ("calibrate=abc", "calibrate: abc given; true or false"),
    ("data.resample=abc", "data.resample: abc given; true or false"),
    ("progress=abc", "progress: abc given; true or false"),
    ("show=abc", "show: abc given; true or false"),
    ("check_nans=abc", "check_nans: abc given; true or false"),
    ("checkpoint_steps=-1", "checkpoint_steps: -1 given"),
    ("checkpoint_steps=abc", "checkpoint_steps: abc given; a whole number"),
    ("test_weights=3", "test_weights: 3 given; a text"),
    ("objective.label_smoothing=abc", "objective.label_smoothing: abc given; a number"),
    ("data.source.root=???", "data.source.root: not given; give the folder of the data"),
    ("name='${nowhere}'", "name: Interpolation key 'nowhere' not found"),
]


def first_of_its_group(case: tuple[str, str]) -> bool:
    """Whether no case before has a setting of the same group."""
    groups = [override.lstrip("+").split("=")[0].split(".")[0] for override, _ in REFUSED]
    number = REFUSED.index(case)
    return groups[number] not in groups[:number]


@pytest.mark.parametrize(
    ("override", "named"), slow_unless(REFUSED, first_of_its_group), ids=[override for override, _ in REFUSED]
)
def test_it_is_refused_in_a_line_that_names_it(run_here: Runner, small_corpus: Path, override: str, named: str) -> None:
    done = run_here(*TINY, f"data.source.root={small_corpus}", "logger=none", override)
    assert done.error.startswith(named) or f" {named}" in f" {done.error}"
    assert len(done.error) < 400


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("steps=inf", "schedule.steps: inf given; a whole number"),
        ("final_factor=-1", "schedule.final_factor: -1 given"),
        ("steps=0", "schedule.warmup_steps: 500 does not fit"),
        ("warmup_steps=abc", "schedule.warmup_steps: abc given; a whole number"),
    ],
)
def test_a_warmup_that_makes_no_sense(run_here: Runner, small_corpus: Path, override: str, named: str) -> None:
    given = [one for one in TINY if not one.startswith("schedule")]
    done = run_here(*given, "schedule=warmup_cosine", f"data.source.root={small_corpus}", "logger=none", f"schedule.{override}")
    assert done.error.startswith(named)


# What the command line's grammar has to say


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        (["optim.lr=0.1,0.01"], "optim.lr: several values given; -m makes a run of each, and a list is 'optim.lr=[0.1,0.01]'"),
        (["modle=conv"], "modle: there is no such setting; did you mean model?"),
        (["model=conf"], "model: conf is no option (model/conf.yaml); did you mean conv?"),
        (["model.filtres=3"], "model.filtres: there is no such setting; did you mean filters?"),
        (["+seed=3"], "+seed: there is such a setting already; leave out the +"),
        (["foo/bar=3"], "foo/bar: there is no such"),
        (["words", "=", "[yes,no]"], "words: can't be read as a setting; NAME=VALUE expected"),
        (["#", "a", "comment"], "#: can't be read as a setting"),
        (["words=[yes,no"], "words=[yes,no: can't be read"),
        (["experiment=[conv]"], "experiment: conv is no option"),
    ],
    ids=lambda value: str(value),
)
def test_an_override_that_hydra_cannot_take(run_here: Runner, overrides: list[str], named: str) -> None:
    done = run_here(*overrides)
    assert done.error.startswith(named)
    assert "HYDRA_FULL_ERROR" not in done.out + done.err


def test_a_missing_folder_of_the_data(run_here: Runner) -> None:
    assert (
        run_here("data=folder", "logger=none").error
        == "data.source.root: not given; give the folder of the data, as data.source.root=…"
    )
