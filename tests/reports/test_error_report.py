"""The folder of wrong clips: what is in it, what may be replaced by it, and that it is whole or not there."""

from __future__ import annotations

import csv
import json
import os
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from corpora import RATE_HZ
from matplotlib.image import imread

from kws.audio.framing import FeatureSpec
from kws.audio.io import read_audio
from kws.data.sets.clip_set import ClipSet
from kws.data.sets.split_set import open_split
from kws.data.splits import HashedSplit
from kws.errors import KwsError
from kws.evaluation.predictions import Predictions
from kws.files.json_file import write_json
from kws.labels import LabelSet
from kws.reports.error_page import HeardClip, error_page
from kws.reports.error_report import check_folder, write_errors

LABELS = LabelSet(("yes", "no"))
FACTS = {"model": "m.onnx", "data": "clips", "split": "testing"}


@pytest.fixture(scope="module")
def clips(small_corpus: Path) -> ClipSet:
    return open_split(
        small_corpus, LABELS, "testing", HashedSplit(), sample_rate=RATE_HZ, clip_samples=RATE_HZ,
        unknown_percentage=25, silence_percentage=25, seed=1,
    )  # fmt: skip


@pytest.fixture(scope="module")
def answers(clips: ClipSet) -> Predictions:
    """Every second clip is answered wrong, each with another confidence."""
    rng, truths = np.random.default_rng(0), clips.list.labels
    scores = np.full((len(clips), 4), 0.05, np.float32)
    told = np.where(np.arange(len(clips)) % 2, truths, (truths + 1) % 4)
    scores[np.arange(len(clips)), told] = rng.uniform(0.5, 0.9, len(clips))
    return Predictions(scores, truths, LABELS.names)


class Page(HTMLParser):
    """The attributes of every element, by its tag."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: dict[str, list[dict[str, str | None]]] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.setdefault(tag, []).append(dict(attrs))


def test_the_folder_holds_sound_pictures_page_and_tables(clips: ClipSet, answers: Predictions, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "errors"
    drawn: list[None] = []
    write_errors(folder, answers, clips, FeatureSpec(), FACTS, 3, lambda: drawn.append(None))
    wrong = answers.wrong()
    content = json.loads((folder / "errors.json").read_text(encoding="utf-8"))
    assert (content["clips"], content["wrong"], content["split"]) == (len(clips), len(wrong), "testing")
    assert sum(pair["count"] for pair in content["pairs"]) == len(wrong)
    shown = [*content["worst"], *content["doubtful"]]
    assert len(content["worst"]) == 3
    assert len(shown) == len(drawn)
    for place, clip in zip(wrong, content["worst"], strict=False):
        np.testing.assert_array_equal(read_audio(folder / clip["sound"], RATE_HZ), clips.read(np.array([place]))[0])
        assert list(clip["scores"].values()) == pytest.approx(answers.scores[place].tolist())
        assert clip["file"].split("/")[0] in (clip["label"], "tree", "bed", "silence 1")
    rows = list(csv.DictReader((folder / "errors.csv").open(encoding="utf-8")))
    assert [float(row["confidence"]) for row in rows] == pytest.approx(answers.confidences[wrong].tolist(), abs=1e-6)
    assert [bool(row["sound"]) for row in rows] == [True] * 3 + [False] * (len(wrong) - 3)
    assert all(imread(folder / clip["picture"]).shape == (480, 1200, 4) for clip in shown)
    page = Page((folder / "index.html").read_text(encoding="utf-8")).found
    assert [sound["src"] for sound in page["audio"]] == [clip["sound"] for clip in shown]
    assert all(picture["alt"] for picture in page["img"])
    assert all(sound["aria-label"] for sound in page["audio"])
    assert sorted(path.name for path in tmp_path.joinpath("new").iterdir()) == ["errors"]


def test_only_its_own_folder_is_replaced(clips: ClipSet, answers: Predictions, tmp_path: Path) -> None:
    folder = tmp_path / "errors"
    folder.mkdir()
    write_errors(folder, answers, clips, FeatureSpec(), FACTS, 3)
    write_errors(folder, answers, clips, FeatureSpec(), FACTS, 1)
    assert len(list((folder / "clips").glob("wrong-*.wav"))) == 1
    (folder / "clips" / "mine.wav").write_bytes(b"")
    with pytest.raises(KwsError, match=r"errors: holds mine\.wav; a new or empty folder"):
        write_errors(folder, answers, clips, FeatureSpec(), FACTS)
    (tmp_path / "file").write_text("")
    with pytest.raises(KwsError, match="holds file"):
        check_folder(tmp_path / "file")
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "index.html").write_text("mine")
    with pytest.raises(KwsError, match=r"holds index\.html"):
        check_folder(tmp_path / "pages")


def test_a_report_that_breaks_off_leaves_the_old_one(
    clips: ClipSet, answers: Predictions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "errors"
    write_errors(folder, answers, clips, FeatureSpec(), FACTS, 1)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kws.reports.error_report.write_json", full)
    with pytest.raises(KwsError, match="No space left on device"):
        write_errors(folder, answers, clips, FeatureSpec(), FACTS, 2)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert list(tmp_path.iterdir()) == [folder]


def test_names_can_not_break_the_page() -> None:
    clip = HeardClip('a<b>"&$x$.wav', "clips/a b.wav", "clips/a b.png", "<i>", "no", {"<i>": 0.2, "no": 0.8})
    page = error_page("<title>", "a & b", [clip], [], ())
    assert "<i>" not in page
    assert "clips/a%20b.wav" in page
    assert "No clip is right" in page
    assert Page(page).found["audio"][0]["aria-label"] == 'Play a<b>"&$x$.wav'


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="needs a file system that takes any bytes as a name")
def test_names_that_are_not_utf8_are_written_with_their_bytes(corpus_folder: Path, tmp_path: Path) -> None:
    for path in corpus_folder.glob("yes/2265b1f5_nohash_*.wav"):
        path.rename(path.with_name(os.fsdecode(path.name.encode().replace(b"_nohash_", b"_nohash_\xff\x1b"))))
    odd = open_split(
        corpus_folder, LABELS, "all", HashedSplit(), sample_rate=RATE_HZ, clip_samples=RATE_HZ,
        unknown_percentage=25, silence_percentage=25, seed=1,
    )  # fmt: skip
    wrong = (odd.list.labels + 1) % 4
    facts = {"model": os.fsdecode(b"m\xe9.onnx"), "data": os.fsdecode(b"\xe9"), "split": "all"}
    write_errors(
        tmp_path / "errors",
        Predictions(np.eye(4, dtype=np.float32)[wrong], odd.list.labels, LABELS.names),
        odd,
        FeatureSpec(),
        facts,
        1,
    )
    for name in ("index.html", "errors.csv", "errors.json"):
        text = (tmp_path / "errors" / name).read_text(encoding="utf-8")
        assert name == "index.html" or "\x1b" not in text
    assert r"yes/2265b1f5_nohash_\xff\x1b0.wav" in (tmp_path / "errors" / "errors.csv").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "errors" / "errors.json").read_text(encoding="utf-8"))["model"] == r"m\xe9.onnx"


def test_json_takes_any_name_and_gives_it_back(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9 \xc3\xa9.wav")
    write_json(tmp_path / "names.json", {"name": name})
    assert json.loads((tmp_path / "names.json").read_text(encoding="utf-8")) == {"name": name}
