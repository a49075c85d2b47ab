from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import wave
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from kws.data.splits import HashedSplit
from kws.errors import KwsError
from kws.synthesis.corpus import OTHER_WORDS, RECORD, Synthetic
from kws.synthesis.espeak import Engine, accents
from kws.synthesis.pool import NOISES, run_jobs
from kws.synthesis.speakers import draw_speakers

pytest.importorskip("espeakng_loader")

RATE_HZ = 16_000


def settings(root: Path, **changes: Any) -> Synthetic:
    usual: dict[str, Any] = {"words": ["yes", "no"], "other_words": ["cat"], "voices": 10, "noise_s": 2.0, "workers": 1}
    return Synthetic(root, **(usual | changes))


def clips(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.glob("*/*.wav"))}


def samples(path: Path) -> NDArray[np.float64]:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE_HZ)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768


def level_db(waveform: NDArray[np.float64]) -> float:
    return float(10 * np.log10(np.mean(waveform**2) + 1e-12))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return settings(tmp_path_factory.mktemp("synthetic") / "corpus", workers=2).prepare()


@pytest.fixture
def copy(corpus: Path, tmp_path: Path) -> Path:
    shutil.copytree(corpus, tmp_path / "corpus")
    return tmp_path / "corpus"


def test_the_layout_is_that_of_speech_commands(corpus: Path) -> None:
    assert {path.name for path in corpus.iterdir()} == {"yes", "no", "cat", "_background_noise_", RECORD}
    for word in ("yes", "no", "cat"):
        names = [path.name for path in (corpus / word).iterdir()]
        assert len(names) == 10 * 2
        assert all(re.fullmatch(r"[0-9a-f]{8}_nohash_[01]\.wav", name) for name in names)
    assert {path.stem for path in (corpus / "_background_noise_").iterdir()} == set(NOISES)


def test_clips_sound_and_keep_clear_of_their_ends(tmp_path: Path) -> None:
    root = settings(tmp_path / "dry", room_probability=0, noise_floor_db=(-90, -90)).prepare()
    for path in root.glob("[!_]*/*.wav"):
        clip = samples(path)
        assert len(clip) == RATE_HZ
        assert 0.01 < np.abs(clip).max() < 0.99
        loudest = max(level_db(piece) for piece in clip.reshape(50, 320))
        assert loudest > -35
        assert level_db(clip[:320]) < loudest - 30, path
        assert level_db(clip[-320:]) < loudest - 30, path
        assert np.unique(clip[:1600]).size > 1, "digital silence"


def test_background_noise(corpus: Path) -> None:
    for path in (corpus / "_background_noise_").iterdir():
        noise = samples(path)
        assert len(noise) == 2 * RATE_HZ
        assert 0.01 < np.sqrt(np.mean(noise**2)) < 0.12


def test_speakers_fill_all_sets_and_each_is_in_one(corpus: Path) -> None:
    names = [path.relative_to(corpus).as_posix() for path in corpus.glob("[!_]*/*.wav")]
    sets = HashedSplit().assign(corpus, names)
    by_speaker: dict[str, set[int]] = {}
    for name, code in zip(names, sets, strict=True):
        by_speaker.setdefault(name.split("/")[1].split("_")[0], set()).add(int(code))
    assert all(len(codes) == 1 for codes in by_speaker.values())
    assert [sum(codes == {code} for codes in by_speaker.values()) for code in range(3)] == [8, 1, 1]


def test_no_two_clips_are_alike(corpus: Path) -> None:
    found = list(clips(corpus).values())
    assert len(set(found)) == len(found)


def test_words_of_a_speaker_differ() -> None:
    # Durations and spectra, not just bytes: a word that is not understood comes out as another.
    with Engine() as engine:
        spectra = []
        for word in ("yes", "no", "cat", "stop"):
            engine.renew()
            said = engine.say(word, "gmw/en-US", "f3", rate_wpm=150, pitch=50, pitch_range=50) / 32768
            spectrum = np.abs(np.fft.rfft(said, 2**15))[:8192].reshape(64, -1).mean(axis=1)
            spectra.append(spectrum / np.linalg.norm(spectrum))
    assert all(a @ b < 0.97 for a, b in combinations(spectra, 2))


