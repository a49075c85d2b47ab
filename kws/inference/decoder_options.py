"""The decoder's settings as keyword arguments, in place of a model's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TypedDict

from kws.errors import InputError
from kws.inference.model import Model
from kws.inference.stream_model import StreamModel
from kws.streaming.decoder_settings import DecoderSettings
from kws.streaming.scorer import fits_stride


class DecoderOptions(TypedDict, total=False):
    """Settings beside the threshold; `kws.streaming.DecoderSettings` says what each means."""

    average_window_ms: int
    suppression_ms: int
    minimum_count: int
    stride_ms: int
    word_thresholds: Mapping[str, float]
    consecutive_windows: int
    release_threshold: float | None
    repeat_words: bool
    repeat_held_ms: int | None


def model_settings(model: Model) -> DecoderSettings:
    """The model's own settings; their stride is that of a streaming artefact, where it is one, in whole milliseconds."""
    settings = model.metadata.decoder
    if isinstance(model, StreamModel) and not fits_stride(settings.stride_ms, model.scorer()):
        return replace(settings, stride_ms=max(round(1000 * model.layout.stride_samples / model.spec.sample_rate), 1))
    return settings


def changed_settings(settings: DecoderSettings, threshold: float | None, options: DecoderOptions) -> DecoderSettings:
    """The settings with a threshold, unless it is None, and with what the options say.

    Raises:
        InputError: a name that is no setting, or a value that a setting does not take.
    """
    known = [field.name for field in fields(DecoderSettings)]
    unknown = [name for name in options if name not in known]
    if unknown:
        raise InputError(f"{', '.join(unknown)}: no setting of the decoder; {', '.join(known)} are known")
    changed = replace(settings, **options)
    return changed if threshold is None else replace(changed, threshold=threshold)
