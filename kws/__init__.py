"""kws: train small networks to hear a few words, and spot those words in sound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kws.files.version import VERSION as __version__

if TYPE_CHECKING:
    from kws.inference.loading import load as load

__all__ = ["__version__", "load"]


def __getattr__(name: str) -> Any:
    # `import kws` stays light: what loads a model is imported only when it is asked for.
    if name == "load":
        from kws.inference.loading import load

        return load
    raise AttributeError(f"module 'kws' has no attribute {name!r}")


def __dir__() -> list[str]:
    # So that completion by tab finds what is imported only when it is asked for.
    return sorted({*globals(), *__all__})
