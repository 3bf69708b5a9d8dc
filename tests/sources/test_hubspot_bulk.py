"""HubSpot pulled in bulk over real HTTP: rows equal the live ones of each operator, also after the portal has changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import httpx2
import pytest
from crm_records import CROWDED, NOBODY, OPERATOR, TWICE, UNDASHED, dataset, settings_with
from pulled import UNTIL, Kept, in_session, unstamped

from customer_research.connect.request_log import RequestLog
from customer_research.connect.source import Batch, Row, Slice, Subject
from customer_research.errors import Denied, SourceError
from customer_research.record_tables import TABLES
from customer_research.sources.hubspot import bulk, live
from customer_research.sources.hubspot.session import HubSpotSession
from customer_research.sources.hubspot.source import SOURCE
from customer_research_sandbox.dataset import Dataset
from customer_research_sandbox.serve import Sandbox
from customer_research_sandbox.servers.hubspot import TOKEN

(STREAM,) = SOURCE.bulk
FULL_ID, GONE_ID = "10000000001", "10000000099"
OPERATORS: Mapping[str, str | None] = {
    OPERATOR: FULL_ID,
    UNDASHED: None,
    TWICE: None,
    CROWDED: "10000000005",
    NOBODY: GONE_ID,
}
"""Operators and the company that the CSM view names."""


def portal() -> Dataset:
    """The hand-made portal; one of its notes is associated and not there."""
    made = dataset()
    companies = made.hubspot.objects["companies"]
    companies[0]["associations"]["notes"].append("4999")
    return made


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(dataset=portal(), rate_limits=False, slow_seconds=0.5) as running:
        yield running


def using(sandbox: Sandbox, work: Callable[[HubSpotSession], Awaitable[Any]], **hubspot: Any) -> Any:
    return in_session(SOURCE, settings_with(sandbox.config_path, hubspot=hubspot), work)


def pulled(sandbox: Sandbox, kept: Kept, *, full: bool = False, most: int | None = None, **hubspot: Any) -> list[Slice]:
    found: list[Slice] = using(sandbox, lambda session: kept.pull(session, STREAM, full=full, most=most), **hubspot)
    return found


def operator_rows() -> list[Row]:
    """The canonical operators, as the warehouse and billing tell them."""
    return [{"operator_id": operator_id, "hubspot_company_id": company} for operator_id, company in OPERATORS.items()]


def canonical(kept: Kept) -> dict[str, list[Row]]:
    return {link.table: kept.linked(link, {"operator": operator_rows()}) for link in SOURCE.links}


def of(rows: list[Row], operator_id: str) -> list[Row]:
    return [row for row in rows if row["operator_id"] == operator_id]


async def fetched(who: Subject, session: HubSpotSession) -> Batch:
    return await live.fetch(session, who)


def require_equal_to_live(sandbox: Sandbox, kept: Kept, **hubspot: Any) -> dict[str, list[Row]]:
    """Every cell but the receipts, and every gap, as the live stream gives them operator by operator."""
    tables = canonical(kept)
    for operator_id, company in OPERATORS.items():
        who = Subject(operator_id, UNTIL, hubspot_company_id=company)
        batch = using(sandbox, partial(fetched, who), **hubspot)
        for table in live.TABLES:
            found = of(tables[table], operator_id)
            assert unstamped(found) == unstamped(batch.tables[table]), (operator_id, table)
            assert len(found) == len(batch.tables[table])
            assert all(set(row) == set(TABLES[table].column_names) for row in found)
        gaps = {
            row["table_name"]: tuple(row[name] for name in ("source", "reason", "detail", "next_step"))
            for row in of(tables["gap"], operator_id)
        }
        assert gaps == {
            table: (gap.source, gap.reason, gap.detail, gap.next_step) for table, gap in batch.gaps.items()
        }, operator_id
    return tables


def requests(sandbox: Sandbox, kind: str) -> int:
    return sum(kind in request.path for request in sandbox.request_log)


def change(sandbox: Sandbox, method: str, path: str, body: Any = None) -> Any:
    """Change the portal through HubSpot's own API."""
    url = f"{sandbox.addresses['hubspot']}/crm/objects/2026-09/{path}"
    reply = httpx2.request(method, url, json=body, headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False)
    assert reply.status_code < 300, reply.text
    return reply.json() if reply.content else None


# -- everything ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["2026-09", "v3"])
def test_rows_and_gaps_equal_the_live_ones(sandbox: Sandbox, version: str) -> None:
    kept = Kept()
    slices = pulled(sandbox, kept, version=version)
    tables = require_equal_to_live(sandbox, kept, version=version)
    assert {row["linked_by"] for row in tables["company"]} == {"csm", "property"}
    assert len(of(tables["engagement"], CROWDED)) == 230
    assert [(row["operator_id"], row["table_name"], row["reason"]) for row in tables["gap"]] == [
        (OPERATOR, "engagement", "truncated")
    ]
    assert set(slices[-1].whole) == {table.name for table in STREAM.tables}


