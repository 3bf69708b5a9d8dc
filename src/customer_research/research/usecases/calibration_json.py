"""What a calibration found as one JSON document, for programs: the same input gives the same bytes."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from customer_research.domain.words import instant_text
from customer_research.reports.inquiries.calibration_report import CalibrationRun
from customer_research.research.usecases.answer import EXIT_CODES

SCHEMA = "customer-research/calibration/1"


def result_json(done: CalibrationRun) -> str:
    """The document: outcome, exit code, the scorecard that was written, and every figure with its interval."""
    told = asdict(done.told)
    head = {key: told.pop(key) for key in ("outcome", "reason", "step", "events", "needed")}
    gates = [{**gate, "passed": made.passed} for gate, made in zip(told.pop("gates"), done.told.gates, strict=True)]
    document = {
        "schema": SCHEMA,
        **head,
        "exit_code": EXIT_CODES["done" if done.told.outcome == "adopted" else done.told.outcome],
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
        return instant_text(value)
    raise TypeError(f"{value!r} is no value of a document")
