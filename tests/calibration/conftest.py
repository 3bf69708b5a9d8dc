"""Load the numerical libraries as the product does, with one thread each, before a test module loads them with more."""

from __future__ import annotations

import customer_research.health.calibration  # noqa: F401
