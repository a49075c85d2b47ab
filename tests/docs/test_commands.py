"""What the documentation says works: each command block of each page runs, on small data and with few steps."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from workbench import MAY_FAIL, NOT_RUN, PAGES, ROOT, Block, Command, Workbench, blocks, commands

SHELL = [command for page in PAGES for block in blocks(page) if block.language == "sh" for command in commands(block)]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that has heard a few steps of `yes` and `no`."""
    bench = Workbench(tmp_path_factory.mktemp("trained") / "clone")
    done = bench.run("python train.py 'words=[yes,no]' model=tiny_conv hydra.run.dir=run")
    assert done.returncode == 0, done.stdout + done.stderr
    return bench.folder / "run/checkpoints/best.ckpt"


@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_every_command_of_a_page_runs_from_top_to_bottom(page: Path, checkpoint: Path, tmp_path: Path) -> None:
    if not any(_is_run(block) for block in blocks(page)):
        pytest.skip("this page has no command that a test can run")
    bench = Workbench(tmp_path / "clone", checkpoint)
    failures = []
    for block in blocks(page):
        if block.language == "python":
            done = bench.run_python(block.text)
            failures += _failure(f"{block.page}:{block.line}", block.text, done.returncode, done.stdout + done.stderr)
        if block.language == "sh":
            for command in commands(block):
                if command.left_out is None:
                    done = bench.run(command.text)
                    failures += _failure(
                        f"{command.page}:{command.line}", command.text, done.returncode, done.stdout + done.stderr
                    )
    assert not failures, "\n\n".join(failures)


def _is_run(block: Block) -> bool:
    return block.language == "python" or (block.language == "sh" and any(one.left_out is None for one in commands(block)))


def _failure(place: str, text: str, status: int, said: str) -> list[str]:
    broken = status > (1 if text.startswith(MAY_FAIL) else 0) or "Traceback (most recent call last)" in said
    return [f"{place}: status {status}: {text}\n{said[-2500:]}"] if broken else []


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
