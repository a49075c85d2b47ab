"""Keywords in continuous sound: the spotter in chunks, `spot` over a whole recording, and the decoder's settings as keywords."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sounds import speech

from kws.audio.io import to_float, write_wav
from kws.cli.main import main
from kws.errors import InputError, KwsError
from kws.inference.keyword_model import KeywordModel, load_model
from kws.inference.keyword_spotter import KeywordSpotter
from kws.inference.loading import load, open_scorer
from kws.inference.spotting import spot
from kws.streaming.decoder_settings import DecoderSettings
from kws.streaming.events import Detection
from kws.streaming.recorder import Recorder
from kws.streaming.spotter import Spotter

FOLDER = Path(__file__).parents[1] / "golden" / "version_0_1_0"
KINDS = ["small.ckpt", "small.onnx", "small.pt", "small.stream.onnx"]
RATE_HZ = 4000
# An untrained model is never sure of anything: this finds something all the same.
EASY: dict[str, Any] = {"threshold": 0.0, "average_window_ms": 90, "minimum_count": 1, "suppression_ms": 300}
SOUND = np.rint(32767 * np.concatenate([speech(1.5, RATE_HZ, seed) * level for seed, level in enumerate((1, 0.02, 2))]))
SAMPLES = SOUND.clip(-32768, 32767).astype(np.int16)


@pytest.fixture(scope="module")
def model() -> KeywordModel:
    return load_model(FOLDER / "small.stream.onnx", threads=1)


def in_chunks(spotter: KeywordSpotter, samples: np.ndarray, size: int) -> list[Detection]:
    found = [one for start in range(0, len(samples), size) for one in spotter.process(samples[start : start + size])]
    return found + spotter.flush()


def places(detections: list[Detection]) -> list[tuple[str, float]]:
    return [(found.keyword, found.time) for found in detections]


@pytest.mark.parametrize("name", KINDS)
def test_finds_what_the_library_finds(name: str) -> None:
    raw, spotter = load(FOLDER / name, 1), KeywordSpotter(FOLDER / name, **EASY)
    inner = Spotter(open_scorer(raw, spotter.settings.stride_ms), spotter.settings)
    expected = [*inner.feed(SAMPLES), *inner.flush()]
    assert len(expected) > 2
    assert in_chunks(spotter, SAMPLES, len(SAMPLES)) == expected
    assert (spotter.sample_rate, spotter.labels) == (RATE_HZ, raw.labels)


@pytest.mark.parametrize("size", [1, 7, 400, 4000])
def test_chunks_of_any_size_and_type_find_the_same(model: KeywordModel, size: int) -> None:
    samples = SAMPLES[: 40 * size] if size < 10 else SAMPLES
    expected = KeywordSpotter(model, **EASY)
    found = in_chunks(expected, samples, len(samples))
    for sound in (samples, to_float(samples), to_float(samples).astype(np.float64)):
        assert places(in_chunks(KeywordSpotter(model, **EASY), sound, size)) == places(found)


def test_an_empty_chunk_finds_nothing(model: KeywordModel) -> None:
    spotter = KeywordSpotter(model, **EASY)
    for empty in (np.zeros(0, np.int16), np.zeros(0, np.float32), []):
        assert spotter.process(empty) == []
    assert spotter.flush() == []


def test_reset_and_flush_begin_a_new_stream(model: KeywordModel) -> None:
    spotter = KeywordSpotter(model, **EASY)
    first = in_chunks(spotter, SAMPLES, 400)
    assert in_chunks(spotter, SAMPLES, 400) == first
    spotter.process(SAMPLES[:5000])
    spotter.reset()
    assert in_chunks(spotter, SAMPLES, 400) == first


def test_lost_sound_counts_in_the_times(model: KeywordModel) -> None:
    spotter = KeywordSpotter(model, **EASY)
    assert spotter.skip(RATE_HZ * 10) == []
    assert all(found.time > 9.5 for found in in_chunks(spotter, SAMPLES, 400))
    with pytest.raises(InputError, match="-1 lost samples"):
        spotter.skip(-1)


@pytest.mark.parametrize(
    ("chunk", "said"),
    [
        (np.zeros((10, 1), np.int16), r"shape \(10, 1\) given; one channel"),
        (np.zeros(10, np.int32), "int32 given"),
        (np.full(10, np.nan, np.float32), "NaN or infinite"),
        (b"1234", "given; float"),
        (None, "object given"),
    ],
)
def test_a_chunk_that_is_none_is_refused_and_the_stream_goes_on(model: KeywordModel, chunk: Any, said: str) -> None:
    spotter = KeywordSpotter(model, **EASY)
    found = spotter.process(SAMPLES[:6000])
    with pytest.raises(InputError, match=said) as raised:
        spotter.process(chunk)
    assert isinstance(raised.value, ValueError)
    assert found + in_chunks(spotter, SAMPLES[6000:], 4000) == in_chunks(KeywordSpotter(model, **EASY), SAMPLES, 6000)


def test_settings_take_the_place_of_the_models_own(model: KeywordModel) -> None:
    own = KeywordSpotter(model).settings
    assert own.threshold == model.metadata.decoder.threshold
    changed = KeywordSpotter(model, 0.25, suppression_ms=400, release_threshold=0.1).settings
    assert changed == DecoderSettings(**{**own.to_dict(), "threshold": 0.25, "suppression_ms": 400, "release_threshold": 0.1})
    never = KeywordSpotter(model, **{**EASY, "word_thresholds": dict.fromkeys(model.labels.names, 1.0)})
    assert in_chunks(never, SAMPLES, 4000) == []


def test_settings_that_are_none_are_refused(model: KeywordModel) -> None:
    with pytest.raises(InputError, match=r"treshold: no setting of the decoder; .*threshold, .* are known"):
        KeywordSpotter(model, treshold=0.5)  # type: ignore[call-arg]
    with pytest.raises(InputError, match="threshold: 2 given"):
        KeywordSpotter(model, threshold=2)
    with pytest.raises(KwsError, match="stride of"):
        KeywordSpotter(model, stride_ms=17)


def test_spot_finds_what_the_command_finds(tmp_path: Path, capsys: pytest.CaptureFixture[str], model: KeywordModel) -> None:
    write_wav(tmp_path / "meeting.wav", SAMPLES, RATE_HZ)
    options = [f"--{name.replace('_', '-')}={value}" for name, value in EASY.items()]
    command = ["stream", str(FOLDER / "small.stream.onnx"), str(tmp_path / "meeting.wav"), "--format", "json", *options]
    assert main(command) == 0
    expected = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    found = spot(tmp_path / "meeting.wav", model, **EASY)
    assert [one.to_dict() for one in found] == expected and len(expected) > 2
    assert spot(str(tmp_path / "meeting.wav"), FOLDER / "small.stream.onnx", **EASY) == found
    assert spot(SAMPLES, model.loaded, **EASY) == found
    assert spot(to_float(SAMPLES), model, **EASY) == found
    twice = np.repeat(SAMPLES, 2)
    write_wav(tmp_path / "twice.wav", twice, 2 * RATE_HZ)
    assert spot(twice, model, sample_rate=2 * RATE_HZ, **EASY) == spot(tmp_path / "twice.wav", model, **EASY)


def test_spot_hears_a_live_recording_as_it_was_heard(tmp_path: Path, model: KeywordModel) -> None:
    recorder = Recorder(tmp_path / "live.wav", RATE_HZ, model.labels)
    recorder.hear(SAMPLES[:6000])
    recorder.lose(2000)
    recorder.hear(SAMPLES[6000:])
    recorder.close()
    live = KeywordSpotter(model, **EASY)
    expected = [*live.process(SAMPLES[:6000]), *live.skip(2000), *live.process(SAMPLES[6000:]), *live.flush()]
    assert places(spot(tmp_path / "live.wav", model, **EASY)) == places(expected)


def test_spot_refuses_what_is_no_sound(model: KeywordModel, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one channel"):
        spot(np.zeros((2, 4000), np.int16), model)
    with pytest.raises(InputError, match="says its own rate"):
        spot(tmp_path / "a.wav", model, sample_rate=8000)
    with pytest.raises(KwsError, match=r"a\.wav: can't be read"):
        spot(tmp_path / "a.wav", model)


def test_a_detection_has_the_words_of_the_field() -> None:
    found = Detection("yes", 1230, 0.75)
    assert (found.keyword, found.time) == ("yes", 1.23)
    assert found.to_dict() == {"label": "yes", "time_ms": 1230, "score": 0.75}
