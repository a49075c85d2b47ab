"""How the code is laid out: sizes of files and functions, rooms, and the names that configurations give."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hydra.utils import get_object

from kws.frontend import list_front_ends
from kws.models import list_models

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "kws").rglob("*.py"))
CONFIGURATION = sorted((ROOT / "conf").rglob("*.yaml"))
MOST_LINES, MOST_LINES_OF_A_FUNCTION = 250, 40


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def test_files_are_short() -> None:
    assert [named(path) for path in FILES if len(path.read_text(encoding="utf-8").splitlines()) > MOST_LINES] == []


def test_functions_are_short() -> None:
    long = [
        f"{named(path)}: {node.name} has {lines} lines"
        for path in FILES
        for node in nodes(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > MOST_LINES_OF_A_FUNCTION
    ]
    assert long == []


def test_the_library_prints_nothing() -> None:
    printing = [
        f"{named(path)}:{node.lineno}"
        for path in FILES
        if path.parent.name != "cli"
        for node in nodes(path)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert printing == []


def test_every_module_has_a_room() -> None:
    loose = {path.stem for path in FILES if path.parent == ROOT / "kws"}
    assert loose == {"__init__", "__main__", "labels"}
    for folder in {path.parent for path in FILES}:
        assert ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))), named(folder)


@pytest.mark.parametrize("path", CONFIGURATION, ids=named)
def test_classes_that_the_configuration_names_are_there(path: Path) -> None:
    for target in re.findall(r"_target_: (kws\.[\w.]+)", path.read_text(encoding="utf-8")):
        assert callable(get_object(target))


@pytest.mark.parametrize(("group", "registered"), [("model", list_models()), ("features", list_front_ends())])
def test_registered_names_are_those_of_the_configuration(group: str, registered: list[str]) -> None:
    settings = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "conf" / group).glob("*.yaml"))]
    assert sorted(option["name"] for option in settings) == registered


def test_the_map_leads_somewhere() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named_paths = set(re.findall(r"`((?:kws|conf|tests)/[\w./]*)`", text)) - {"kws/models/my_net.py", "conf/model/my_net.yaml"}
    assert len(named_paths) > 20
    assert [path for path in sorted(named_paths) if not (ROOT / path).exists()] == []
