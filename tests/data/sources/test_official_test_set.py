"""Official test sets: every clip by its folder, fetched once; and the protocols that test on them."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from corpora import OTHERS, RATE_HZ, SPEAKERS, WANTED, word_sound
from file_server import Server, serving
from runs import ROOT, TINY, Command, composed

from kws.audio.io import fit_length, read_audio, to_float, write_wav
from kws.cli.main import main
from kws.data.sets.test_set import is_test_set, open_test_set
from kws.data.sources import official_test_set as official
from kws.data.sources.official_test_set import SpeechCommandsTestSet
from kws.data.sources.speech_commands import Archive
from kws.data.splits import ListedSplit
from kws.errors import KwsError
from kws.inference.loading import load
from kws.labels import LabelSet
from kws.training.datamodule import KeywordData

LABELS = LabelSet(WANTED)
FOLDERS = {"_silence_": 4, "_unknown_": 3, "no": 5, "yes": 2}


def write_test_set(root: Path) -> Path:
    """Folders as in the official archives, with a clip that is short and files beside them."""
    rng = np.random.default_rng(3)
    for folder, count in FOLDERS.items():
        (root / folder).mkdir(parents=True)
        for number in range(count):
            word = folder if folder in WANTED else OTHERS[number % 2]
            sound = word_sound(word, rng, 0.8 if number == 1 else 1.0)
            if folder == "_silence_":
                sound = rng.integers(-300, 300, RATE_HZ).astype(np.int16)
            write_wav(root / folder / f"{number:08x}_nohash_0.wav", sound, RATE_HZ)
    (root / "LICENSE").write_text("CC BY 4.0")
    return root


@pytest.fixture(scope="module")
def miniature(small_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a miniature of the data set, lists and all, and one of its test set, unpacked."""
    root = tmp_path_factory.mktemp("miniature")
    data = root / "speech_commands_v0.02"
    shutil.copytree(small_corpus, data, ignore=shutil.ignore_patterns(".kws-cache"))
    names = sorted(f"{path.parent.name}/{path.name}" for path in data.glob("[a-z]*/*.wav"))
    for part in ("validation", "testing"):
        mine = [name for name in names if name.split("/")[1].split("_")[0] in SPEAKERS[part]]
        (data / f"{part}_list.txt").write_text("\n".join(mine) + "\n")
    write_test_set(root / "speech_commands_test_set_v0.02")
    return root


@pytest.fixture(scope="module")
def run(command: Command, miniature: Path) -> Path:
    """A run of protocol v2-12 on the miniature."""
    given = [word for word in TINY if not word.startswith("data=")]
    done = command("protocol=v2-12", *given, f"data.source.root={miniature}", f"hydra.run.dir={miniature}/run", cwd=miniature)
    assert done.returncode == 0, done.stdout + done.stderr
    return miniature / "run"


def test_clips_are_labelled_by_their_folders(miniature: Path) -> None:
    root = miniature / "speech_commands_test_set_v0.02"
    clips = open_test_set(root, LABELS, RATE_HZ, RATE_HZ)
    paths = sorted(path for folder in FOLDERS for path in (root / folder).iterdir())
    assert clips.list.labels.tolist() == [LABELS.names.index(path.parent.name) for path in paths]
    expected = np.stack([fit_length(read_audio(path, RATE_HZ), RATE_HZ) for path in paths])
    np.testing.assert_array_equal(clips.read(np.arange(len(clips))), expected)
    only_yes = open_test_set(root, LabelSet(("yes",)), RATE_HZ, RATE_HZ)
    assert np.bincount(only_yes.list.labels).tolist() == [4, 3 + 5, 2]


def test_other_layouts_are_named(miniature: Path, tmp_path: Path) -> None:
    assert not is_test_set(miniature / "speech_commands_v0.02")
    with pytest.raises(KwsError, match="is no test set; folders _silence_ and _unknown_"):
        open_test_set(miniature / "speech_commands_v0.02", LABELS, RATE_HZ, RATE_HZ)
    with pytest.raises(KwsError, match=r"has no clips of lamp; it has _silence_, _unknown_, no, yes"):
        open_test_set(miniature / "speech_commands_test_set_v0.02", LabelSet(("yes", "lamp")), RATE_HZ, RATE_HZ)


def test_a_run_by_a_protocol_is_tested_on_the_test_set(run: Path) -> None:
    result = json.loads((run / "test.json").read_text(encoding="utf-8"))
    assert {name: label["clips"] for name, label in result["labels"].items()} == FOLDERS
    assert result["clips"] == sum(FOLDERS.values())
    assert "ece_after" in result


