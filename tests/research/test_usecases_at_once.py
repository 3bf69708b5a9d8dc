"""Fifty use cases at once keep the vendors' limits and answer as one after the other."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from usecase_requests import ADA, OPERATORS
from worlds import Worlds

from customer_research.documents.formats import explanation, render
from customer_research.domain.explanation import Explanation
from customer_research.domain.report import Report
from customer_research.research.usecases import (
    Answer,
    Runner,
    finished,
    use_alone,
    use_case,
    validated,
)
from customer_research.settings import Settings, load_settings


def _asked() -> Iterator[tuple[str, dict[str, Any]]]:
    """Fifty requests, as several people would make them at once."""
    for operator in OPERATORS:
        yield "quick", {"operator": operator}
        yield "why", {"operator": operator, "metric": "mrr"}
        yield "lookup", {"term": operator}
        yield "billing", {"operator": operator, "audience": "customer"}
    for name in ("Silvermead", "Summit", "Silvermead Livery", "nobody at all", "ada@example.com"):
        yield "lookup", {"term": name}
        yield "metrics", {"search": "mrr"}


def _words(answer: Answer) -> Any:
    """An answer without its receipts: what a session asks once is in those of the use that asked."""
    body = answer.body
    if isinstance(body, Report):
        return answer.state, _bare(json.loads(render(body, "json")))
    if isinstance(body, Explanation):
        return answer.state, _bare(explanation.as_json(body, show_personal=False))
    return answer.state, body


def _bare(told: Any) -> Any:
    if isinstance(told, dict):
        return {key: _bare(value) for key, value in told.items() if key not in {"receipts", "fetch_id"}}
    return [_bare(one) for one in told] if isinstance(told, list) else told


def test_fifty_at_once_keep_the_limits_and_answer_as_one_after_the_other(worlds: Worlds) -> None:
    with worlds.running() as sandbox:
        settings = load_settings(sandbox.config_path)
        asked = list(_asked())
        alone = [_words(use_alone(name, _request(name, given), ADA, lambda: settings)) for name, given in asked]
        sandbox.clear_request_log()
        sandbox.set_rate_limits(hold=True)
        together = finished(_together(_limited(sandbox.config_path), asked))
        log = sandbox.request_log

    assert len(asked) == 50
    assert {request.status for request in log} & {429, 529} == set()
    assert Counter(request.source for request in log).keys() == {"lago", "hubspot", "metabase", "notion"}
    for (name, given), one, other in zip(asked, alone, map(_words, together), strict=True):
        assert one == other, (name, given)


def _request(name: str, given: dict[str, Any]) -> Any:
    return validated(use_case(name).request(), given)


def _limited(file: Path) -> Settings:
    """The settings with our own limits as they are without a settings file."""
    told = re.sub(r"(?m)^requests_per_second = .*\n", "", file.read_text(encoding="utf-8"))
    own = file.with_name("limited.toml")
    own.write_text(told, encoding="utf-8")
    return load_settings(own)


async def _together(settings: Settings, asked: list[tuple[str, dict[str, Any]]]) -> list[Answer]:
    async with Runner(settings, waiting=len(asked)) as runner:
        return list(await asyncio.gather(*(runner.use(name, given, ADA, seconds=280.0) for name, given in asked)))
