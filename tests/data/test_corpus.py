"""The pack: what is in it, when it is made anew, and what may go wrong meanwhile."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from collections import namedtuple
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from kws.audio.io import Sound, read_audio, read_sound_file, write_wav
from kws.data import corpus as corpus_module
from kws.data.corpus import Corpus, open_corpus
from kws.errors import KwsError

RATE_HZ, SAMPLES = 16_000, 800


def noise(seed: int, samples: int = SAMPLES) -> NDArray[np.int16]:
    return np.random.default_rng(seed).integers(-30000, 30000, samples).astype(np.int16)


def add(root: Path, name: str, samples: NDArray[np.int16], sample_rate: int = RATE_HZ) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    write_wav(path, samples, sample_rate)
    return path


def opened(root: Path, **settings: object) -> Corpus:
    return open_corpus(root, RATE_HZ, SAMPLES, progress=False, **settings)  # type: ignore[arg-type]


def packs(folder: Path) -> list[Path]:
    return sorted(folder.rglob("pack-*"))


def written(pack: Path) -> int:
    return (pack / "clips.int16").stat().st_mtime_ns


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_dir() and path.name.startswith("building-")]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A clip of just the length, a long one and a short one, and things that are no clips."""
    folder = tmp_path / "words"
    add(folder, "yes/b_nohash_0.wav", noise(0))
    add(folder, "yes/a_nohash_0.wav", noise(1, 1000))
    add(folder, "no/a_nohash_0.WAV", noise(2, 300))
    add(folder, "_background_noise_/hum.wav", noise(3))
    add(folder, ".hidden/x.wav", noise(4))
    add(folder, "yes/.half.wav", noise(5))
    (folder / "yes" / "notes.txt").write_text("not sound")
    (folder / "README.md").write_text("words")
    return folder


# What is in it


def test_clips_are_bit_exact_cut_or_padded_at_their_end(root: Path) -> None:
    corpus = opened(root)
    assert corpus.names == ("no/a_nohash_0.WAV", "yes/a_nohash_0.wav", "yes/b_nohash_0.wav")
    assert corpus.words == ["no", "yes", "yes"]
    assert (corpus.clips.shape, corpus.clips.dtype) == ((3, SAMPLES), np.int16)
    np.testing.assert_array_equal(corpus.clips[0], np.concatenate([noise(2, 300), np.zeros(500, np.int16)]))
    np.testing.assert_array_equal(corpus.clips[1], noise(1, 1000)[:SAMPLES])
    np.testing.assert_array_equal(corpus.clips[2], noise(0))


def test_clips_can_only_be_read(root: Path) -> None:
    with pytest.raises(ValueError, match="read-only"):
        opened(root).clips[0, 0] = 1


def test_reads_by_index_with_silence_below_zero(root: Path) -> None:
    sound = opened(root).read(np.array([2, -1, 0, 2]))
    np.testing.assert_array_equal(sound[[0, 3]], np.stack([noise(0)] * 2))
    assert not sound[1].any()
    np.testing.assert_array_equal(sound[2, :300], noise(2, 300))
    sound[0] = 0  # a copy: the pack is not touched
    np.testing.assert_array_equal(opened(root).clips[2], noise(0))


@pytest.mark.parametrize(("subtype", "suffix"), [("PCM_24", "wav"), ("FLOAT", "wav"), ("PCM_16", "flac")])
def test_other_formats_are_accepted(tmp_path: Path, subtype: str, suffix: str) -> None:
    path = add(tmp_path, "yes/a.wav", noise(0)).with_suffix(f".{suffix}")
    soundfile.write(path, noise(0) / 32768, RATE_HZ, subtype=subtype)
    np.testing.assert_array_equal(opened(tmp_path).clips[-1], noise(0))


def test_stereo_is_mixed_down(tmp_path: Path) -> None:
    left, right = noise(0) // 2 * 2, noise(1) // 2 * 2
    path = add(tmp_path, "yes/a.wav", noise(0))
    soundfile.write(path, np.stack([left, right], axis=1), RATE_HZ)
    mean = (left.astype(np.int32) + right) // 2
    np.testing.assert_array_equal(opened(tmp_path).clips[0], mean)


