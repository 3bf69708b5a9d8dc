"""What a server writes to standard error: no text of an exception, no personal data; what went wrong and where in the code.

A record is a line of words, or one JSON object a line.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from customer_research.documents.masking import mask_text
from customer_research.domain.words import clean, instant_text

OURS = "customer_research"

_ADDRESSED = ("httpx2", "httpcore2")
"""They log each request with its address, which of a webhook or a calendar feed is a secret: never below warnings."""

_FRAMES = 6
"""So many places in the code are named, the last first."""


class Redacted(logging.Formatter):
    """One line a record: level, who says it, what; of an exception its type and where it came from, never its text."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        said = mask_text(clean(record.getMessage()))
        line = f"{self.formatTime(record)} {record.levelname} {record.name}: {said}"
        return f"{line} [{self.formatException(record.exc_info)}]" if record.exc_info else line

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """An exception as its type and the places that it went through."""
        kind, _error, trace = ei
        return " < ".join((kind.__name__ if kind else "unknown", *_places(trace)))


class Lines(Redacted):
    """A record as JSON: when, how grave, who says it, what; of an exception its type and where it came from."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        told: dict[str, Any] = {
            "at": instant_text(datetime.fromtimestamp(record.created, UTC), "milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "said": mask_text(clean(record.getMessage())),
        }
        if record.exc_info:
            told["fault"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False)


def _places(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)[-_FRAMES:] if trace else []
    return [f"{os.path.basename(frame.filename)}:{frame.lineno}" for frame in reversed(frames)]  # noqa: PTH119 - a name in a log


def redact(*, as_json: bool = False) -> None:
    """Have all logs written so, warnings and what is graver; more where CUSTOMER_RESEARCH_DEBUG asks for it."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines() if as_json else Redacted())
    root = logging.getLogger()
    for old in tuple(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.INFO if os.environ.get("CUSTOMER_RESEARCH_DEBUG") == "1" else logging.WARNING)
    for name in _ADDRESSED:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)


def log_lines(*, as_json: bool) -> None:
    """Have all logs written so: what this program says from information on, others from warnings on."""
    redact(as_json=as_json)
    logging.getLogger(OURS).setLevel(logging.INFO)
