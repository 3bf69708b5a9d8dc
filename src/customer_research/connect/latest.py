"""Until when whoever asked wants to have heard."""

from __future__ import annotations

import math
from contextvars import ContextVar

LATEST: ContextVar[float] = ContextVar("LATEST", default=math.inf)
"""An instant of the monotonic timer: no stream of records goes on beyond it, however long it had to wait for its turn."""