def test_evaluate_takes_the_clips_as_they_are(run: Path, miniature: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint, root = str(run / "checkpoints" / "best.ckpt"), str(miniature / "speech_commands_test_set_v0.02")
    assert main(["evaluate", checkpoint, root, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    tested = json.loads((run / "test.json").read_text(encoding="utf-8"))
    assert found["confusion_matrix"] == tested["confusion_matrix"]
    assert (found["ece"], found["split"]) == (pytest.approx(tested["ece_after"], rel=1e-4), "test set")
    assert main(["evaluate", checkpoint, root]) == 0
    assert f"of {sum(FOLDERS.values())} clips (test set)" in capsys.readouterr().out
    model = load(checkpoint)
    clips = open_test_set(Path(root), model.labels, RATE_HZ, RATE_HZ)
    right = model.score(to_float(clips.read(np.arange(len(clips))))).argmax(axis=1) == clips.list.labels
    assert found["accuracy"] == pytest.approx(right.mean())
    for wrong in (["--lists"], ["--split", "all"]):
        assert main(["evaluate", checkpoint, root, *wrong]) == 2
        assert "has no splits to choose from" in capsys.readouterr().err
    assert main(["calibrate", checkpoint, root]) == 2
    assert "has no splits to choose from" in capsys.readouterr().err


# Fetching


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, miniature: Path) -> Iterator[Server]:
    """Serves the miniature's test set, packed as the official ones."""
    monkeypatch.setenv("no_proxy", "*")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for path in sorted((miniature / "speech_commands_test_set_v0.02").rglob("*")):
            if ".kws-cache" not in path.parts:
                tar.add(path, f"./{path.relative_to(miniature / 'speech_commands_test_set_v0.02')}", recursive=False)
    with serving() as server:
        server.content = buffer.getvalue()
        yield server


def serve(monkeypatch: pytest.MonkeyPatch, server: Server, version: str, sha256: str | None) -> None:
    monkeypatch.setitem(official._ARCHIVES, version, Archive(server.url, sha256, len(server.content)))


def test_is_fetched_once_and_compared(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, server, "v0.02", hashlib.sha256(server.content).hexdigest())
    folder = SpeechCommandsTestSet(tmp_path).prepare()
    assert folder == tmp_path / "speech_commands_test_set_v0.02" == SpeechCommandsTestSet(folder).prepare()
    assert is_test_set(folder)
    assert len(server.requests) == 1
    serve(monkeypatch, server, "v0.02", "0" * 64)
    with pytest.raises(KwsError, match="SHA-256"):
        SpeechCommandsTestSet(tmp_path / "other").prepare()


def test_without_a_known_hash_it_is_logged_and_one_can_be_given(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    serve(monkeypatch, server, "v0.01", None)
    digest = hashlib.sha256(server.content).hexdigest()
    with caplog.at_level(logging.INFO, "kws.data.sources.speech_commands"):
        assert is_test_set(SpeechCommandsTestSet(tmp_path, "v0.01").prepare())
    assert f"its SHA-256 is {digest}; there is none to compare it with" in caplog.text
    assert is_test_set(SpeechCommandsTestSet(tmp_path / "right", "v0.01", digest).prepare())
    with pytest.raises(KwsError, match=f"has SHA-256 {digest}, {'1' * 64} expected"):
        SpeechCommandsTestSet(tmp_path / "wrong", "v0.01", "1" * 64).prepare()


def test_an_unknown_version_lists_the_known_ones() -> None:
    with pytest.raises(KwsError, match=r"no test set 'v3'; give one of v0\.01, v0\.02"):
        SpeechCommandsTestSet("data", "v3")


# The protocols


@pytest.mark.parametrize(
    ("protocol", "version", "words"), [("v1-12", "v0.01", 10), ("v2-12", "v0.02", 10), ("v2-35", "v0.02", 35)]
)
@pytest.mark.parametrize("experiment", ["tutorial_conv", "bc_resnet_1"])
def test_protocols_go_with_any_recipe(protocol: str, version: str, words: int, experiment: str) -> None:
    from hydra.utils import instantiate

    cfg, bare = composed(f"protocol={protocol}", f"experiment={experiment}"), composed(f"experiment={experiment}")
    for room in ("model", "optim", "schedule", "features", "trainer"):
        assert cfg[room] == bare[room]
    assert {**cfg.augment, "negatives": None} == {**bare.augment, "negatives": None}
    data = instantiate(cfg.data)
    assert isinstance(data, KeywordData)
    assert (data.source.version, type(data.split).__name__) == (version, "ListedSplit")
    assert (len(cfg.words), len(set(cfg.words))) == (words, words)
    shares = (data.unknown_percentage, data.silence_percentage)
    if words == 35:
        assert (data.test_source, shares, data.shares.unknown) == (None, (0, 0), 0)
        assert (data.extra, cfg.augment.negatives) == ((), None)
    else:
        assert isinstance(data.test_source, SpeechCommandsTestSet)
        assert (data.test_source.version, data.test_source.root) == (version, data.source.root)
        assert shares == (10, 10)
        assert cfg.augment == bare.augment
        assert list(cfg.words) == list(composed().words)


def test_eight_words_keep_eleven_others_out_of_training() -> None:
    from hydra.utils import instantiate

    cfg = composed("protocol=eight-words", "experiment=bc_resnet_1", "data.source.root=anywhere")
    data = instantiate(cfg.data)
    assert list(cfg.words) == ["yes", "no", "up", "down", "left", "right", "stop", "go"]
    assert isinstance(data.split, ListedSplit)
    assert (len(data.split.unseen_words), data.split.unseen_from) == (11, "all")
    spoken = data.extra[0].words
    assert not set(spoken) & {*cfg.words, *data.split.unseen_words}
    assert {"on", "off", "snow"} <= set(spoken)


def test_without_silence_and_unknown_all_words_can_be_wanted(command: Command, miniature: Path, tmp_path: Path) -> None:
    given = [word for word in TINY if not word.startswith(("data=", "words="))]
    words = f"words=[{','.join((*WANTED, *OTHERS))}]".replace("yes", "'yes'").replace("no", "'no'")
    done = command(
        "protocol=v2-35", *given, words, f"data.source.root={miniature}", f"hydra.run.dir={tmp_path}/run", cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr
    labels = json.loads((tmp_path / "run" / "test.json").read_text(encoding="utf-8"))["labels"]
    assert labels["_silence_"]["clips"] == labels["_unknown_"]["clips"] == 0
    assert all(labels[word]["clips"] for word in (*WANTED, *OTHERS))


def test_the_documentation_has_every_protocol() -> None:
    text = (ROOT / "docs" / "protocols.md").read_text(encoding="utf-8")
    for path in set((ROOT / "conf" / "protocol").glob("*.yaml")) - {ROOT / "conf" / "protocol" / "none.yaml"}:
        assert f"python train.py protocol={path.stem}" in text
