"""What people type on the command line, in Hydra's grammar."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from runs import CONF, TINY, Runner

from kws.training.overrides import prepare


def value(*arguments: str) -> object:
    """What Hydra reads of the last argument."""
    return OverridesParser.create().parse_override(prepare(arguments, CONF)[-1]).value()


PATHS = [
    "my clips (new)", "/data/a=b", "käse/мои слова", "it's [mine]", "a,b", "C:\\my clips\\", "2024", "1e5", "true", "x#y",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("key", ["data.source.root", "ckpt", "hydra.run.dir", "data.cache_dir", "objective.teacher.path"])
def test_a_path_is_taken_as_it_is(key: str, path: str) -> None:
    assert value(f"{key}={path}") == path


def test_a_home_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann lee")
    assert value("data.source.root=~/clips (new)") == "/home/ann lee/clips (new)"


@pytest.mark.parametrize(
    ("argument", "read"),
    [
        ("ckpt=null", None),
        ("ckpt='a b'", "a b"),
        ("objective.teacher.path=[a.ckpt,b.ckpt]", ["a.ckpt", "b.ckpt"]),
        ("seed=3", 3),
        ("hydra.run.dir=out/${name}/${now:%Y-%m}", "out/${name}/${now:%Y-%m}"),
        ("words=[yes,no]", ["yes", "no"]),
        ("words=['käse','no']", ["käse", "no"]),
        ("name=2024", 2024),
    ],
)
def test_what_hydra_reads_keeps_its_meaning(argument: str, read: object) -> None:
    assert value(argument) == read


@pytest.mark.parametrize(
    ("argument", "read"),
    [
        ("words=[käse,don't]", ["käse", "don't"]),
        ("words=[слово, no,3]", ["слово", "no", 3]),
        ("name=große Küche", "große Küche"),
        ("name=a=b", "a=b"),
    ],
)
def test_what_hydra_cannot_read_is_text(argument: str, read: object) -> None:
    assert value(argument) == read


def test_the_values_of_a_sweep_stay_several() -> None:
    for given in ("data.source.root=a,b", "name=käse,brot", "words=[a],[b]", "optim.lr=interval(0.1,1)"):
        sweep = OverridesParser.create().parse_override(prepare(["-m", given], CONF)[-1])
        assert sweep.is_sweep_override(), given
    assert prepare(["seed=1,2", "-m"], CONF) == ["-m", "seed=1,2"]


@pytest.mark.parametrize(
    "group", ["experiment", "protocol", "sweep", "extra", "augment", "averaging", "logger", "augment/negatives"]
)
def test_null_is_no_option_of_a_group(group: str) -> None:
    assert prepare([f"{group}=null"], CONF) == [f"{group}=none"]
    assert prepare([f"+{group}=null"], CONF) == [f"+{group}=none"]


@pytest.mark.parametrize("negatives", ["none", "null"])
def test_a_run_without_what_an_experiment_adds(negatives: str, run_here: Runner, small_corpus: Path) -> None:
    given = [f"data.source.root={small_corpus}", "experiment=small", f"extra={negatives}", f"augment/negatives={negatives}"]
    rest = [one for one in TINY if not one.startswith("schedule.")]
    done = run_here(*rest, *given, "show=true", "protocol=null", "sweep=null")
    assert done.status == 0, done.out + done.err
    done = run_here(*rest, *given, "export=5")
    assert done.error.startswith("export: 5 given")


@pytest.mark.parametrize("section", ["model", "features"])
def test_a_class_of_ones_own_takes_the_place_of_a_registered_name(section: str) -> None:
    assert prepare([f"{section}._target_=mine.Class"], CONF) == [f"++{section}._target_=mine.Class"]