def test_a_portal_without_the_operator_property_is_a_gap_of_those_the_view_names_no_company_of(
    sandbox: Sandbox,
) -> None:
    none = ("no_such_property", "nor_this")
    kept = Kept()
    pulled(sandbox, kept, operator_properties=none)
    tables = require_equal_to_live(sandbox, kept, operator_properties=none)
    assert {row["operator_id"] for row in tables["gap"] if row["reason"] == "not_configured"} == {
        UNDASHED,
        TWICE,
        NOBODY,
    }
    pulled(sandbox, kept)  # the property is named now: everything is asked anew
    require_equal_to_live(sandbox, kept)


@pytest.mark.parametrize(
    ("before", "after", "beyond"), [(0, 0, 0), (0, 1, 0), (1, 0, 0), (1, 1, 1), (1, 2, 1), (2, 1, 1), (-1, 3, 0)]
)
def test_only_what_was_counted_before_and_after_is_missing_from_the_list(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, before: int, after: int, beyond: int
) -> None:
    """Companies come and go while the list is read; the search's own pages say that nothing else is there."""
    more = iter((before, after))
    asked = HubSpotSession.search

    async def search(session: HubSpotSession, kind: str, log: RequestLog, *terms: Any, **body: Any) -> Any:
        rows, total, cursor = await asked(session, kind, log, *terms, **body)
        counting = kind == "companies" and body == {"limit": 1}
        return rows, total + next(more) if counting and total is not None else total, cursor

    monkeypatch.setattr(HubSpotSession, "search", search)
    gap = pulled(sandbox, Kept())[-1].unread
    assert next(more, None) is None
    assert gap is not None  # a note is associated and not there
    assert (f"counts {beyond} more companies" in gap.detail) is (beyond > 0)
    assert ("more companies" in gap.detail) is (beyond > 0)


