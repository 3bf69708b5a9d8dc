"""What a calibration found as one JSON document, for programs: the same input gives the same bytes."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from customer_research.domain.calibration import Adoption
from customer_research.research.past.calibration.on_files import CalibrationRun

SCHEMA = "customer-research/calibration/1"
EXIT_CODES: dict[Adoption, int] = {"adopted": 0, "proposed": 10, "refused": 11}
"""What the command line ends with."""


def result_json(done: CalibrationRun) -> str:
    """The document: outcome, exit code, the scorecard that was written, and every figure with its interval."""
    told = asdict(done.told)
    head = {key: told.pop(key) for key in ("outcome", "reason", "step", "events", "needed")}
    gates = [{**gate, "passed": made.passed} for gate, made in zip(told.pop("gates"), done.told.gates, strict=True)]
    document = {
        "schema": SCHEMA,
        **head,
        "exit_code": EXIT_CODES[done.told.outcome],
        "scorecard": {
            "version": done.version,
            "file": None if done.written is None else done.written.name,
            "written": done.written is not None,
        },
        "gates": gates,
        **told,
        "excluded": [(alarm.signal, alarm.why) for alarm in done.told.dropped],
        "inputs": [{"file": one.stream, "rows": one.rows, "sha256": one.digest} for one in done.receipts],
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False, default=_plain) + "\n"


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    raise TypeError(f"{value!r} is no value of a document")
