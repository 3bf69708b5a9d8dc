"""Every figure has a receipt, and sent again it gives the same value."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from customer_research.documents.formats.explanation import as_text
from customer_research.domain.catalogue import METRICS
from customer_research.domain.evidence import Fact
from customer_research.domain.report import FigureLine, Figures, Table
from customer_research.errors import RenderError, UsageError
from customer_research.metrics.evidence import RECORDS
from customer_research.metrics.queries import EVIDENCE
from customer_research.reports.kinds import KINDS
from customer_research.research import Research
from customer_research.research.one.why import needed_tables
from customer_research.settings import Settings
from customer_research.sources import discover
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


WRITTEN = {"deal": {"name", "closed_lost_reason"}, "ticket": {"title"}, "engagement": {"title", "body"}}
"""What people write as they like: it may name a contact."""


def test_contacts_are_read_wherever_a_record_may_name_one() -> None:
    """Nobody need ask for them beside it: a stream brings all of its tables."""
    streams = [set(stream.tables) for source in discover().values() for stream in source.streams]
    asked = {
        metric.name: set[str]().union(*(tables for tables in streams if tables & needed_tables(metric)))
        for metric in METRICS.values()
        for table in EVIDENCE.get(metric.evidence, ())
        if WRITTEN.get(table, set()) & set(RECORDS[metric.evidence].columns)
    }
    assert asked.keys() >= {"deals_open", "deals_won", "expansion_deals_open"}
    assert [name for name, brought in asked.items() if "contact" not in brought] == []


def test_why_masks_the_contact_after_whom_a_deal_is_named(clean_sandbox: Sandbox, research: Any) -> None:
    objects = clean_sandbox.dataset.hubspot.objects
    deals, contacts = ({one["id"]: one["properties"] for one in objects[kind]} for kind in ("deals", "contacts"))
    operator_id, deal, contact = next(
        (company["properties"]["moovs_operator_id"], deals[each], contacts[company["associations"]["contacts"][0]])
        for company in objects["companies"]
        if company["properties"].get("moovs_operator_id") and company["associations"].get("contacts")
        for each in company["associations"].get("deals", ())
        if deals[each]["hs_is_closed"] == "false"
    )
    before, deal["dealname"] = deal["dealname"], f"Upgrade for {contact['firstname']} {contact['lastname']}"
    try:
        explained = research(lambda opened: opened.why(operator_id, "deals_open"))
    finally:
        deal["dealname"] = before
    assert f"Upgrade for {contact['firstname'][0]}. {contact['lastname'][0]}." in as_text(
        explained, show_personal=False
    )
    assert contact["lastname"] not in as_text(explained, show_personal=False)
    assert contact["lastname"] in as_text(explained, show_personal=True)


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
