"""Where the vendors' own contracts (OpenAPI documents) lie: they are not ours to hand on (CONTRIBUTING.md, *Contracts*)."""

from __future__ import annotations

import os
from pathlib import Path

_BESIDE = Path(__file__).resolve().parents[3]
SPECS = Path(os.environ.get("VENDOR_SPECS") or next(_BESIDE.glob("*/vendor-specs"), _BESIDE / "vendor-specs"))
"""The folder that the variable names, else one called `vendor-specs` in a folder beside the repository."""
