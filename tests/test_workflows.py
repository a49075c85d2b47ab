"""The workflows and habits that GitHub and pre-commit read fit the Makefile, the package and its constraints."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
OTHERS = [
    ROOT / ".pre-commit-config.yaml",
    ROOT / ".github" / "dependabot.yml",
    *(ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"),
]


def read(path: Path) -> dict[str, Any]:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(content, dict), path
    return content


def jobs() -> list[tuple[str, dict[str, Any]]]:
    found = [(f"{path.name}: {name}", job) for path in WORKFLOWS for name, job in read(path)["jobs"].items()]
    assert found
    return found


def scripts() -> list[str]:
    return [step["run"] for _, job in jobs() for step in job["steps"] if "run" in step]


def targets(makefile: str) -> set[str]:
    return {name for names in re.findall(r"^([\w./ -]+):(?!=)", makefile, re.MULTILINE) for name in names.split()}


@pytest.mark.parametrize("path", [*WORKFLOWS, *OTHERS], ids=lambda path: path.name)
def test_is_yaml(path: Path) -> None:
    assert read(path)


def test_each_target_is_in_the_makefile() -> None:
    called = {target for script in scripts() for target in re.findall(r"\bmake ([\w-]+)", script)}
    assert {"lint", "test", "android-test"} <= called <= targets((ROOT / "Makefile").read_text(encoding="utf-8"))


def test_what_a_clean_clone_checks_is_checked() -> None:
    """The targets of .ci/run are those of the workflows, or contained in them."""
    ours = set(re.findall(r"^\s*make ([\w-]+)", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE))
    assert ours
    assert ours <= {target for script in scripts() for target in re.findall(r"\bmake ([\w-]+)", script)}


def test_versions_of_python_are_those_that_the_package_takes() -> None:
    requires = re.search(r'^requires-python = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert requires
    versions = set()
    for name, job in jobs():
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/setup-python@"):
                version = step["with"]["python-version"]
                assert isinstance(version, str), f"{name}: {version} needs quotes, as 3.10 is the number 3.1"
                versions |= set(job["strategy"]["matrix"]["python"]) if "matrix" in version else {version}
    oldest = min(versions, key=lambda version: tuple(map(int, version.split("."))))
    assert requires[1] == f">={oldest}", "the oldest Python that the package takes is tested"
    assert all(version in SpecifierSet(requires[1]) for version in versions)


def test_a_workflow_may_read_and_no_more() -> None:
    for path in WORKFLOWS:
        workflow = read(path)
        assert workflow["permissions"] == {"contents": "read"}, path
        assert workflow["concurrency"]["cancel-in-progress"], path


def test_a_commit_is_checked_by_the_ruff_of_make_lint() -> None:
    pinned = re.search(r"^ruff==\S+$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert pinned
    hooks = [hook for repo in read(OTHERS[0])["repos"] if repo["repo"] == "local" for hook in repo["hooks"]]
    assert [hook["additional_dependencies"] for hook in hooks] == [[pinned[0]]] * 2


def test_what_dependabot_looks_at_is_there() -> None:
    files = {"pip": "pyproject.toml", "github-actions": ".github/workflows/ci.yml", "maven": "pom.xml"}
    for update in read(OTHERS[1])["updates"]:
        assert (ROOT / update["directory"].lstrip("/") / files.pop(update["package-ecosystem"])).is_file()
    assert not files
