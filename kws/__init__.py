"""kws: train small networks to hear a few words, and spot those words in sound."""

from __future__ import annotations

import importlib
import warnings
from typing import TYPE_CHECKING, Any

from kws.files.version import VERSION as __version__

if TYPE_CHECKING:
    from pathlib import Path

    from kws.errors import KwsError as KwsError
    from kws.inference.keyword_model import KeywordModel as KeywordModel
    from kws.inference.keyword_model import load_model as load_model
    from kws.inference.keyword_spotter import KeywordSpotter as KeywordSpotter
    from kws.inference.model import Model
    from kws.inference.prediction import Prediction as Prediction
    from kws.inference.spotting import spot as spot
    from kws.models.registry import create_model as create_model
    from kws.models.registry import list_models as list_models
    from kws.streaming.events import Detection as Detection

__all__ = [
    "Detection",
    "KeywordModel",
    "KeywordSpotter",
    "KwsError",
    "Prediction",
    "__version__",
    "create_model",
    "list_models",
    "load_model",
    "spot",
]
# Where each name is; `import kws` stays light, for a module is imported only when its name is asked for.
_MODULES = {
    "Detection": "kws.streaming.events",
    "KeywordModel": "kws.inference.keyword_model",
    "KeywordSpotter": "kws.inference.keyword_spotter",
    "KwsError": "kws.errors",
    "Prediction": "kws.inference.prediction",
    "create_model": "kws.models.registry",
    "list_models": "kws.models.registry",
    "load_model": "kws.inference.keyword_model",
    "spot": "kws.inference.spotting",
}


def load(path: str | Path, threads: int | None = None) -> Model:
    """Load a model as version 0.1.0 did; `load_model` takes its place, and this goes with the next version."""
    from kws.inference.loading import load

    warnings.warn(
        "kws.load: goes with the next version; kws.load_model loads the same files, and gives a KeywordModel",
        DeprecationWarning,
        stacklevel=2,
    )
    return load(path, threads)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'kws' has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    # So that completion by tab finds what is imported only when it is asked for.
    return sorted({*globals(), *__all__})
