"""Reading declarations (TOML): every value typed, every unknown key refused, every complaint naming its place."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Collection, Iterator, Mapping
from typing import Any, TypeVar

from customer_research.domain.reading import toml
from customer_research.errors import ConfigError

T = TypeVar("T")


class Declaration:
    """One TOML table whose keys are taken one by one; `finish` refuses what nobody has taken."""

    def __init__(self, values: Mapping[str, Any], place: str) -> None:
        self._values = dict(values)
        self.place = place

    @classmethod
    def parse(cls, text: str, place: str) -> Declaration:
        """The top table of a TOML document.

        Raises:
            ConfigError: when it is not TOML.
        """
        try:
            return cls(toml(text), place)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{place} is not valid TOML: {error}.", setting="scorecard") from None

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def error(self, complaint: str) -> ConfigError:
        """A `ConfigError` that names this place."""
        return ConfigError(f"{self.place}: {complaint}", setting="scorecard")

    def only(self, known: Mapping[str, tuple[Collection[str], Collection[str]]]) -> None:
        """Refuse a word that is not known: key → the words given, and those that there are."""
        for key, (given, words) in known.items():
            if unknown := [word for word in given if word not in words]:
                raise self.error(f"{key!r}: {unknown[0]!r} is not known; known: {', '.join(words)}.")

    def _take(self, key: str, kind: type[T], default: T | None = None) -> T:
        value = self._values.pop(key, default)
        if value is None:
            raise self.error(f"{key!r} is missing.")
        if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
            raise self.error(f"{key!r} must be of type {kind.__name__}, not {value!r}.")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """A text, needed unless there is a default."""
        return self._take(key, str, default)

    def integer(self, key: str, default: int | None = None) -> int:
        """A whole number, needed unless there is a default."""
        return self._take(key, int, default)

    def number(self, key: str) -> float:
        """A number."""
        value = self._values.get(key)
        return float(self.integer(key)) if isinstance(value, int) else self._take(key, float)

    def anything(self, key: str) -> object:
        """A value of any kind, which only people read; none when absent."""
        return self._values.pop(key, None)

    def flag(self, key: str, *, default: bool) -> bool:
        """Yes or no."""
        return self._take(key, bool, default)

    def numbers(self, key: str, alone: str) -> Mapping[str, float]:
        """A table of numbers by name; a single number has the name `alone`."""
        value = self._values.get(key)
        table = (
            self.table(key) if isinstance(value, dict) else Declaration({alone: self._take(key, object)}, self.place)
        )
        found = {name: table.number(name) for name in table.names()}
        if not all(map(math.isfinite, found.values())):
            raise self.error(f"{key!r} must be finite.")
        return found

    def any(self, key: str) -> object:
        """Whatever stands there; needed."""
        return self._take(key, object)

    def names(self) -> tuple[str, ...]:
        """The keys that nobody has taken, in order."""
        return tuple(self._values)

    def texts(self, key: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """A list of texts, needed unless there is a default."""
        values = self._take(key, list, None if default is None else list(default))
        if not all(isinstance(value, str) for value in values):
            raise self.error(f"{key!r} must be a list of texts, not {values!r}.")
        return tuple(values)

    def mapping(self, key: str) -> Mapping[str, str]:
        """A table of texts; empty when absent."""
        table = self._take(key, dict, {})
        if not all(isinstance(value, str) for value in table.values()):
            raise self.error(f"{key!r} must be a table of texts.")
        return table

    def table(self, key: str) -> Declaration:
        """A table within this one."""
        return Declaration(self._take(key, dict), f"{self.place}, {key}")

    def named_tables(self, key: str) -> Iterator[tuple[str, Declaration]]:
        """The tables of a table, with their names, in order."""
        for name, values in self._take(key, dict).items():
            if not isinstance(values, dict):
                raise self.error(f"{key}.{name} must be a table.")
            yield name, Declaration(values, f"{self.place}, {key} {name}")

    def tables(self, key: str, name_key: str = "") -> Iterator[Declaration]:
        """The tables of a list, in order; none when absent. Places are named by `name_key` or by their number."""
        for number, values in enumerate(self._take(key, list, []), start=1):
            if not isinstance(values, dict):
                raise self.error(f"{key} must be a list of tables.")
            yield Declaration(values, f"{self.place}, {key} {values.get(name_key, number)}")

    def finish(self) -> None:
        """Refuse keys that nobody has taken: a misspelt key must not be ignored."""
        if self._values:
            raise self.error(f"unknown key {', '.join(map(repr, self._values))}.")
