"""Raw recordings to clips: where they are cut, what is left out, and that no file of the user is lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from kws.audio.cutting import loudest_segment
from kws.audio.io import read_audio
from kws.data.prepare import PrepareSettings, Recording, Report, prepare
from kws.errors import KwsError

RATE_HZ = 16_000
SETTINGS = PrepareSettings()


def word(seed: int = 0, seconds: float = 2.0, at: float = 0.8, sample_rate: int = RATE_HZ) -> NDArray[np.float64]:
    """A 0.3 s burst at a place in faint noise, (samples,) within -0.5..0.5."""
    rng = np.random.default_rng(seed)
    sound = 1e-3 * rng.standard_normal(round(seconds * sample_rate))
    burst = sound[round(at * sample_rate) : round((at + 0.3) * sample_rate)]
    burst += 0.3 * np.sin(2 * np.pi * (300 + 50 * seed) * np.arange(burst.size) / sample_rate)
    return sound


def record(path: Path, sound: NDArray[np.float64] | NDArray[np.int16], sample_rate: int = RATE_HZ) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, sound, sample_rate)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    record(folder / "yes" / "anna_nohash_0.wav", word(0))
    record(folder / "yes" / "ben_nohash_0.flac", np.stack([word(1, sample_rate=44_100)] * 2, axis=1), 44_100)
    record(folder / "no" / "anna_nohash_0.ogg", word(2))
    return folder


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def outcomes(report: Report) -> dict[str, str]:
    return {recording.source: recording.outcome for recording in report.recordings}


def reason(report: Report, source: str) -> str:
    return next(recording.reason for recording in report.recordings if recording.source == source)


def test_clips_are_one_second_of_the_word(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    report = prepare(source, out, SETTINGS)
    assert files(out) == ["no/anna_nohash_0.wav", "yes/anna_nohash_0.wav", "yes/ben_nohash_0.wav"]
    for name in files(out):
        info = soundfile.info(out / name)
        assert (info.samplerate, info.channels, info.frames, info.subtype) == (RATE_HZ, 1, RATE_HZ, "PCM_16")
        loud = np.flatnonzero(np.abs(read_audio(out / name, RATE_HZ).astype(int)) > 3000)
        assert 4600 < loud[-1] - loud[0] < 4900  # the whole 0.3 s
    assert set(outcomes(report).values()) == {"kept"}
    assert report.kept == 3
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_other_lengths_and_rates(source: Path, tmp_path: Path) -> None:
    prepare(source, tmp_path / "out", PrepareSettings(sample_rate=8000, clip_ms=500))
    info = soundfile.info(tmp_path / "out" / "yes" / "ben_nohash_0.wav")
    assert (info.samplerate, info.frames) == (8000, 4000)


def test_what_is_left_out_is_named_with_its_reason(source: Path, tmp_path: Path) -> None:
    record(source / "no" / "brief.wav", word(3)[:1600])
    record(source / "no" / "quiet.wav", 1e-4 * word(4))
    record(source / "no" / "loud.wav", np.clip(20 * word(5), -1, 1))
    record(source / "no" / "twin.flac", read_audio(source / "yes" / "anna_nohash_0.wav", RATE_HZ))
    (source / "no" / "text.wav").write_text("no sound")
    (source / "no" / "phone.m4a").write_bytes(b"\0\0\0\x20ftypM4A ")
    (source / "no" / ".hidden.wav").write_text("no sound")
    (source / "no" / "gone.wav").symlink_to(tmp_path / "gone.wav")
    report = prepare(source, tmp_path / "out", SETTINGS)
    # Words come in the order of their names: no before yes.
    assert outcomes(report) == {
        "no/anna_nohash_0.ogg": "kept",
        "no/brief.wav": "short",
        "no/gone.wav": "unreadable",
        "no/loud.wav": "kept",
        "no/phone.m4a": "unreadable",
        "no/quiet.wav": "silent",
        "no/text.wav": "unreadable",
        "no/twin.flac": "kept",
        "yes/anna_nohash_0.wav": "duplicate",
        "yes/ben_nohash_0.flac": "kept",
    }
    assert reason(report, "yes/anna_nohash_0.wav") == "the same sound as no/twin.flac"
    assert reason(report, "no/brief.wav") == "lasts 100 ms, 200 or more expected"
    assert "dBFS" in reason(report, "no/quiet.wav")
    assert reason(report, "no/text.wav").startswith("can't be read as sound")
    assert "'.m4a' is not the ending" in reason(report, "no/phone.m4a")
    assert "at full scale" in reason(report, "no/loud.wav")
    assert [recording.source for recording in report.recordings if recording.clipped] == ["no/loud.wav"]
    assert files(tmp_path / "out") == sorted(recording.written for recording in report.recordings if recording.written)


def test_names_that_would_clash(source: Path, tmp_path: Path) -> None:
    record(source / "yes" / "anna_nohash_0.flac", word(7))
    prepare(source, tmp_path / "out", SETTINGS)
    assert "yes/anna_nohash_0-flac.wav" in files(tmp_path / "out")
    np.testing.assert_array_equal(
        read_audio(tmp_path / "out/yes/anna_nohash_0.wav", RATE_HZ),
        loudest_segment(read_audio(source / "yes/anna_nohash_0.wav", RATE_HZ), RATE_HZ),
    )


def test_background_noise_is_converted_whole(source: Path, tmp_path: Path) -> None:
    record(source / "_background_noise_" / "hum.wav", 1e-4 * word(8, seconds=3.0, sample_rate=48_000), 48_000)
    prepare(source, tmp_path / "out", SETTINGS)
    assert soundfile.info(tmp_path / "out/_background_noise_/hum.wav").frames == 48_000


def test_what_is_no_recording_is_named(source: Path, tmp_path: Path) -> None:
    record(source / "stray.wav", word(1))
    record(source / "_junk" / "a.wav", word(1))
    record(source / "yes" / "more" / "a.wav", word(1))
    (source / "later").mkdir()
    report = prepare(source, tmp_path / "out", SETTINGS)
    assert [entry.split(":")[0] for entry in report.ignored] == ["_junk", "stray.wav", "yes/more"]
    assert report.empty_words == ("later",)
    assert len(files(tmp_path / "out")) == 3


def test_two_runs_agree(source: Path, tmp_path: Path) -> None:
    first, second = (prepare(source, tmp_path / name, SETTINGS) for name in ("a", "b"))
    assert first == second
    for name in files(tmp_path / "a"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


# What must not be lost


def test_a_folder_in_use_is_refused_and_force_moves_it_aside(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for content in ("first", "second"):
        out.mkdir(exist_ok=True)
        (out / "mine.txt").write_text(content)
        with pytest.raises(KwsError, match="out: is not empty"):
            prepare(source, out, SETTINGS)
        report = prepare(source, out, SETTINGS, force=True)
        assert report.previous is not None
        assert (report.previous / "mine.txt").read_text() == content
        assert len(files(out)) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out", "out.old-1", "out.old-2"]


def test_an_empty_folder_is_filled(source: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert prepare(source, tmp_path / "out", SETTINGS).previous is None
    assert len(files(tmp_path / "out")) == 3


@pytest.mark.parametrize("place", ["in", "in/out", "in/yes", ".", "link"])
def test_out_in_or_around_the_recordings_is_refused(source: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / "link").symlink_to(source)
    before = files(tmp_path)
    with pytest.raises(KwsError, match="OUT can't be IN"):
        prepare(source, tmp_path / place, SETTINGS, force=True)
    assert files(tmp_path) == before


def test_a_file_at_out_is_refused(source: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(KwsError, match="is a file"):
        prepare(source, tmp_path / "out", SETTINGS, force=True)


def test_a_failure_on_the_way_leaves_nothing(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device", "disk")

    monkeypatch.setattr("kws.data.prepare.write_wav", full_disk)
    with pytest.raises(KwsError, match="disk: can't be written: No space left"):
        prepare(source, tmp_path / "out", SETTINGS)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_failure_at_the_end_puts_the_old_folder_back(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, rename = tmp_path / "out", Path.rename
    out.mkdir()
    (out / "mine.txt").write_text("mine")

    def rename_nothing_made(path: Path, target: Path) -> Path:
        if path.suffix == ".part":
            raise OSError(5, "Input/output error", str(path))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", rename_nothing_made)
    with pytest.raises(KwsError, match="Input/output error"):
        prepare(source, out, SETTINGS, force=True)
    assert files(out) == ["mine.txt"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]


def test_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(KwsError, match="none: can't be listed: No such file"):
        prepare(tmp_path / "none", tmp_path / "out", SETTINGS)
    (tmp_path / "in" / "yes").mkdir(parents=True)
    with pytest.raises(KwsError, match="in: holds no recordings"):
        prepare(tmp_path / "in", tmp_path / "out", SETTINGS)
    record(tmp_path / "flat" / "a.wav", word())
    with pytest.raises(KwsError, match="flat: holds no recordings; put those of each word in its folder"):
        prepare(tmp_path / "flat", tmp_path / "out", SETTINGS)


def test_recording_paths_are_relative(source: Path, tmp_path: Path) -> None:
    report = prepare(source, tmp_path / "out", SETTINGS)
    assert report.recordings[0] == Recording("no", "no/anna_nohash_0.ogg", "kept", "no/anna_nohash_0.wav", cut=True)
