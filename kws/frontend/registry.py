"""Registry of classes by short names, which configurations, checkpoints and exported models use as `name`."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from torch import nn

from kws.errors import KwsError

Settings = Mapping[str, Any]
Kind = TypeVar("Kind", bound=nn.Module)
_Class = TypeVar("_Class", bound=type[nn.Module])


class Registry(Generic[Kind]):
    """Classes by name: a setting `name` selects a registered one, `_target_` any class by its full path.

    Args:
        setting: section of the configuration, for error messages.
        base: class that every entry must derive from.
        base_name: its name in error messages.
        former_settings: maps names of settings in version 0.1.0 to today's names.
    """

    def __init__(self, setting: str, base: type[Kind], base_name: str, former_settings: Mapping[str, str] | None = None) -> None:
        self.setting, self.base, self.base_name = setting, base, base_name
        self.former_settings = dict(former_settings or {})
        self._classes: dict[str, type[Kind]] = {}
        self._paths: dict[str, str] = {}

    def register(self, name: str, former_path: str | None = None) -> Callable[[_Class], _Class]:
        """Return a decorator that registers a class under a name.

        Args:
            name: as configurations and files give it.
            former_path: the class's import path in files of version 0.1.0, if it has moved since.
        """

        def add(decorated: _Class) -> _Class:
            if name in self._classes:
                raise ValueError(f"{self.setting}: the name {name!r} is taken by {self._classes[name].__qualname__}")
            self._classes[name] = decorated  # type: ignore[assignment]
            self._paths[f"{decorated.__module__}.{decorated.__qualname__}"] = name
            if former_path is not None:
                self._paths[former_path] = name
            return decorated

        return add

    def names(self) -> list[str]:
        """List the registered names, sorted."""
        return sorted(self._classes)

    def by_name(self, settings: Settings) -> dict[str, Any]:
        """Return the settings of a registered class in today's form: its name, today's names of its settings.

        Those of a class by another path are returned as they are.
        """
        path = settings.get("_target_")
        name = settings.get("name") if path is None else self._paths.get(str(path))
        if name is None:
            return dict(settings)
        others = {key: value for key, value in settings.items() if key not in ("_target_", "name")}
        return {"name": name, **{self.former_settings.get(key, key): value for key, value in others.items()}}

    def find(self, settings: Settings) -> type[Kind]:
        """Return the class that the settings name.

        Raises:
            KwsError: there is none, or it does not derive from the base class.
        """
        settings = self.by_name(settings)
        name = settings.get("name")
        if "_target_" in settings:
            return self._import(str(settings["_target_"]))
        if name not in self._classes:
            near = difflib.get_close_matches(str(name), self.names(), n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise KwsError(f"{self.setting}.name: {name!r} is not known; {hint}one of {', '.join(self.names())} expected")
        return self._classes[name]

    def create(self, settings: Settings, **sizes: Any) -> Kind:
        """Build the class that the settings name, with their other values as arguments; `sizes` override them.

        Raises:
            KwsError: there is no such class, or its constructor refuses the settings.
        """
        settings = self.by_name(settings)
        found = self.find(settings)
        arguments = {key: value for key, value in settings.items() if key != "name" and not key.startswith("_")}
        try:
            return found(**{**arguments, **sizes})
        except TypeError as error:
            name = settings.get("name", settings.get("_target_"))
            raise KwsError(f"{self.setting}: {error}; {name} does not fit the settings {sorted(arguments)}") from error

    def _import(self, target: str) -> type[Kind]:
        module, _, name = target.rpartition(".")
        try:
            found = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError, ValueError) as error:
            raise KwsError(
                f"{self.setting}._target_: {target!r} can't be imported ({error}); give package.module.Class"
            ) from error
        # A checkpoint names its classes: only a network may be built from it, never an arbitrary function called.
        if not (isinstance(found, type) and issubclass(found, self.base)):
            raise KwsError(f"{self.setting}._target_: {target} is not a {self.base_name}")
        return found
