"""Keywords in a whole recording."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kws.inference.decoder_options import changed_settings, model_settings
from kws.inference.keyword_model import AnyModel, as_keyword_model, read_any
from kws.inference.loading import open_scorer
from kws.inference.model import Model, Scores
from kws.streaming.decoder_settings import DecoderSettings
from kws.streaming.events import Detection
from kws.streaming.live_session import feed
from kws.streaming.recorder import Gap, blocks_of, read_gaps
from kws.streaming.spotter import Spotter

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from kws.inference.decoder_options import DecoderOptions

# Samples, and how many were lost before them.
Piece = tuple[NDArray[np.int16], int]


def spot(
    sound: str | Path | ArrayLike,
    model: AnyModel,
    threshold: float | None = None,
    *,
    sample_rate: int | None = None,
    **settings: Unpack[DecoderOptions],
) -> list[Detection]:
    """Find the keywords in a recording of any length, as `kws stream` does.

    Args:
        sound: a sound file, or int16 or float in [-1, 1], (samples,).
        model: what `load_model` gave, or the path of a model.
        threshold: the averaged score above which a keyword is found, 0 to 1; None: the model's own.
        sample_rate: of an array; None: the model's. A file says its own.
        settings: others of the decoder, `kws.streaming.DecoderSettings`, in place of the model's own.

    Returns:
        The detections in the order of time; `_unknown_` is among them, as in TensorFlow's tutorial.

    Raises:
        KwsError: sound, model or settings that can't be used.
    """
    loaded = as_keyword_model(model)
    chosen = changed_settings(model_settings(loaded.loaded), threshold, settings)
    samples = read_any(sound, sample_rate, loaded.spec)
    gaps = read_gaps(Path(sound), loaded.sample_rate) if isinstance(sound, str | Path) else None
    return spot_with_scores(loaded.loaded, samples, chosen, gaps)[0]


def spot_with_scores(
    model: Model,
    samples: NDArray[np.int16],
    settings: DecoderSettings,
    gaps: Sequence[Gap] | None = None,
    watched: Callable[[Iterator[Piece]], Iterable[Piece]] = iter,
    as_original: bool = False,
) -> tuple[list[Detection], NDArray[np.int64], Scores]:
    """Find the keywords in a recording, and score every window of it.

    Args:
        model: what `kws.inference.loading.load` gives.
        samples: int16 (samples,) at the model's rate.
        settings: of the decoder.
        gaps: where sound was lost in a live recording, which is scored as it was live; None: it is no such recording.
        watched: sees every piece of about a second before it is scored.
        as_original: score the windows of the tutorial's tool: those inside the sound, as it is.

    Returns:
        The detections; the start of each window, ms, int64 (windows,); and its scores, float32 (windows, labels).

    Raises:
        KwsError: settings that do not fit the model.
    """
    heard: list[tuple[NDArray[np.int64], Scores]] = []
    scorer = open_scorer(model, settings.stride_ms)
    keep = not as_original
    spotter = Spotter(scorer, settings, lambda times, scores: heard.append((times, scores)), pad_ends=keep, fill_zeros=keep)
    if as_original:
        # Its windows end before the last sample: `audio_data_offset < audio_data_end` in test_streaming_accuracy.cc.
        samples = samples[:-1]
    at_once = model.spec.sample_rate if gaps is None else scorer.stride_samples
    detections: list[Detection] = []
    for piece, lost in watched(blocks_of(samples, gaps or (), model.spec.sample_rate)):
        detections += feed(spotter, piece, lost, at_once)
    return detections + ([] if as_original else spotter.flush()), *_joined(heard, len(model.labels))


def _joined(windows: Sequence[tuple[NDArray[np.int64], Scores]], labels: int) -> tuple[NDArray[np.int64], Scores]:
    # A recording of which all was lost has no windows.
    none = (np.zeros(0, np.int64), np.zeros((0, labels), np.float32))
    times_ms, scores = (np.concatenate(parts) for parts in zip(none, *windows, strict=True))
    return times_ms, scores