def test_a_word_or_voice_more_changes_no_other_clip(corpus: Path, tmp_path: Path) -> None:
    wider = clips(settings(tmp_path / "wider", words=["stop", "no", "yes"], other_words=["dog", "cat"], voices=12).prepare())
    narrow = {name: sound for name, sound in clips(corpus).items() if not name.startswith("_")}
    assert len(wider) == 5 * 12 * 2 + len(NOISES)
    assert {name: wider[name] for name in narrow} == narrow


def test_the_same_settings_are_not_made_again(copy: Path) -> None:
    before = (copy / RECORD).stat().st_mtime_ns
    assert settings(copy, workers=2).prepare() == copy
    assert (copy / RECORD).stat().st_mtime_ns == before


def test_other_settings_are(copy: Path) -> None:
    settings(copy, voices=3, takes=1, seed=1).prepare()
    assert json.loads((copy / RECORD).read_text())["settings"]["voices"] == 3
    assert len(clips(copy)) == 3 * 3 + len(NOISES)
    assert sorted(path.name for path in copy.parent.iterdir()) == [".corpus.lock", "corpus"]


def test_a_corpus_that_lost_clips_is_made_again(copy: Path) -> None:
    lost = next((copy / "yes").iterdir())
    lost.unlink()
    settings(copy).prepare()
    assert lost.exists()


