"""What a finished test leaves behind: the numbers as JSON and the confusion matrix as a picture."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kws.errors import KwsError
from kws.metrics import Confusion
from kws.whole_file import whole_file


def write_report(folder: Path, confusion: Confusion, facts: Mapping[str, Any], name: str = "test") -> None:
    """Write `<name>.json` and `<name>_confusion.png`, each whole.

    Args:
        folder: where to, made if need be.
        confusion: the counts.
        facts: what else the JSON says first (loss, steps, minutes …); null where one is not finite.
        name: of the files.

    Raises:
        KwsError: the folder can't be written.
    """
    from kws.plots import confusion_figure, save_figure

    try:
        folder.mkdir(parents=True, exist_ok=True)
        known = {fact: None if isinstance(value, float) and not math.isfinite(value) else value for fact, value in facts.items()}
        write_json(folder / f"{name}.json", {**known, **confusion.to_dict()})
    except OSError as error:
        raise KwsError(f"{folder}: can't be written ({error.strerror})") from error
    save_figure(confusion_figure(confusion), folder / f"{name}_confusion.png")


def summary(confusion: Confusion, facts: Mapping[str, Any]) -> str:
    """The testing set's confusion matrix, and a line of result.

    Args:
        confusion: of the testing set.
        facts: validation_accuracy, steps, minutes, weights; where there is a temperature, ece_before and ece_after.
    """
    calibrated = (
        f" · ECE {100 * facts['ece_before']:.1f} %, {100 * facts['ece_after']:.1f} % at temperature {facts['temperature']:.2f}"
        if "temperature" in facts
        else ""
    )
    return (
        f"testing set\n{confusion.to_text()}\n"
        f"test accuracy {100 * confusion.accuracy:.2f} % of {confusion.total} clips"
        f" · validation {100 * facts['validation_accuracy']:.2f} %"
        f"{calibrated} · {facts['steps']} steps in {facts['minutes']:.1f} min · {facts['weights']}"
    )


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON, whole."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if not is_utf8(text):  # a file's name need not be
        text = json.dumps(content, indent=2, allow_nan=False) + "\n"
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def is_utf8(text: str) -> bool:
    """Whether a text can be written as UTF-8: the name of a file need not be."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
