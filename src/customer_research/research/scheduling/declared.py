"""The schedules that come with the program. None is on until somebody adds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from customer_research.domain.parsing import toml


@dataclass(frozen=True, slots=True)
class Declared:
    """A schedule as it is shipped: what it does in a sentence, and the fields of `domain.schedule.Schedule` that it decides."""

    name: str
    sentence: str
    use_case: str
    request: Mapping[str, Any] = field(default_factory=dict, hash=False)
    cron: str = ""
    after: str = ""
    recipients: tuple[str, ...] = ()
    note: str = ""


@cache
def shipped() -> Mapping[str, Declared]:
    """Every shipped schedule by its name, in their order."""
    text = resources.files(__package__).joinpath("shipped.toml").read_text(encoding="utf-8")
    found = (Declared(**{**row, "recipients": tuple(row.get("recipients", ()))}) for row in toml(text)["schedules"])
    return {one.name: one for one in found}
