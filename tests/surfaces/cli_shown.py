"""Reports as the command line shows them, and operators whose names are no plain words."""

from __future__ import annotations

from collections.abc import Callable

from cli_runs import Run

KINDS = ("lookup", "quick", "profile", "billing", "reservations", "payments", "health")
FORMATS = ("terminal", "markdown", "json")
WILDCARD, INJECTION, UNICODE = (f"00000000-5ce0-11f0-a000-0000000000{number}" for number in (26, 27, 40))


Shown = Callable[..., Run]