def test_another_rate_is_resampled_to_the_same_duration(tmp_path: Path) -> None:
    time_s = np.arange(400) / 8000
    path = add(tmp_path, "yes/a.wav", np.rint(10000 * np.sin(2 * np.pi * 500 * time_s)).astype(np.int16), 8000)
    clip = opened(tmp_path).clips[0]
    np.testing.assert_array_equal(clip, read_audio(path, RATE_HZ)[:SAMPLES])
    expected = 10000 * np.sin(2 * np.pi * 500 * np.arange(SAMPLES) / RATE_HZ)
    np.testing.assert_allclose(clip[100:-100], expected[100:-100], atol=200)


def test_another_rate_is_refused_by_name_where_asked(root: Path) -> None:
    add(root, "yes/slow.wav", noise(0), 8000)
    with pytest.raises(KwsError, match=r"1 of 4 clips can't be used; .*\n.*slow\.wav: its rate is 8000 Hz, 16000 Hz expected"):
        opened(root, resample=False)
    assert opened(root).clips.shape == (4, SAMPLES)


# When it is made


def test_the_second_opening_does_not_pack_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = opened(root)
    (pack,) = packs(root)
    stamp = written(pack)
    monkeypatch.setattr(corpus_module, "read_sound_file", lambda *_, **__: pytest.fail("read a clip again"))
    second = opened(root)
    assert packs(root) == [pack]
    assert written(pack) == stamp
    assert second.names == first.names
    np.testing.assert_array_equal(second.clips, first.clips)


def change_in_place(root: Path) -> None:
    path = add(root, "yes/a_nohash_0.wav", noise(9, 1000))
    os.utime(path, ns=(1, 1))  # same size, another time


def grow(root: Path) -> None:
    path = root / "yes" / "a_nohash_0.wav"
    times = path.stat()
    write_wav(path, noise(9, 1001), RATE_HZ)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # same time, another size


def add_one(root: Path) -> None:
    add(root, "yes/c_nohash_0.wav", noise(9))


def remove_one(root: Path) -> None:
    (root / "yes" / "a_nohash_0.wav").unlink()


def rename_one(root: Path) -> None:
    (root / "yes" / "a_nohash_0.wav").rename(root / "no" / "z_nohash_0.wav")


@pytest.mark.parametrize("change", [change_in_place, grow, add_one, remove_one, rename_one])
def test_a_change_makes_a_new_pack_and_removes_the_old(root: Path, change: object) -> None:
    opened(root)
    (old,) = packs(root)
    change(root)  # type: ignore[operator]
    corpus = opened(root)
    (new,) = packs(root)
    assert new != old
    assert len(corpus.names) == len(corpus.clips)
    for name, clip in zip(corpus.names, corpus.clips, strict=True):
        expected = read_audio(root / name, RATE_HZ)[:SAMPLES]
        np.testing.assert_array_equal(clip[: len(expected)], expected)
        assert not clip[len(expected) :].any()


def test_changes_that_are_no_clips_change_nothing(root: Path) -> None:
    opened(root)
    (pack,) = packs(root)
    stamp = written(pack)
    add(root, "_background_noise_/more.wav", noise(6))
    (root / "yes" / "notes.txt").write_text("other notes")
    opened(root)
    assert packs(root) == [pack]
    assert written(pack) == stamp


def test_packs_of_other_shapes_live_side_by_side(root: Path) -> None:
    opened(root)
    short = open_corpus(root, RATE_HZ, 500, progress=False)
    opened(root, resample=False)
    assert len(packs(root)) == 3
    np.testing.assert_array_equal(short.clips, opened(root).clips[:, :500])
    assert len(packs(root)) == 3


def test_cache_dir_keeps_the_data_folder_clean_and_folders_apart(root: Path, tmp_path: Path) -> None:
    cache, other = tmp_path / "cache" / "deep", tmp_path / "elsewhere" / "words"
    add(other, "yes/b_nohash_0.wav", noise(7))
    before = sorted(root.rglob("*"))
    opened(root, cache_dir=cache)
    opened(other, cache_dir=cache)
    assert sorted(root.rglob("*")) == before
    assert len(packs(cache)) == 2  # both folders are called words
    np.testing.assert_array_equal(opened(root, cache_dir=cache).clips[2], noise(0))