def test_two_processes_make_one_corpus(tmp_path: Path) -> None:
    root = tmp_path / "both"
    code = (
        "import sys; from pathlib import Path; from kws.synthesis.corpus import Synthetic;"
        "Synthetic(Path(sys.argv[1]), ['yes'], ['no'], voices=3, takes=1, noise_s=1, workers=1).prepare(progress=False)"
    )
    both = [subprocess.Popen([sys.executable, "-c", code, str(root)]) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    assert len(clips(root)) == 6 + len(NOISES)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"words": []}, "no wanted word"),
        ({"words": "yes"}, "a list of words expected"),
        ({"words": [True, "up"]}, "quote them"),
        ({"words": ["../up"]}, "must be a folder name"),
        ({"words": ["up", "up"]}, "2 times"),
        ({"voices": 0}, "voices: 0 given; at least 1"),
        ({"takes": 0}, "takes: 0 given"),
        ({"sample_rate": 16}, "sample_rate: 16 given"),
        ({"clip_ms": 50}, "clip_ms: 50 given"),
        ({"noise_s": 0.5}, "noise_s: 0.5 given; at least the length of a clip"),
        ({"room_probability": 2}, "room_probability: 2 given; 0 to 1"),
        ({"noise_floor_db": (-40, -80)}, "the lower first"),
        ({"workers": 0}, "workers: 0 given"),
        ({"language": "klingonese"}, "no 'klingonese'; give one of its .* such as .*en-us"),
        ({"clip_ms": 200, "words": ["antidisestablishmentarianism"]}, "lasts [0-9]+ ms in every voice .* clip_ms is 200"),
    ],
)
def test_bad_settings_are_named(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    root = tmp_path / "corpus"
    with pytest.raises(KwsError, match=message):
        settings(root, **({"voices": 3} | changes)).prepare()
    assert not root.exists()
    assert not (tmp_path / ".corpus.part").exists()


def test_a_strangers_folder_is_left_alone(tmp_path: Path) -> None:
    recording = tmp_path / "mine" / "yes" / "me.wav"
    recording.parent.mkdir(parents=True)
    recording.write_bytes(b"dear")
    with pytest.raises(KwsError, match=f"holds files that were not made here .*{RECORD}"):
        settings(tmp_path / "mine").prepare()
    assert recording.read_bytes() == b"dear"
    with pytest.raises(KwsError, match="is a file"):
        settings(recording).prepare()


def test_a_strangers_recording_is_left_alone(copy: Path) -> None:
    recording = copy / "yes" / "me_nohash_0.wav"
    recording.write_bytes(b"dear")
    with pytest.raises(KwsError, match=r"yes/me_nohash_0\.wav.*move them elsewhere"):
        settings(copy, seed=3).prepare()
    assert recording.read_bytes() == b"dear"


def everything(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def as_of_an_earlier_version(root: Path) -> None:
    """Its record has no list of files."""
    record = json.loads((root / RECORD).read_text(encoding="utf-8"))
    del record["names"]
    (root / RECORD).write_text(json.dumps(record), encoding="utf-8")


STRANGERS = [
    "notes.txt", "testing_list.txt", ".git/config", "yes/.hidden", "yes/more/a.wav", "mine/a.wav", "_background_noise_/rain.wav",
    "_background_noise_/notes.md", ".DS_Store", "yes/0123abcd_nohash_0.wav", "empty/",
]  # fmt: skip


@pytest.mark.parametrize("earlier", [False, True])
@pytest.mark.parametrize("name", STRANGERS)
def test_nothing_that_was_not_made_here_is_removed(copy: Path, name: str, earlier: bool) -> None:
    if earlier:
        as_of_an_earlier_version(copy)
    path = copy / name
    (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
    if not name.endswith("/"):
        path.write_bytes(b"dear")
    before = everything(copy)
    settings(copy).prepare()  # with the same settings all may lie there
    shown = re.escape(name.rstrip("/") if name.startswith(("yes", "_back")) and "more" not in name else name.split("/")[0])
    with pytest.raises(KwsError, match=rf"not made here \(({shown}|yes/more)\)\. Nothing was changed: move them elsewhere"):
        settings(copy, seed=3).prepare()
    assert everything(copy) == before
    assert path.exists()


@pytest.mark.parametrize("earlier", [False, True])
def test_the_pack_and_what_was_made_are_no_strangers(copy: Path, earlier: bool) -> None:
    if earlier:
        as_of_an_earlier_version(copy)
    (copy / ".kws-cache").mkdir()
    (copy / ".kws-cache" / "pack.lock").touch()
    settings(copy, voices=3, takes=1, seed=1).prepare()
    names = json.loads((copy / RECORD).read_text(encoding="utf-8"))["names"]
    assert names == sorted(clips(copy))
    assert len(names) == 3 * 3 + len(NOISES)


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
def test_a_link_in_place_of_a_word_is_a_stranger(copy: Path, tmp_path: Path) -> None:
    (copy / "yes").rename(tmp_path / "elsewhere")
    (copy / "yes").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KwsError, match=r"not made here \(yes\)"):
        settings(copy, seed=3).prepare()
    assert len(list((tmp_path / "elsewhere").iterdir())) == 20


def test_what_is_made_is_used_where_nothing_can_be_written(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("kws.synthesis.corpus.FileLock", refuse)
    monkeypatch.setattr("kws.synthesis.corpus.Path.mkdir", refuse)
    assert settings(copy).prepare() == copy
    with pytest.raises(KwsError, match=r"can't be written .*Read-only file system"):
        settings(copy, seed=3).prepare()


def test_a_strangers_clip_does_not_hide_that_one_is_missing(copy: Path) -> None:
    lost = next((copy / "yes").iterdir())
    lost.rename(copy / "yes" / "me_nohash_0.wav")
    with pytest.raises(KwsError, match=r"clips are missing.*\(yes/me_nohash_0\.wav\)"):
        settings(copy).prepare()


def test_there_is_babble_where_all_other_words_are_among_the_words(tmp_path: Path) -> None:
    made = settings(tmp_path / "all", words=OTHER_WORDS, other_words=[])
    assert len(made._job().noise_words) > 3
    assert not set(made._job().noise_words) & set(OTHER_WORDS)
    # The same with a voice that really speaks: as few clips as can be.
    small = settings(tmp_path / "few", words=["yes"], other_words=[], voices=1, takes=1, noise_s=1)
    object.__setattr__(small, "_job", lambda: replace(Synthetic._job(small), noise_words=made._job().noise_words))
    root = small.prepare(progress=False)
    assert level_db(samples(root / "_background_noise_" / "babble.wav")) > -30


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise ValueError('a cannot be empty')", r"failed with status 1; the last that it said: ValueError: a cannot be empty$"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", r"was ended by signal 9 .*the last that it said: nothing$"),
        ("print('{\\'clips', end='', flush=True); raise SystemExit(3)", r"failed with status 3"),
    ],
)
def test_a_worker_that_fails_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str, said: str) -> None:
    popen = subprocess.Popen

    def broken(command: list[str], **given: Any) -> Any:
        return popen([command[0], "-c", code], **given)

    job = settings(tmp_path / "any", voices=1, takes=1)._job()
    monkeypatch.setattr("kws.synthesis.pool.subprocess.Popen", broken)
    with pytest.raises(KwsError, match=said) as error:
        run_jobs(job, tmp_path, 1, progress=False)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "name", ["voices", "takes", "sample_rate", "clip_ms", "noise_s", "room_probability", "noise_floor_db", "seed"]
)
@pytest.mark.parametrize("value", ["abc", True, None, float("nan")])
def test_numbers_that_are_none_are_named(tmp_path: Path, name: str, value: Any) -> None:
    with pytest.raises(KwsError, match=rf"^{name}: .* (given|expected)"):
        settings(tmp_path / "corpus", **{name: value})


