"""What holds of a profile while one of its sources is out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from customer_research.documents.formats import json_, markdown
from customer_research.domain.account import Account
from customer_research.domain.catalogue import METRICS
from customer_research.domain.evidence import Fact, Gap
from customer_research.domain.health import BAND_ORDER, NO_BAND
from customer_research.record_tables import TABLES
from customer_research.reports.kinds import KINDS
from customer_research.research import Research
from customer_research.settings import Settings
from customer_research_sandbox.serve import Sandbox

OPERATOR = "00000000-5ce0-11f0-a000-000000000034"
"""S34: invoices, charges, contacts, engagements and tickets, so that every source has something to lose."""


SOURCES = {"lago": "lago", "hubspot": "hubspot", "metabase": "warehouse", "notion": "notion"}


WHOLE = ("down", "slow", "http500", "http429", "auth", "badjson", "drop", "bomb", "endless", "deep")
"""Faults after which nothing of the source is known."""


PATIENCE = 3.5
"""How long a source that hangs is waited for here, seconds; by default it is longer, and differs in nothing else."""


LONGEST_SECONDS = 60
"""A source that hangs must not hang the profile. What is promised is 20 s; on a machine that runs other tests beside, the
clock proves only that the wait is bounded, and `test_the_deadlines_keep_the_promise` proves the rest."""


def whole(settings: Settings) -> Account:
    """The operator as it is when everything works."""

    async def fetch() -> Account:
        async with Research(settings) as opened:
            return await opened.account(OPERATOR, listings=KINDS["profile"].needs)

    return asyncio.run(fetch())


def survives(source: str, kind: str, sandbox: Sandbox, research: Any, whole_account: Account) -> None:
    sandbox.set_faults(f"{source}:{kind}")
    started = time.monotonic()
    account = research(lambda opened: opened.account(OPERATOR, listings=KINDS["profile"].needs))
    elapsed = time.monotonic() - started
    report = KINDS["profile"].build(account)

    assert elapsed < LONGEST_SECONDS
    assert report.partial
    fresh = {f.source: f for f in report.freshness}
    assert fresh[SOURCES[source]].state != "ok"
    assert fresh[SOURCES[source]].gaps
    assert [f.source for f in report.freshness if f.state != "ok"] == [SOURCES[source]]
    assert _wrong(account, whole_account) == {}
    assert _better(account, whole_account) == ""
    if kind in WHOLE:
        assert _known_of(account, SOURCES[source]) == []
    for text in (markdown.render(report, show_personal=False), json_.render(report, show_personal=False)):
        assert fresh[SOURCES[source]].gaps[0].detail[:30] in text.replace("\\", "")


def _better(account: Account, whole: Account) -> str:
    """In what the account stands better than it does when everything works; empty when in nothing."""
    told, true = account.score, whole.score
    assert told is not None
    assert true is not None
    assert true.score is not None
    if told.score is not None and told.score > true.score:
        return f"{told.score} instead of {true.score}"
    better = told.band not in NO_BAND and BAND_ORDER.index(told.band) < BAND_ORDER.index(true.band)
    return f"{told.band} instead of {true.band}" if better else ""


def _wrong(account: Account, whole: Account) -> Mapping[str, object]:
    """Figures that have a value, but not the true one (derived figures may rest on fewer sources)."""
    return {
        name: (figure.value, whole.figures[name])
        for name, figure in account.figures.items()
        if isinstance(figure, Fact)
        and METRICS[name].subject != "derived"
        and not (name == "owner_name" and figure.value.startswith("owner "))  # its id, where its name is not told
        and not (isinstance(true := whole.figures[name], Fact) and true.value == figure.value)
    }


def _known_of(account: Account, source: str) -> list[str]:
    """Figures made of the source's tables alone that have a value though the source gave nothing."""
    return [
        name
        for name, metric in METRICS.items()
        if metric.subject != "derived"
        and {TABLES[table].home for table in metric.tables} == {source}
        and not isinstance(account.figures[name], Gap)
    ]


def found_without_the_warehouse(kind: str, sandbox: Sandbox, research: Any) -> None:
    sandbox.set_faults(f"metabase:{kind}")
    started = time.monotonic()

    account = research(lambda opened: opened.account("Silvermead Livery"))

    assert time.monotonic() - started < LONGEST_SECONDS
    assert account.operator_id == "00000000-5ce0-11f0-a000-000000000002"
    assert any(f.source == "warehouse" and f.state == "missing" for f in account.freshness)
