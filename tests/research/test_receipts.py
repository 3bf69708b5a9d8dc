"""Every figure has a receipt, and sent again it gives the same value."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from customer_research.domain.evidence import Fact
from customer_research.domain.report import FigureLine, Figures, Table
from customer_research.errors import RenderError, UsageError
from customer_research.reports.kinds import KINDS
from customer_research.research import Research
from customer_research.settings import Settings
from customer_research.sources.hubspot.settings import HubSpotSettings
from customer_research.sources.lago.settings import LagoSettings
from customer_research.sources.notion.settings import NotionSettings
from customer_research.sources.warehouse.settings import MetabaseSettings
from customer_research_sandbox.scenarios import scenario_id
from customer_research_sandbox.serve import Sandbox

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def test_a_changed_record_shows_in_a_replay(clean_sandbox: Sandbox, research: Any) -> None:
    invoices = clean_sandbox.dataset.lago.invoices
    mine = next(i for i in invoices if i["external_customer_id"] == scenario_id(4) and i["payment_status"] == "failed")

    async def work(opened: Research) -> Any:
        before = await opened.why(scenario_id(4), "invoices_failed")
        mine["payment_status"] = "succeeded"
        try:
            after = await opened.why(scenario_id(4), "invoices_failed", replay=True)
        finally:
            mine["payment_status"] = "failed"
        return before, after

    before, after = research(work)
    assert after.figure.value == before.figure.value - 1
    assert after.replayed is not None
    assert after.replayed.same


def test_a_fact_without_a_receipt_cannot_be_made() -> None:
    with pytest.raises(RenderError, match="has no receipt"):
        Fact(3, "count", (), NOW, "overdue_invoices")


@pytest.mark.parametrize("bare", [3, "3", None, 0.5])
def test_a_bare_value_cannot_enter_a_report(bare: object) -> None:
    with pytest.raises(RenderError):
        FigureLine("Overdue", bare)  # type: ignore[arg-type]
    with pytest.raises(RenderError):
        Table(("Overdue",), ((bare,),))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [name for name in KINDS if name != "lookup"])
def test_every_figure_of_every_report_has_a_receipt_or_a_reason(
    kind: str, clean_sandbox: Sandbox, research: Any
) -> None:
    report = research(lambda opened: opened.report(kind, scenario_id(20)))

    figures = [
        line.figure
        for section in report.sections
        for block in section.blocks
        if isinstance(block, Figures)
        for line in block.lines
    ]
    assert figures
    for figure in figures:
        if isinstance(figure, Fact):
            assert figure.basis
            assert all(receipt.query and receipt.digest and receipt.fetched_at.tzinfo for receipt in figure.basis)
        else:
            assert figure.reason
            assert figure.detail


def test_receipts_hold_no_secret(clean_sandbox: Sandbox, research: Any, settings: Settings) -> None:
    account = research(lambda opened: opened.account(scenario_id(2)))
    keys = (
        settings.of(LagoSettings).api_key,
        settings.of(HubSpotSettings).token,
        settings.of(MetabaseSettings).api_key,
        settings.of(NotionSettings).token,
    )
    secrets = [key.get_secret_value() for key in keys if key is not None]
    receipts = [r for figure in account.figures.values() if isinstance(figure, Fact) for r in figure.basis]

    assert len(secrets) == len(keys)
    assert receipts
    for receipt in receipts:
        assert not any(secret in repr(receipt) for secret in secrets)


def test_why_names_the_nearest_metrics(clean_sandbox: Sandbox, research: Any) -> None:
    with pytest.raises(UsageError) as raised:
        research(lambda opened: opened.why(scenario_id(2), "overdue_invoice"))
    assert "overdue_invoices" in raised.value.hint


def test_why_lists_the_records_behind_a_warehouse_figure(clean_sandbox: Sandbox, research: Any) -> None:
    explained = research(lambda opened: opened.why(scenario_id(2), "reservations_30d", rows=5))

    assert explained.figure.value == 20
    assert len(explained.evidence.rows) == 5
    assert explained.evidence.total >= 20
    assert explained.evidence.receipts
