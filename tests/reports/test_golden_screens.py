"""Pages and messages of every kind are what they were, and the same bytes in another process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from golden_screens import PLACE, digests, outlines


def test_every_kind_looks_as_it_did() -> None:
    kept = json.loads(PLACE.read_text(encoding="utf-8"))
    assert outlines() == kept, "If this is meant: python tests/reports/golden_screens.py"


def test_the_same_report_is_the_same_bytes_in_another_process() -> None:
    script = Path(__file__).with_name("golden_screens.py")
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Kathmandu", "LC_ALL": "C"}
    made = subprocess.run([sys.executable, str(script), "digests"], capture_output=True, check=True, env=environment)
    assert json.loads(made.stdout) == digests()