def test_order_of_names_is_not_the_file_systems(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = opened(root)
    scandir = os.scandir
    listed = []

    def backwards(path: str | Path) -> list[os.DirEntry[str]]:
        listed.append(path)
        return sorted(scandir(path), key=lambda entry: entry.name, reverse=True)

    monkeypatch.setattr(os, "scandir", backwards)
    second = opened(root)
    monkeypatch.undo()
    assert len(listed) == 4  # the folder, two words, and the noise
    assert second.names == first.names
    assert len(packs(root)) == 1


def open_slowly(root: str, start: Barrier, answers: Queue[tuple[tuple[str, ...], int, int]]) -> None:
    """For a process of its own: names, sum of the samples, and how many clips were read."""
    reads = []

    def read(path: Path, sample_rate: int, *, resample: bool) -> Sound:
        reads.append(path)
        time.sleep(0.02)
        return read_sound_file(path, sample_rate, resample=resample)

    corpus_module.read_sound_file = read
    start.wait(60)
    corpus = opened(Path(root))
    answers.put((corpus.names, int(corpus.clips.astype(np.int64).sum()), len(reads)))


def test_two_processes_at_once_make_one_pack(root: Path) -> None:
    for number in range(20):
        add(root, f"yes/{number:04d}_nohash_0.wav", noise(number))
    spawn = multiprocessing.get_context("spawn")
    start, answers = spawn.Barrier(2), spawn.Queue()
    processes = [spawn.Process(target=open_slowly, args=(str(root), start, answers)) for _ in range(2)]
    for process in processes:
        process.start()
    first, second = (answers.get(timeout=60) for _ in processes)
    for process in processes:
        process.join(60)
    assert first[:2] == second[:2]
    assert len(first[0]) == 23
    assert sorted((first[2], second[2])) == [0, 23]
    assert len(packs(root)) == 1
    assert not leftovers(root)


# What may go wrong


def test_an_interrupted_build_does_not_trouble_the_next(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0

    def interrupted(path: Path, sample_rate: int, *, resample: bool) -> Sound:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return read_sound_file(path, sample_rate, resample=resample)

    monkeypatch.setattr(corpus_module, "read_sound_file", interrupted)
    with pytest.raises(KeyboardInterrupt):
        opened(root)
    assert not packs(root)
    assert not leftovers(root)
    monkeypatch.undo()
    np.testing.assert_array_equal(opened(root).clips[2], noise(0))


KILLED = """
import os, signal, sys
from pathlib import Path
from kws.data import corpus
corpus.Path.rename = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # all is written, but not in place yet
corpus.open_corpus(Path(sys.argv[1]), 16000, 800, progress=False)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs SIGKILL")
def test_a_killed_build_does_not_trouble_the_next_nor_keep_its_space(root: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(root)], check=False)
    assert done.returncode == -9
    assert leftovers(root)
    np.testing.assert_array_equal(opened(root).clips[2], noise(0))
    assert not leftovers(root)
    assert len(packs(root)) == 1


def test_a_pack_cut_off_by_a_crash_is_made_anew(root: Path) -> None:
    opened(root)
    (pack,) = packs(root)
    with (pack / "clips.int16").open("r+b") as file:
        file.truncate(100)
    np.testing.assert_array_equal(opened(root).clips[2], noise(0))


def test_all_unreadable_files_are_named_in_one_error(root: Path) -> None:
    truncated = add(root, "yes/truncated.wav", noise(6, 1000))
    truncated.write_bytes(truncated.read_bytes()[:-500])
    (root / "no" / "text.wav").write_text("this is not sound, whatever its name says\n" * 20)
    (root / "no" / "empty.wav").touch()
    add(root, "no/headonly.wav", noise(6, 0))
    (root / "no" / "gone.wav").symlink_to(root / "nowhere.wav")
    with pytest.raises(KwsError, match=r"words: 5 of 8 clips can't be used; mend or remove them:") as caught:
        opened(root)
    for name in ("yes/truncated.wav", "no/text.wav", "no/empty.wav", "no/headonly.wav", "no/gone.wav"):
        assert f"{root / name}: " in str(caught.value)
    assert not packs(root)
    assert not leftovers(root)


def test_of_many_unreadable_files_the_first_are_named_and_the_rest_counted(root: Path) -> None:
    for number in range(15):
        (root / "no" / f"{number:02d}.wav").touch()
    with pytest.raises(KwsError, match=r"15 of 18 clips") as caught:
        opened(root)
    message = str(caught.value)
    assert "no/00.wav" in message
    assert "no/09.wav" in message
    assert "no/10.wav" not in message
    assert message.endswith("… and 5 more")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(KwsError, match=r"nowhere: no such folder"):
        opened(tmp_path / "nowhere")


@pytest.mark.parametrize("content", ["nothing", "top level", "noise only", "other files"])
def test_a_folder_without_clips_is_named_with_what_is_expected(tmp_path: Path, content: str) -> None:
    if content == "top level":
        add(tmp_path, "a.wav", noise(0))
    elif content == "noise only":
        add(tmp_path, "_background_noise_/a.wav", noise(0))
    elif content == "other files":
        (tmp_path / "yes").mkdir()
        (tmp_path / "yes" / "a.txt").touch()
    with pytest.raises(KwsError, match=r"holds no clips; it needs one folder a word with sound files \(.*\.wav"):
        opened(tmp_path)


Usage = namedtuple("Usage", "total used free")


def test_a_disk_too_small_is_said_before_packing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = Usage(10**9, 10**9 - 4799, 4799)  # three clips of 1600 bytes are 4800
    monkeypatch.setattr(corpus_module.shutil, "disk_usage", lambda _: usage)
    monkeypatch.setattr(corpus_module, "read_sound_file", lambda *_, **__: pytest.fail("began to pack"))
    with pytest.raises(KwsError, match=rf"{root / '.kws-cache'}: the disk is full; .* data\.cache_dir"):
        opened(root)
    assert not packs(root)
    monkeypatch.undo()
    monkeypatch.setattr(corpus_module.shutil, "disk_usage", lambda _: Usage(10**9, 10**9 - 4800, 4800))
    assert len(opened(root).clips) == 3


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_that_fills_while_packing_is_said(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mkdir = Path.mkdir

    def full(folder: Path, *args: Any, **settings: Any) -> None:
        mkdir(folder, *args, **settings)
        if folder.name.startswith("building-"):
            (folder / "clips.int16").symlink_to("/dev/full")

    monkeypatch.setattr(corpus_module.Path, "mkdir", full)
    with pytest.raises(KwsError, match=rf"{root / '.kws-cache'}: the disk is full; .* takes 0 MB.*data\.cache_dir"):
        opened(root)
    assert not packs(root)
    assert not leftovers(root)
    monkeypatch.undo()
    np.testing.assert_array_equal(opened(root).clips[2], noise(0))


def test_a_cache_folder_that_is_a_file_is_named(root: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(KwsError, match=r"cache/words-\w+: the corpus can't be packed there .*data\.cache_dir"):
        opened(root, cache_dir=tmp_path / "cache")


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(30, "Read-only file system")])
def test_a_cache_folder_that_cannot_be_written_is_named(root: Path, monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(corpus_module.Path, "mkdir", refuse)
    with pytest.raises(KwsError, match=rf"\.kws-cache: can't be written \({error.strerror}\), .*set data\.cache_dir"):
        opened(root)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_data_folder_is_named(root: Path) -> None:
    root.chmod(0o555)
    try:
        with pytest.raises(KwsError, match=r"can't be written .*data\.cache_dir"):
            opened(root)
    finally:
        root.chmod(0o755)


def test_a_word_folder_that_cannot_be_listed_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def refuse(path: str | Path) -> object:
        if Path(path).name == "yes":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(KwsError, match=r"words.*can't be .*Permission denied"):
        opened(root)


MEMORY = """
import sys
from pathlib import Path
import numpy as np
from kws.data.corpus import open_corpus

def private_kib():
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(("Private_Dirty", "Anonymous")))

before = private_kib()
corpus = open_corpus(Path(sys.argv[1]), 16000, 800, progress=False)
total = int(np.abs(corpus.clips[:, 0]).max())
print(corpus.clips.nbytes // 1024, private_kib() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs Linux")
def test_opening_a_pack_takes_no_memory_of_its_own(root: Path) -> None:
    opened(root)
    (pack,) = packs(root)
    # The same clips as one of 100 MB, without the files: the pack's own size is what would be read into memory.
    code = MEMORY.replace("800", str(SAMPLES * 20_000))
    big = pack.with_name(pack.name.replace("-800-", f"-{SAMPLES * 20_000}-"))
    shutil.copytree(pack, big)
    script = code.replace("corpus = ", "import kws.data.corpus as module\nmodule._build = build\ncorpus = ")
    build = f"""
def build(root, names, pack, sample_rate, samples, *rest):
    pack.mkdir()
    with (pack / "clips.int16").open("wb") as file:
        file.truncate(len(names) * {SAMPLES * 20_000} * 2)
"""
    done = subprocess.run([sys.executable, "-c", build + script, str(root)], check=True, capture_output=True, text=True)
    size_kib, grown_kib = map(int, done.stdout.split())
    assert size_kib > 90_000
    assert grown_kib < 10_000
