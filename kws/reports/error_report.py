"""Error report: a folder of the clips a model got wrong, as sound and figure, with a page, a table and JSON."""

from __future__ import annotations

import csv
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from kws.audio.framing import FeatureSpec
from kws.audio.io import to_float, write_wav
from kws.data.corpus import Corpus
from kws.data.sampling import SILENT_CLIP
from kws.data.sets.clip_set import ClipSet
from kws.errors import KwsError
from kws.evaluation.confusion import Confusion
from kws.evaluation.predictions import Places, Predictions
from kws.files.json_file import write_json
from kws.files.names import printable
from kws.frontend.features import LogMel
from kws.plots.clip import clip_figure
from kws.plots.figure import save_figure
from kws.reports.error_page import HeardClip, error_page

PAGE, TABLE, JSON, CLIPS = "index.html", "errors.csv", "errors.json", "clips"
_COPY = re.compile(r"(wrong|right)-\d+\.(wav|png)")


def check_folder(folder: Path) -> None:
    """Refuse a folder that holds anything but an earlier report, which would be replaced.

    Raises:
        KwsError: it does, or can't be listed.
    """
    try:
        if not folder.exists():
            return
        found = {path.name for path in folder.iterdir()} if folder.is_dir() else {folder.name}
        copies = [path.name for path in (folder / CLIPS).iterdir()] if (folder / CLIPS).is_dir() else []
    except OSError as error:
        raise KwsError(f"{folder}: can't be listed ({error.strerror}); give another folder for the errors") from error
    strange = found - {PAGE, TABLE, JSON, CLIPS} | {name for name in copies if not _COPY.fullmatch(name)}
    if strange or (found and not (folder / JSON).is_file()):
        raise KwsError(
            f"{folder}: holds {', '.join(sorted(strange or found)[:3])}; a new or empty folder, or one that --errors wrote,"
            " is expected, for it is replaced"
        )


def write_errors(
    folder: Path,
    answers: Predictions,
    clips: ClipSet,
    spec: FeatureSpec,
    facts: Mapping[str, Any],
    count: int = 20,
    done: Callable[[], object] | None = None,
) -> None:
    """Write the report atomically: `index.html`, `errors.csv` (all wrong clips), `errors.json` and the folder `clips`.

    Args:
        folder: to write, see `check_folder`.
        answers: the model's predictions for all clips.
        clips: the set.
        spec: sample rate and length of its clips.
        facts: model, data and split, for the page and the JSON.
        count: number of wrong clips to copy, the most confident first; of each label, the least confident correct clip
            is copied too.
        done: called after each copied clip, for a progress bar.

    Raises:
        KwsError: the folder holds other files, or can't be written.
    """
    check_folder(folder)
    folder = folder.resolve()  # a link stays: the folder that it points to is replaced
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".part-{folder.name}-", dir=folder.parent) as temporary:
            made = Path(temporary) / "report"
            (made / CLIPS).mkdir(parents=True)
            wrong = answers.wrong()
            heard = _copied(made, "wrong", wrong[:count], answers, clips, spec, done)
            doubted = _copied(made, "right", answers.least_confident(), answers, clips, spec, done)
            _write_table(made / TABLE, wrong, [clip.sound for clip in heard], answers, clips)
            _write_page(made, answers.confusion, len(wrong), facts, heard, doubted)
            _swap(made, folder, Path(temporary) / "old")
    except OSError as error:
        raise KwsError(f"{folder}: can't be written ({error.strerror or error}); give another folder for the errors") from error


def _write_page(
    folder: Path, confusion: Confusion, wrong: int, facts: Mapping[str, Any], heard: list[HeardClip], doubted: list[HeardClip]
) -> None:
    pairs = confusion.pairs()
    # Paths of the model and the data may not be UTF-8.
    facts = {name: printable(fact) if isinstance(fact, str) else fact for name, fact in facts.items()}
    content = {**facts, "clips": confusion.total, "wrong": wrong, "accuracy": confusion.accuracy}
    kinds = {"worst": [asdict(clip) for clip in heard], "doubtful": [asdict(clip) for clip in doubted]}
    write_json(folder / JSON, {**content, "pairs": [asdict(pair) for pair in pairs], **kinds})
    summary = f"{facts['model']} on {facts['data']} ({facts['split']}): {wrong} of {confusion.total} clips wrong."
    page = error_page(f"What {Path(facts['model']).name} got wrong", summary, heard, doubted, pairs)
    (folder / PAGE).write_text(page, encoding="utf-8", errors="backslashreplace")


def clip_name(clips: ClipSet, place: int) -> str:
    """Return a clip's printable name in the data, `word/file`; random silence clips are numbered."""
    index = int(clips.list.clips[place])
    if index != SILENT_CLIP:
        return printable(clips.corpus.names[index]) if isinstance(clips.corpus, Corpus) else f"clip {index}"
    return f"silence {int(np.sum(clips.list.clips[: place + 1] == SILENT_CLIP))}"


def _copied(
    made: Path,
    kind: str,
    places: Places,
    answers: Predictions,
    clips: ClipSet,
    spec: FeatureSpec,
    done: Callable[[], object] | None,
) -> list[HeardClip]:
    front_end = LogMel(spec.sample_rate, spec.clip_ms)
    heard = []
    for number, place in enumerate(places, 1):
        name, scores, truth = clip_name(clips, place), answers.scores[place], int(answers.truths[place])
        label, predicted = answers.names[truth], answers.names[answers.predictions[place]]
        stem = f"{CLIPS}/{kind}-{number:03d}"
        sound = clips.read(np.array([place]))[0]
        write_wav(made / f"{stem}.wav", sound, spec.sample_rate)
        waveform = to_float(sound)
        features: NDArray[np.float32] = front_end(torch.from_numpy(waveform)[None])[0].numpy()
        title = f"{name}: {label}" + (f", taken for {predicted}" if label != predicted else "")
        figure = clip_figure(
            waveform,
            features,
            scores,
            answers.names,
            truth,
            sample_rate=spec.sample_rate,
            hop_ms=front_end.spec.hop_ms,
            title=title,
        )
        save_figure(figure, made / f"{stem}.png")
        named = dict(zip(answers.names, scores.tolist(), strict=True))
        heard.append(HeardClip(name, f"{stem}.wav", f"{stem}.png", label, predicted, named))
        if done is not None:
            done()
    return heard


def _write_table(path: Path, places: Places, sounds: list[str], answers: Predictions, clips: ClipSet) -> None:
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "sound", "label", "predicted", "confidence", *answers.names])
        for number, place in enumerate(places):
            sound = sounds[number] if number < len(sounds) else ""
            labels = [answers.names[answers.truths[place]], answers.names[answers.predictions[place]]]
            scores = [f"{score:.6f}" for score in (answers.confidences[place], *answers.scores[place])]
            table.writerow([clip_name(clips, int(place)), sound, *labels, *scores])


def _swap(made: Path, folder: Path, old: Path) -> None:
    """Move a finished folder to its final path; the one that was there goes to `old`."""
    if folder.exists():
        folder.rename(old)
    try:
        made.rename(folder)
    except OSError:
        if old.exists():
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)
