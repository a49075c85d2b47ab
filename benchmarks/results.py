"""The results table of the small networks, from finished runs, and a picture of accuracy over multiplies.

    python benchmarks/results.py --data data/speech_commands_v0.02 --lists --picture results.png outputs/bc_resnet/*

Each run is a folder of train.py. Runs of one experiment (or model) with different seeds make one row: mean ± standard deviation.
The first run of each row is exported to ONNX and to 8-bit ONNX, both compared with the checkpoint on the testing split.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import torch

from kws.cli.export import open_data
from kws.export.exporter import ExportData, export
from kws.export.formats import find_formats
from kws.export.parity import ParityReport
from kws.inference.checkpoint import WaveformModel, load_checkpoint
from kws.labels import UNKNOWN
from kws.models.summary import summarise


@dataclass
class Row:
    """One line of the table."""

    name: str
    folders: list[Path] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)
    unknown: list[float] = field(default_factory=list)
    unseen: list[float] = field(default_factory=list)
    weakest: list[float] = field(default_factory=list)
    minutes: list[float] = field(default_factory=list)
    parameters: int = 0
    multiplies: int = 0
    reports: dict[str, ParityReport] = field(default_factory=dict)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", help="folders of finished runs")
    parser.add_argument("--data", type=Path, required=True, help="the data folder they were tested on")
    parser.add_argument("--lists", action="store_true", help="they were split by the data's own lists")
    parser.add_argument("--seed", type=int, default=59185, help="of the choice of unknown clips (default 59185)")
    parser.add_argument("--cache-dir", type=Path)
    parser.add_argument("--picture", type=Path, help="accuracy over multiplies, as a PNG")
    args = parser.parse_args()
    torch.set_num_threads(1)
    rows: dict[str, Row] = {}
    for folder in args.runs:
        if missing := what_is_missing(folder):
            print(f"{folder}: left out, {missing}", file=sys.stderr)
        else:
            add_run(rows, folder)
    if not rows:
        raise SystemExit("no finished run among these folders; a finished run of train.py has a test.json")
    data: ExportData | None = None
    for row in rows.values():
        model = load_checkpoint(Path(json.loads((row.folders[0] / "test.json").read_text())["weights"]))
        data = open_data(args, model)
        fill(row, model, data)
    print(table(list(rows.values())))
    if args.picture:
        draw(list(rows.values()), args.picture)


def what_is_missing(folder: Path) -> str:
    """Why a folder is no finished run; empty where it is one."""
    if not folder.is_dir():
        return "not a folder"
    if not (folder / "test.json").is_file():
        return "no test.json: the run was interrupted, or is going on"
    if not (folder / ".hydra/overrides.yaml").is_file():
        return "no .hydra/overrides.yaml: not a run of train.py"
    weights = json.loads((folder / "test.json").read_text())["weights"]
    return "" if Path(weights).is_file() else f"its weights are no longer at {weights}"


def add_run(rows: dict[str, Row], folder: Path) -> None:
    """Take a run's numbers into its row."""
    facts = json.loads((folder / "test.json").read_text())
    choices = dict(line[2:].split("=", 1) for line in (folder / ".hydra/overrides.yaml").read_text().splitlines() if "=" in line)
    row = rows.setdefault(choices.get("experiment", choices.get("model", folder.name)), Row(""))
    row.name = choices.get("experiment", choices.get("model", folder.name))
    row.folders.append(folder)
    row.accuracies.append(100 * facts["accuracy"])
    row.minutes.append(facts["minutes"])
    words = {name: label["recall"] for name, label in facts["labels"].items() if not name.startswith("_")}
    row.weakest.append(100 * min(words.values()))
    row.unknown.append(100 * facts["labels"][UNKNOWN]["recall"])
    if facts.get("unseen_unknown_recall") is not None:
        row.unseen.append(100 * facts["unseen_unknown_recall"])


def fill(row: Row, model: WaveformModel, data: ExportData) -> None:
    """Sizes, and what becomes of the first run in ONNX and in 8 bits."""
    row.parameters = sum(weight.numel() for weight in model.network.parameters())
    front_end = model.front_end
    row.multiplies = sum(layer.multiplies for layer in summarise(model.network, front_end.frames, front_end.bins))
    with tempfile.TemporaryDirectory() as folder:
        for form in find_formats(["onnx", "onnx-int8"]):
            row.reports[form.name] = export(model, form, Path(folder), "model", data)


def table(rows: list[Row]) -> str:
    """Markdown."""
    head = ("experiment", "parameters", "multiplies", "ONNX / int8 kB", "ms a clip", "test accuracy %", "weakest word %",
            "unknown %", "unseen unknown %", "int8 accuracy %", "minutes")  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    for row in rows:
        plain, small = row.reports["onnx"], row.reports["onnx-int8"]
        cells = (
            f"`{row.name}`", f"{row.parameters:,}", f"{row.multiplies / 1e6:.1f} M",
            f"{plain.size_bytes / 1000:.0f} / {small.size_bytes / 1000:.0f}", f"{plain.clip_ms:.2f}", spread(row.accuracies),
            spread(row.weakest), spread(row.unknown), spread(row.unseen),
            f"{100 * (small.accuracy or 0):.2f}", f"{statistics.mean(row.minutes):.0f}",
        )  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def spread(values: list[float]) -> str:
    """Mean ± standard deviation, and in brackets of how many runs."""
    if not values:
        return "–"
    if len(values) == 1:
        return f"{values[0]:.1f} (1)"
    return f"{statistics.mean(values):.1f} ± {statistics.stdev(values):.1f} ({len(values)})"


def draw(rows: list[Row], path: Path) -> None:
    """Accuracy over multiplies, on a log scale."""
    from matplotlib.figure import Figure

    from kws.plots.figure import save_figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot()
    # Names are inside, and neighbours' at different heights.
    middle = math.sqrt(min(row.multiplies for row in rows) * max(row.multiplies for row in rows))
    for index, row in enumerate(sorted(rows, key=lambda row: row.multiplies)):
        accuracy = statistics.mean(row.accuracies)
        error = statistics.stdev(row.accuracies) if len(row.accuracies) > 1 else 0.0
        axes.errorbar(row.multiplies, accuracy, yerr=error, fmt="o", capsize=3)
        left = row.multiplies > middle
        above = index % 2 != left
        axes.annotate(
            f"{row.name}\n{row.parameters / 1000:,.0f} k",
            (row.multiplies, accuracy),
            xytext=(-6 if left else 6, 4 if above else -4),
            textcoords="offset points",
            fontsize=8,
            ha="right" if left else "left",
            va="bottom" if above else "top",
        )
    axes.set_xscale("log")
    axes.set_xlabel("multiplies a clip")
    axes.set_ylabel("test accuracy, %")
    axes.margins(x=0.2, y=0.25)
    axes.grid(alpha=0.3)
    save_figure(figure, path)


if __name__ == "__main__":
    main()
