"""What a sweep leaves behind: one table of all its runs, printed and as CSV."""

from __future__ import annotations

import csv
import json
import logging
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from kws.whole_file import whole_file

log = logging.getLogger(__name__)
RESULTS = ("validation_accuracy", "accuracy", "loss", "steps", "minutes")


class SweepTable(Callback):
    """After a multirun: `results.csv` in its folder, and the same as a table, the best validation first."""

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Gather what the runs wrote."""
        folder = Path(config.hydra.sweep.dir)
        rows = gather(folder)
        if not rows:
            log.warning("%s: no run of this sweep has finished", folder)
            return
        path = folder / "results.csv"
        with whole_file(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        log.info("%s\n%s", path, as_table(rows))


def gather(folder: Path) -> list[dict[str, str]]:
    """One row for each finished run below a sweep's folder: its overrides, its results and its folder."""
    rows = []
    for result in folder.glob("*/test.json"):
        overrides = OmegaConf.load(result.parent / ".hydra" / "overrides.yaml")
        settings = dict(str(item).split("=", 1) for item in overrides if "=" in str(item))
        found = json.loads(result.read_text(encoding="utf-8"))
        numbers = {name: "" if found.get(name) is None else f"{found[name]:.6g}" for name in RESULTS}
        rows.append({**settings, **numbers, "folder": str(result.parent)})
    names = list(dict.fromkeys(name for row in rows for name in row if name not in (*RESULTS, "folder")))
    # What is the same in every run says nothing in a table, but everything in a file.
    ordered = [{name: row.get(name, "") for name in (*names, *RESULTS, "folder")} for row in rows]
    return sorted(ordered, key=lambda row: float(row["validation_accuracy"] or "-inf"), reverse=True)


def as_table(rows: list[dict[str, str]]) -> str:
    """The rows with columns that differ between runs, or are results."""
    columns = [name for name in rows[0] if name in RESULTS or len({row[name] for row in rows}) > 1]
    cells = [columns, *([row[name] for name in columns] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(columns))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells)
