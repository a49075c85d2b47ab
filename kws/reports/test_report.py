"""Report of a test: the numbers as JSON, and the confusion matrix as a figure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kws.errors import KwsError
from kws.evaluation.confusion import Confusion
from kws.files.json_file import write_json


def write_report(folder: Path, confusion: Confusion, facts: Mapping[str, Any], name: str = "test", picture: bool = True) -> None:
    """Write `<name>.json` and `<name>_confusion.png`, each atomically.

    Args:
        folder: to write to; created if missing.
        confusion: matrix of the set.
        facts: what the JSON says first (loss, steps, minutes …); null for values that are not finite.
        name: of the files.
        picture: write the figure too.

    Raises:
        KwsError: the folder can't be written.
    """
    from kws.plots.confusion import confusion_figure
    from kws.plots.figure import save_figure

    try:
        folder.mkdir(parents=True, exist_ok=True)
        known = {fact: None if isinstance(value, float) and not math.isfinite(value) else value for fact, value in facts.items()}
        write_json(folder / f"{name}.json", {**known, **confusion.to_dict()})
    except OSError as error:
        raise KwsError(f"{folder}: can't be written ({error.strerror})") from error
    if picture:
        save_figure(confusion_figure(confusion), folder / f"{name}_confusion.png")


def summary(confusion: Confusion, facts: Mapping[str, Any]) -> str:
    """Format the testing set's confusion matrix, and a line of results.

    Args:
        confusion: matrix of the testing set.
        facts: validation_accuracy, steps, minutes, weights; with a temperature also temperature_fit, ece_before and
            ece_after.
    """
    calibrated = (
        f" · ECE {100 * facts['ece_before']:.1f} %, {100 * facts['ece_after']:.1f} % at temperature {facts['temperature']:.2f}"
        f" ({facts['temperature_fit']})"
        if "temperature" in facts
        else ""
    )
    return (
        f"testing set\n{confusion.to_text()}\n"
        f"test accuracy {100 * confusion.accuracy:.2f} % of {confusion.total} clips"
        f" · validation {100 * facts['validation_accuracy']:.2f} %"
        f"{calibrated} · {facts['steps']} steps in {facts['minutes']:.1f} min · {facts['weights']}"
    )