def test_an_engine_that_can_not_start_leaves_the_process_free(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kws.synthesis.espeak._in_lower_case", full)
    for _ in range(2):
        with pytest.raises(KwsError, match=r"can't be laid out .*No space left on device"):
            Engine()
    monkeypatch.setattr("kws.synthesis.espeak.tempfile.TemporaryDirectory", full)
    with pytest.raises(KwsError, match="can't be laid out"):
        Engine()
    monkeypatch.undo()
    with Engine() as engine:
        assert engine.phonemes("yes", "gmw/en")


def test_a_damaged_record_is_named(copy: Path) -> None:
    (copy / RECORD).write_text("{")
    with pytest.raises(KwsError, match=f"{RECORD}: is not a record"):
        settings(copy).prepare()


def test_without_espeak_the_message_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(KwsError, match=r"pip install 'kws\[synthesis\]'"):
        settings(tmp_path / "corpus").prepare()


def test_languages_and_their_accents() -> None:
    assert {"gmw/en", "gmw/en-US", "gmw/en-GB-scotland"} < set(accents("en"))
    assert "gmw/en-Shaw" not in accents("en")
    assert accents("de") == ("gmw/de",)
    assert accents("zh") == ("sit/cmn",)


def test_other_words_leave_out_the_wanted_ones(tmp_path: Path) -> None:
    assert len(OTHER_WORDS) >= 40
    assert set(settings(tmp_path, other_words=None).other_words or ()) == set(OTHER_WORDS) - {"yes", "no"}


def test_a_longer_draw_of_speakers_starts_with_the_shorter() -> None:
    long = draw_speakers(200, accents("en"), ["m1", "m2", "f1", "f2"], 0)
    assert long[:20] == draw_speakers(20, accents("en"), ["m1", "m2", "f1", "f2"], 0)
    assert len({speaker.id for speaker in long}) == 200


def test_one_engine_a_process() -> None:
    with Engine(), pytest.raises(RuntimeError, match="another Engine"):
        Engine()
    with Engine() as engine, pytest.raises(KwsError, match=r"no 'xx/yy\+m1'"):
        engine.say("yes", "xx/yy", "m1", rate_wpm=150, pitch=50, pitch_range=50)
