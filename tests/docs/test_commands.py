"""What the documentation says works: each command block of each page runs, on small data and with few steps."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from runs import composed
from warm_python import WarmPython
from workbench import NOT_RUN, PAGES, ROOT, Command, Workbench, blocks, commands, failures, is_run

from kws.cli.main import build_parser

SHELL = [command for page in PAGES for block in blocks(page) if block.language == "sh" for command in commands(block)]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "README.md"], ids=lambda page: page.name)
def test_every_command_of_a_page_runs_from_top_to_bottom(
    page: Path, trained: Path, warm_python: WarmPython, tmp_path: Path
) -> None:
    if not any(is_run(block) for block in blocks(page)):
        pytest.skip("this page has no command that a test can run")
    failed = failures(page, Workbench(tmp_path / "clone", warm_python, trained))
    assert not failed, "\n\n".join(failed)


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_commands_stand_in_fences_that_name_their_language(page: Path) -> None:
    """What is not in a fence of `sh` or `python` is not run, so nothing that looks like a command may stand elsewhere."""
    assert {block.language for block in blocks(page)} <= {"sh", "python", "javascript", "json", "text"}
    indented = re.findall(r"^    (?:kws|python|pip|make|import|git) .*$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert not indented
    for block in blocks(page):
        if block.language in ("text", "json"):
            assert not re.search(r"^(?:kws|python|pip|make) ", block.text, re.MULTILINE), block


@pytest.mark.parametrize("command", SHELL, ids=[f"{command.page}:{command.line}" for command in SHELL])
def test_a_command_can_be_pasted_into_zsh(command: Command) -> None:
    """In macOS's shell a comment after a command is passed on, and brackets outside of quotes are a pattern that must match."""
    bare = re.sub(r"'[^']*'|\"[^\"]*\"", "", command.text)
    assert not re.search(r"\s#", bare), "put the comment on a line of its own"
    assert not re.search(r"[\[\]{}…]", bare), "quote it"


def _arguments(command: Command) -> list[str]:
    """A command's words, up to where a pipe begins."""
    words = shlex.split(command.text)
    return words[: words.index("|")] if "|" in words else words


@pytest.mark.parametrize(
    "command", [one for one in SHELL if one.text.startswith("kws ")], ids=lambda one: f"{one.page}:{one.line}"
)
def test_a_command_of_kws_has_options_that_there_are(command: Command) -> None:
    build_parser().parse_args(_arguments(command)[1:])


@pytest.mark.parametrize(
    "command", [one for one in SHELL if one.text.startswith("python train.py ")], ids=lambda one: f"{one.page}:{one.line}"
)
def test_a_run_has_settings_that_there_are(command: Command) -> None:
    """Composed, not run; of a sweep each first value."""
    overrides = [word for word in _arguments(command)[2:] if "=" in word and not word.startswith(("resume=", "sweep=", "hydra."))]
    sweep = "-m" in command.text.split()
    composed(*(re.sub(r",.*", "", one) if sweep else one for one in overrides), "data.source.root=clips")


@pytest.mark.parametrize("start", NOT_RUN)
def test_what_is_left_out_is_in_the_pages(start: str) -> None:
    assert any(command.text.startswith(start) for command in SHELL), f"{start}: in no page any more; take it off the list"


def _examples() -> list[tuple[str, str]]:
    """Commands in the help of `kws` and in the configuration: where each stands, and its text."""
    found = []
    for path in [*(ROOT / "kws/cli").glob("*.py"), *(ROOT / "conf").rglob("*.yaml")]:
        text = path.read_text(encoding="utf-8").replace("\\\\\n", " ")
        for match in re.finditer(r"^(?:  +|# +|.*: )((?:kws [a-z-]+|python train\.py) [^\n`]+)$", text, re.MULTILINE):
            found.append((str(path.relative_to(ROOT)), match[1]))
    return found


@pytest.mark.parametrize(("place", "text"), _examples(), ids=lambda value: value[:60])
def test_an_example_of_the_help_can_be_pasted_into_zsh(place: str, text: str) -> None:
    command, *_ = re.split(r"\s{3,}", text, maxsplit=1)  # the help of train.py has what it does after it, in a column
    assert not re.search(r"\s#", command), place
    assert not re.search(r"[\[\]{}]", re.sub(r"'[^']*'", "", command)), place
