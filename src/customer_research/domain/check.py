"""What `doctor` finds: one row a check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

CheckStatus = Literal["ok", "warn", "fail", "skipped"]
"""ok: as needed; warn: works, but look at it; fail: figures will be missing; skipped: could not be tried."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a check of `doctor` gives: what was found, what is needed, the exact fix, and the settings `--write` would set."""

    status: CheckStatus
    found: str
    needed: str
    fix: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One row of `doctor`: a check by its full name, and what it gave."""

    check: str
    status: CheckStatus
    found: str
    needed: str
    fix: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


def not_tried(check: str, needed: str) -> CheckResult:
    """The row of a server that is asked only online."""
    return CheckResult(check, "skipped", "Not tried: it is a server. Add --online.", needed)
