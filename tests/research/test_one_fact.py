"""One fact, one resolver: status, plan, MRR and owner of an operator are the same wherever they are told."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact, Figure
from customer_research.domain.money import stated
from customer_research.domain.report import Figures, Report, Table, Text
from customer_research.domain.words import unit_words, value_words
from customer_research.reports.kinds import KINDS
from customer_research.reports.standing_figures import STANDINGS
from customer_research.research import Research
from customer_research.research.portfolio import newest, selection
from customer_research.research.portfolio.requests import Selection
from customer_research.research.portfolio.snapshot_view import newest_view
from customer_research.settings import Settings
from customer_research_sandbox.serve import Sandbox

NOW = datetime(2026, 11, 1, tzinfo=UTC)
OPERATORS = {
    "one-off invoices alone": "00000000-5ce0-11f0-a000-000000000006",
    "three subscriptions": "00000000-5ce0-11f0-a000-000000000007",
    "a price of its own and a coupon, which the CSM view ignores": "00000000-5ce0-11f0-a000-000000000012",
    "billed in Canadian dollars, after US ones": "00000000-5ce0-11f0-a000-000000000013",
    "called churned by HubSpot": "00000000-5ce0-11f0-a000-000000000031",
    "canceled before it began": "00000000-5ce0-11f0-a000-000000000032",
    "back after it had left": "00000000-5ce0-11f0-a000-000000000042",
    "churned": "00000000-5ce0-11f0-a000-000000000225",
}
LABELS = {
    "status": ("Status",),
    "plan": ("Plan", "plan"),
    "mrr": ("MRR",),
    "owner": ("Account owner",),
}
Told = Mapping[str, Mapping[str, str]]
"""Surface → fact → what it says."""


def words(figure: Figure) -> str:
    return value_words(figure) if isinstance(figure, Fact) else f"({figure.reason})"


def cell(found: Any) -> str:
    return found.text if isinstance(found, Text) else words(found)


def of_lines(report: Report) -> dict[str, str]:
    """The facts of a report's figures; one that stands there twice says the same."""
    lines = [
        line for part in report.sections for block in part.blocks if isinstance(block, Figures) for line in block.lines
    ]
    told: dict[str, str] = {}
    for name, labels in LABELS.items():
        said = {words(line.figure) for line in lines if line.label in labels}
        assert len(said) <= 1, (report.kind, name, said)
        told |= dict.fromkeys([name] if said else [], next(iter(said), ""))
    return told


def of_columns(report: Report, operator: int) -> dict[str, str]:
    """The facts of one operator's column in a comparison."""
    rows = [row for part in report.sections for block in part.blocks if isinstance(block, Table) for row in block.rows]
    return {
        name: cell(row[operator])
        for name, labels in LABELS.items()
        for row in rows
        if isinstance(row[0], Text) and row[0].text in labels
    }


def of_account(account: Account) -> dict[str, str]:
    return {name: words(STANDINGS[name].figure(account)) for name in LABELS}


def live(names: Mapping[str, str]) -> Callable[[Research], Any]:
    """Asks every live surface about these operators."""

    async def ask(opened: Research) -> dict[str, dict[str, dict[str, str]]]:
        compared = await opened.compare(tuple(names.values()))
        found = {}
        for number, (name, operator_id) in enumerate(names.items(), 1):
            looked_up, _ = await opened.lookup_report(operator_id)
            account = await opened.account_for(KINDS["profile"], operator_id)
            found[name] = {
                "lookup": of_lines(looked_up),
                "quick": of_lines(KINDS["quick"].report(account)),
                "profile": of_lines(KINDS["profile"].report(account)),
                "account": of_account(account),
                "compare": of_columns(compared, number),
            }
        return found

    return ask


def of_many(settings: Settings, ids: list[str]) -> Iterator[tuple[str, dict[str, dict[str, str]]]]:
    """What the surfaces of many operators say of these."""
    everybody = Selection(statuses=("active", "onboarding", "churned", "never_started", "no_subscription"), limit=0)
    text, _ = newest.portfolio_csv(settings, everybody, now=NOW)
    lines = {row["operator_id"]: row for row in csv.DictReader(io.StringIO(text))}
    report = newest.portfolio_report(settings, everybody, now=NOW)
    (table,) = [
        block for part in report.sections if part.id == "attention" for block in part.blocks if isinstance(block, Table)
    ]
    listed = dict(zip(lines, table.rows, strict=True))
    with newest_view(settings, NOW) as view:
        accounts = selection.told_of(view, ids)
    for one in ids:
        row = lines[one]
        told = {name: row[name] or "(none_found)" for name in ("status", "plan", "owner")}
        told["mrr"] = unit_words(stated(row["mrr_by_currency"]), "money", "mrr")
        yield (
            one,
            {
                "portfolio csv": told,
                "portfolio": {"mrr": cell(listed[one][table.headers.index("MRR")])},
                "digest": of_account(accounts[one]),
            },
        )


def test_every_surface_says_the_same_of_an_operator(
    clean_sandbox: Sandbox, research: Callable[..., Any], portfolio_settings: Settings
) -> None:
    found = research(live(OPERATORS))
    many = dict(of_many(portfolio_settings, list(OPERATORS.values())))
    for name, operator_id in OPERATORS.items():
        surfaces: Told = {**found[name], **many[operator_id]}
        for fact in LABELS:
            said = {surface: told[fact] for surface, told in surfaces.items() if fact in told}
            assert len(said) >= 6, (name, fact)
            assert len(set(said.values())) == 1, (name, fact, said)
    assert found["billed in Canadian dollars, after US ones"]["lookup"]["mrr"] == "CA$269.00"
    assert found["a price of its own and a coupon, which the CSM view ignores"]["lookup"]["mrr"] == "$960.00"
    assert found["churned"]["lookup"]["status"].startswith("churned on ")
    assert found["canceled before it began"]["lookup"]["mrr"] == "0"


def test_a_source_that_refuses_is_the_same_gap_everywhere(clean_sandbox: Sandbox, research: Callable[..., Any]) -> None:
    clean_sandbox.set_faults("lago:auth")
    names = {name: OPERATORS[name] for name in ("three subscriptions", "churned")}
    for name, surfaces in research(live(names)).items():
        for fact in ("mrr", "plan", "status"):
            said = {surface: told[fact] for surface, told in surfaces.items() if fact in told}
            assert len(set(said.values())) == 1, (name, fact, said)
            assert fact == "status" or set(said.values()) == {"(denied)"}
