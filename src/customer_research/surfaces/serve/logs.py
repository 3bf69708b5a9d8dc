"""A server's log: one JSON object a line on standard error, without personal data, secrets or texts of exceptions."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from customer_research.documents.masking import mask_text
from customer_research.domain.words import clean, instant_text
from customer_research.surfaces.mcp.logs import Redacted, redact

OURS = "customer_research"


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


def log_lines(*, as_json: bool) -> None:
    """Have all logs written so (else as plain lines): what this program says from information on, others from warnings on."""
    redact()
    if as_json:
        for handler in logging.getLogger().handlers:
            handler.setFormatter(Lines())
    logging.getLogger(OURS).setLevel(logging.INFO)
