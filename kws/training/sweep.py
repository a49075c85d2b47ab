"""What a sweep leaves behind: one table of all its runs, printed and as CSV."""

from __future__ import annotations

import csv
import json
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from kws.errors import first_line
from kws.files.atomic import atomic_write
from kws.files.table import text_table

log = logging.getLogger(__name__)
RESULTS = ("validation_accuracy", "accuracy", "loss", "steps", "minutes")
# What a run of a sweep leaves: its result, or why there is none.
RESULT, FAILURE = "test.json", "error.txt"
Row = dict[str, str]


class SweepTable(Callback):
    """In a multirun: `results.csv` in its folder, with each run once it has ended."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Say how much is about to be done, where the configuration knows."""
        trials = OmegaConf.select(config, "hydra.sweeper.n_trials")
        if trials is not None:
            steps = instantiate(config.schedule).total_steps
            log.info("%d runs of %d steps each; hydra.sweeper.n_trials and schedule.steps set both", trials, steps)

    def on_job_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Forget what an earlier run left in the folder of this one."""
        if config.hydra.mode == RunMode.MULTIRUN:
            for name in (RESULT, FAILURE):
                (Path(config.hydra.runtime.output_dir) / name).unlink(missing_ok=True)

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **kwargs: Any) -> None:
        """Write the table of what has ended."""
        if config.hydra.mode == RunMode.MULTIRUN:
            write_table(Path(config.hydra.sweep.dir))


def note_failure(folder: Path, error: BaseException) -> None:
    """Keep the line of an error in the folder of the run that it ended."""
    with atomic_write(folder / FAILURE) as temporary:
        temporary.write_text(f"{first_line(error)}\n", encoding="utf-8")


def finish_sweep(folder: Path) -> int:
    """Write and say the table of a sweep that ended, or was stopped; returns how many of its runs failed."""
    rows = write_table(folder)
    good, failed = [row for row in rows if not row["error"]], [row for row in rows if row["error"]]
    if good:
        log.info("%s\n%s", folder / "results.csv", as_table(good))
    else:
        log.warning("%s: no run of this sweep has finished", folder)
    differing = [name for name in (rows[0] if rows else ()) if name not in _OWN and len({row[name] for row in rows}) > 1]
    for row in failed:
        settings = " ".join(f"{name}={row[name]}" for name in differing)
        log.error("failed: %s (%s): %s", settings or "a run", row["folder"], row["error"])
    return len(failed)


def write_table(folder: Path) -> list[Row]:
    """Write `results.csv` of a sweep's folder; returns its rows."""
    rows = gather(folder)
    if rows:
        path = folder / "results.csv"
        with atomic_write(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return rows


_OWN = (*RESULTS, "error", "folder")


def gather(folder: Path) -> list[Row]:
    """Return a row for each finished run of a sweep: overrides, results, error, folder; the best first."""
    rows = [_row(path) for name in (RESULT, FAILURE) for path in sorted(folder.rglob(name))]
    names = list(dict.fromkeys(name for row in rows for name in row if name not in _OWN))
    # What is the same in every run says nothing in a table, but everything in a file.
    ordered = [{name: row.get(name, "") for name in (*names, *_OWN)} for row in rows]
    return sorted(ordered, key=lambda row: float(row["validation_accuracy"] or "-inf"), reverse=True)


def _row(path: Path) -> Row:
    record = path.parent / ".hydra" / "overrides.yaml"
    overrides: Iterable[Any] = OmegaConf.load(record) if record.is_file() else []
    row = dict(str(item).split("=", 1) for item in overrides if "=" in str(item)) | {"folder": str(path.parent)}
    text = path.read_text(encoding="utf-8")
    if path.name == FAILURE:
        return row | {"error": text.strip()}
    found = json.loads(text)
    return row | {name: "" if found.get(name) is None else f"{found[name]:.6g}" for name in RESULTS}


def as_table(rows: list[Row]) -> str:
    """Keep the columns that differ between runs, or are results."""
    columns = [name for name in rows[0] if name in RESULTS or len({row[name] for row in rows}) > 1]
    return text_table(columns, [[row[name] for name in columns] for row in rows], align="<" * len(columns))