def test_companies_found_by_their_property_come_in_one_order(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the order of the search, so that the first of duplicates is the same each time."""
    work = partial(fetched, Subject(TWICE, UNTIL))
    straight = using(sandbox, work)
    asked = HubSpotSession.search_companies

    async def search_companies(session: HubSpotSession, *what: Any) -> Any:
        found = await asked(session, *what)
        return replace(found, rows=found.rows[::-1])

    monkeypatch.setattr(HubSpotSession, "search_companies", search_companies)
    turned = using(sandbox, work)
    first, second = ([row["company_id"] for row in batch.tables["company"]] for batch in (straight, turned))
    assert len(first) == 2
    assert first == second


def test_the_demo_portal_equals_the_live_stream(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small slices, cut off behind each: the same rows."""
    monkeypatch.setattr(bulk, "PAGES", 1)
    monkeypatch.setattr("customer_research.sources.hubspot.session.BATCH_SIZE", 2)
    kept = Kept()
    whole = False
    for _ in range(9):
        slices = pulled(sandbox, kept, most=1)
        whole = whole or bool(slices[-1].mark)
        if whole:
            break
    assert whole
    require_equal_to_live(sandbox, kept)


def test_what_may_not_be_read_is_a_gap_of_its_type(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token without the scope for contacts; the sandbox has one token, so the refusal is made here."""
    reading = HubSpotSession._batches

    async def refusing(self: HubSpotSession, kind: str, ids: Sequence[str], *rest: Any, **more: Any) -> Any:
        if kind == "contacts" and ids:
            raise Denied("HubSpot refused the credential (403).", source="hubspot", hint="Check hubspot.token.")
        return await reading(self, kind, ids, *rest, **more)

    kept = Kept()
    with monkeypatch.context() as patched:
        patched.setattr(HubSpotSession, "_batches", refusing)
        last = pulled(sandbox, kept)[-1]
        tables = require_equal_to_live(sandbox, kept)
        cut = Kept()
        pulled(sandbox, cut, most=1)
    assert pulled(sandbox, cut)[-1].mark == ""  # cut off behind the refusal: not forgotten
    told = {(row["operator_id"], row["table_name"]) for row in tables["gap"] if row["reason"] == "denied"}
    assert told == {(OPERATOR, "contact"), (TWICE, "contact")}
    assert last.mark == ""  # the next pull asks for everything
    pulled(sandbox, kept)
    require_equal_to_live(sandbox, kept)


# -- what was changed ----------------------------------------------------------------------------------------------------


@pytest.fixture
def kept(sandbox: Sandbox) -> Kept:
    found = Kept()
    pulled(sandbox, found)
    sandbox.clear_request_log()
    return found


def test_without_a_change_nothing_is_read_but_the_searches(sandbox: Sandbox, kept: Kept) -> None:
    before = {name: dict(rows) for name, rows in kept.tables.items()}
    slices = pulled(sandbox, kept)
    assert {name: unstamped(list(rows.values())) for name, rows in before.items()} == {
        name: unstamped(list(rows.values())) for name, rows in kept.tables.items()
    }
    assert sum(len(rows) for piece in slices[:-1] for rows in piece.rows.values()) == 0
    assert requests(sandbox, "/search") == len(bulk.KINDS) + 1
    assert requests(sandbox, "/batch/read") == 0
    assert len(sandbox.request_log) == 17


def test_edits_new_records_deletions_and_merges_arrive(sandbox: Sandbox, kept: Kept) -> None:
    change(sandbox, "PATCH", f"companies/{FULL_ID}", {"properties": {"city": "Salem", "hubspot_owner_id": "7"}})
    change(sandbox, "PATCH", "contacts/22", {"properties": {"jobtitle": "Dispatcher", "contact_status": "active"}})
    to = {"to": {"id": FULL_ID}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 190}]}
    note = {"hs_note_body": "They want to cancel their subscription.", "hs_timestamp": "2026-10-31T09:00:00.000Z"}
    change(sandbox, "POST", "notes", {"properties": note, "associations": [to]})
    change(sandbox, "DELETE", "deals/31")
    change(sandbox, "DELETE", "companies/10000000002")
    merged = change(
        sandbox, "POST", "companies/merge", {"primaryObjectId": "10000000005", "objectIdToMerge": "10000000004"}
    )
    pulled(sandbox, kept)
    tables = require_equal_to_live(sandbox, kept)
    assert of(tables["company"], OPERATOR)[0]["city"] == "Salem"
    assert of(tables["company"], OPERATOR)[0]["owner_name"] == "owner 7"
    assert {row["deal_id"] for row in of(tables["deal"], OPERATOR)} == {"32", "33"}
    assert any(row["mentions_cancellation"] for row in of(tables["engagement"], OPERATOR) if row["type"] == "note")
    assert of(tables["company"], UNDASHED) == []
    assert [row["company_id"] for row in of(tables["company"], CROWDED)] == [merged["id"]]
    assert {row["company_id"] for row in of(tables["company"], TWICE)} == {"10000000003"}
    full = Kept()
    pulled(sandbox, full)
    for name in kept.tables:
        assert unstamped(kept.rows(name)) == unstamped(full.rows(name)), name


def test_pages_of_changes_go_on_after_being_cut_off(
    sandbox: Sandbox, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("customer_research.sources.hubspot.session.SEARCH_SIZE", 3)
    monkeypatch.setattr("customer_research.sources.hubspot.bulk.SEARCH_SIZE", 3)
    for number in range(40_000_000_000, 40_000_000_010):  # all in one instant: paged by offset
        change(sandbox, "PATCH", f"notes/{number}", {"properties": {"hs_note_body": f"Edited {number}."}})
    for _ in range(40):
        if pulled(sandbox, kept, most=1)[-1].mark:
            break
    else:
        pytest.fail("The pull does not end.")
    require_equal_to_live(sandbox, kept)
    assert sum(row["body"].startswith("Edited") for row in kept.rows("hubspot_engagement") if row["body"]) == 10


def test_an_overlap_is_an_hour_at_most(sandbox: Sandbox, kept: Kept) -> None:
    using(sandbox, lambda session: kept.pull(session, STREAM, overlap=timedelta(days=35)))
    queries = [receipt.query for piece in kept.slices for receipt in piece.receipts if "GTE" in receipt.query]
    wanted = str(int((UNTIL - bulk.OVERLAP).timestamp() * 1000))
    assert all(wanted in query for query in queries)
    assert queries


@pytest.mark.parametrize("fault", ["hubspot:http500", "hubspot:truncate", "hubspot:auth", "hubspot:badjson"])
def test_faults_are_errors_and_the_slices_before_stand(sandbox: Sandbox, kept: Kept, fault: str) -> None:
    before = {name: unstamped(list(rows.values())) for name, rows in kept.tables.items()}
    sandbox.set_faults(fault)
    with pytest.raises(SourceError):
        pulled(sandbox, kept, full=True)
    sandbox.set_faults()
    pulled(sandbox, kept, full=True)
    assert before == {name: unstamped(list(rows.values())) for name, rows in kept.tables.items()}
    assert kept.slices[-1].mark == UNTIL.isoformat()
