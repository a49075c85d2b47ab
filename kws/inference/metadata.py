"""A model's metadata: labels, framing, features, decoder settings, where it came from. No torch here."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from kws.audio.framing import START, FeatureSpec
from kws.errors import KwsError
from kws.files.version import VERSION
from kws.labels import LabelSet
from kws.streaming.decoder_settings import DecoderSettings
from kws.streaming.scorer import StreamLayout

# Incremented when an older reader would misread the new format.
FORMAT = 1
# Name of the metadata entry in every kind of exported file.
METADATA_KEY = "kws"
# Name of a checkpoint's entry with labels and settings.
CHECKPOINT_KEY = "kws"


@dataclass(frozen=True)
class Metadata:
    """A model's description of itself; it travels as JSON inside every exported model.

    Attributes:
        labels: the label set, in the order of the scores.
        spec: rate, length and framing of the clips.
        features, model: the front end and the network, as the configuration names them.
        decoder: settings of the streaming decoder.
        training: where the weights came from (checkpoint, its SHA-256, steps).
        version: of the kws that wrote it.
        streaming: how a streaming model is driven; None: it takes whole clips.
        temperature: what the logits were divided by before the softmax, inside the exported model; 1: never calibrated.
    """

    labels: LabelSet
    spec: FeatureSpec
    features: Mapping[str, Any]
    model: Mapping[str, Any]
    decoder: DecoderSettings = field(default_factory=DecoderSettings)
    training: Mapping[str, Any] = field(default_factory=dict)
    version: str = VERSION
    streaming: StreamLayout | None = None
    temperature: float = 1.0

    def with_decoder(self, decoder: DecoderSettings) -> Metadata:
        """Return the same metadata with other decoder settings."""
        return replace(self, decoder=decoder)

    def to_json(self) -> str:
        """Return the metadata as one JSON object."""
        content = {
            "format": FORMAT,
            "kws_version": self.version,
            "labels": list(self.labels.names),
            "sound": _sound(self.spec),
            "features": dict(self.features),
            "model": dict(self.model),
            "decoder": self.decoder.to_dict(),
            "training": dict(self.training),
            "temperature": self.temperature,
        }
        if self.streaming is not None:
            content["streaming"] = self.streaming.to_dict()
        return json.dumps(content, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str | bytes, name: str) -> Metadata:
        """Read what `to_json` wrote.

        Args:
            text: the JSON.
            name: of the file it was in, for errors.

        Raises:
            KwsError: no such JSON, or of a format that this version does not know.
        """
        if not text:
            raise KwsError(f"{name}: carries no kws metadata, so its labels are unknown; export it with `kws export`")
        try:
            content = json.loads(text)
            found = int(content["format"])
        except (ValueError, KeyError, TypeError) as error:
            raise KwsError(f"{name}: its kws metadata can't be read ({error!r}); export it again with `kws export`") from error
        if found != FORMAT:
            raise KwsError(
                f"{name}: was written in format {found} by kws {content.get('kws_version', '?')}; this kws {VERSION} reads"
                f" format {FORMAT}. Update kws, or export the checkpoint again with this version"
            )
        try:
            return cls(
                LabelSet(content["labels"][2:]),
                _spec(content["sound"]),
                content["features"],
                content["model"],
                DecoderSettings.from_dict(content["decoder"]),
                content["training"],
                content["kws_version"],
                StreamLayout.from_dict(content["streaming"]) if "streaming" in content else None,
                # Absent from files of earlier versions.
                checked_temperature(content.get("temperature", 1.0), name),
            )
        except (KeyError, TypeError) as error:
            raise KwsError(f"{name}: its kws metadata lacks or misstates {error}; export it again with `kws export`") from error


def _spec(sound: Mapping[str, Any]) -> FeatureSpec:
    lengths = {name: sound[name] for name in ("clip_ms", "window_ms", "hop_ms")}
    return FeatureSpec(sound["rate_hz"], **lengths, fit=sound.get("fit", START))  # `fit`: absent from earlier files


def _sound(spec: FeatureSpec) -> dict[str, Any]:
    # Format 1 calls the sample rate `rate_hz`; programs on phones and pages read it so.
    lengths = {name: value for name, value in asdict(spec).items() if name != "sample_rate"}
    return {"rate_hz": spec.sample_rate, **lengths, "clip_samples": spec.samples}


def checked_temperature(temperature: Any, name: str) -> float:
    """Return a temperature that is a finite number above 0.

    Raises:
        KwsError: it is not; `name` says where it was found.
    """
    if isinstance(temperature, bool) or not isinstance(temperature, (int, float)) or not 0 < temperature < math.inf:
        raise KwsError(f"{name}: its temperature is {temperature!r}; a number above 0 is expected; calibrate it again")
    return float(temperature)
