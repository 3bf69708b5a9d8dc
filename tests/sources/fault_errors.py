"""What becomes of a source's request under each fault of the sandbox. Tests of several sources import it."""

from __future__ import annotations

from collections.abc import Mapping

from customer_research.errors import BadAnswer, Denied, RateLimited, SchemaChanged, SourceError, Truncated, Unavailable
from customer_research_sandbox.servers.faults import BODIES

ERRORS: Mapping[str, type[SourceError]] = {
    "down": Unavailable,
    "slow": Unavailable,
    "http500": Unavailable,
    "http429": RateLimited,
    "auth": Denied,
    "truncate": Truncated,
    "badjson": BadAnswer,
    "drop": Unavailable,
    "schema": SchemaChanged,
    **dict.fromkeys(BODIES, Truncated),
}
"""What each fault is called when it meets every request."""
