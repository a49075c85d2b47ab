"""Background noise: where a segment may lie, and what silence sounds like."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kws.audio.io import AudioError, write_wav
from kws.data.background import Background, load_background
from kws.errors import KwsError

RATE_HZ, CLIP = 16_000, 400


def constant(value: int, samples: int) -> NDArray[np.int16]:
    return np.full(samples, value, dtype=np.int16)


def write(root: Path, name: str, samples: NDArray[np.int16], sample_rate: int = RATE_HZ) -> None:
    folder = root / "_background_noise_"
    folder.mkdir(exist_ok=True)
    write_wav(folder / name, samples, sample_rate)


@given(st.lists(st.integers(10, 40), min_size=1, max_size=5), st.integers(1, 10), st.integers(0, 2**32))
def test_segments_lie_inside_one_recording(lengths: list[int], clip: int, seed: int) -> None:
    background = Background.join([constant(number, length) for number, length in enumerate(lengths)])
    starts = background.segments(200, clip, np.random.default_rng(seed))
    sound = background.samples[starts[:, None] + np.arange(clip)]
    assert sound.shape == (200, clip)
    assert (sound == sound[:, :1]).all()


def test_every_place_and_every_recording_is_drawn_evenly() -> None:
    background = Background.join([constant(0, 12), constant(1, 100)])
    starts = background.segments(40_000, 10, np.random.default_rng(0))
    inside = starts[starts < 12]
    assert len(inside) / 40_000 == pytest.approx(0.5, abs=0.02)  # a short recording as often as a long one
    assert np.bincount(inside) / len(inside) == pytest.approx([1 / 3] * 3, abs=0.02)
    assert (starts[starts >= 12].min(), starts[starts >= 12].max()) == (12, 12 + 90)


def test_a_recording_of_a_clips_length_has_one_place() -> None:
    background = Background.join([constant(5, CLIP)])
    assert set(background.segments(50, CLIP, np.random.default_rng(0))) == {0}


def test_silence_is_noise_at_volumes_from_nothing_to_full() -> None:
    noise = np.random.default_rng(1).integers(-32768, 32768, 10 * CLIP).astype(np.int16)
    background = Background.join([noise])
    clips = background.silence_clips(500, CLIP, np.random.default_rng(2))
    assert (clips.shape, clips.dtype) == ((500, CLIP), np.int16)
    # The same draws, taken one by one.
    rng = np.random.default_rng(2)
    starts, volumes = background.segments(500, CLIP, rng), rng.random(500, dtype=np.float32)
    for clip, start, volume in zip(clips, starts, volumes, strict=True):
        np.testing.assert_allclose(clip, noise[start : start + CLIP] * volume, atol=0.51)
    assert volumes.min() < 0.02
    assert volumes.max() > 0.98


def test_the_same_seed_makes_the_same_silence() -> None:
    background = Background.join([np.arange(5 * CLIP, dtype=np.int16)])
    first, again, other = (background.silence_clips(9, CLIP, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_no_silence_clips_is_an_empty_array() -> None:
    assert Background.join([constant(1, CLIP)]).silence_clips(0, CLIP, np.random.default_rng(0)).shape == (0, CLIP)


def test_recordings_are_joined_in_the_order_of_their_names(tmp_path: Path) -> None:
    write(tmp_path, "b.wav", constant(2, 500))
    write(tmp_path, "a.wav", constant(1, 600))
    (tmp_path / "_background_noise_" / "README.md").write_text("noise")
    background = load_background(tmp_path, RATE_HZ, CLIP)
    assert background is not None
    assert (background.starts.tolist(), background.lengths.tolist()) == ([0, 600], [600, 500])
    np.testing.assert_array_equal(background.samples, np.concatenate([constant(1, 600), constant(2, 500)]))


def test_recordings_of_another_rate_are_resampled(tmp_path: Path) -> None:
    write(tmp_path, "a.wav", constant(1000, 300), 8000)
    background = load_background(tmp_path, RATE_HZ, CLIP)
    assert background is not None
    assert background.lengths.tolist() == [600]


def test_no_folder_is_no_background(tmp_path: Path) -> None:
    assert load_background(tmp_path, RATE_HZ, CLIP) is None


def test_a_short_recording_is_named(tmp_path: Path) -> None:
    write(tmp_path, "long.wav", constant(1, 500))
    write(tmp_path, "short.wav", constant(1, CLIP - 1))
    with pytest.raises(KwsError, match=r"short\.wav: 0\.02 s of noise; .* at least as long as a clip \(0\.025 s\)"):
        load_background(tmp_path, RATE_HZ, CLIP)


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "_background_noise_").mkdir()
    with pytest.raises(KwsError, match=r"_background_noise_: holds no sound files; put recordings of noise there, or remove"):
        load_background(tmp_path, RATE_HZ, CLIP)


def test_a_broken_recording_is_named(tmp_path: Path) -> None:
    write(tmp_path, "a.wav", constant(1, 500))
    (tmp_path / "_background_noise_" / "b.wav").write_text("no sound")
    with pytest.raises(AudioError, match=r"b\.wav: can't be read as sound"):
        load_background(tmp_path, RATE_HZ, CLIP)
