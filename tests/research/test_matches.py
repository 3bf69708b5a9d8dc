"""What people decide of matches: kept, and the same for one operator as it is fetched and for the lake."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from made_up_lake import fill, settings_in
from pydantic import SecretStr

from customer_research.domain.account import Records
from customer_research.domain.evidence import Receipt
from customer_research.domain.match import (
    CERTAIN,
    CONFIDENCE,
    PROBABLE,
    MatchDecision,
    Ruling,
    confidence,
    decided,
    decided_sql,
)
from customer_research.domain.vocabularies import VOCABULARIES
from customer_research.engines.duckdb import Memory
from customer_research.errors import UsageError
from customer_research.lake import Lake, LandingFile, StreamState
from customer_research.record_tables import MATCHED, TABLES
from customer_research.research import Research
from customer_research.research.engine_choice import scratch
from customer_research.research.match_decisions import SOURCE, as_decided
from customer_research.research.portfolio.books import looking
from customer_research.research.portfolio.measurement import put
from customer_research.research.sync import run as sync
from customer_research.research.usecases import Actor, Answer, Runner, Table, finished
from customer_research.research.write_back import _companies as companies_written
from customer_research.settings import Settings
from customer_research.store.books import Books

NOW = datetime(2026, 11, 2, tzinfo=UTC)


def test_every_table_of_matches_tells_records_and_how_they_were_matched() -> None:
    assert {"ticket", "conversation"} <= MATCHED.keys()
    for table, key in MATCHED.items():
        assert {key, "operator_id", "matched_by", "is_certain", "created_at"} <= set(TABLES[table].column_names)


def test_every_way_in_which_a_record_is_matched_has_a_confidence() -> None:
    for table in MATCHED:
        assert set(VOCABULARIES[f"{table}.matched_by"]) <= CONFIDENCE.keys()
    for way, best in CONFIDENCE.items():
        assert confidence(way, is_certain=True) == best <= 1
        assert confidence(way, is_certain=False) < CERTAIN, way
    assert confidence("title", is_certain=False) > confidence("text", is_certain=False) >= PROBABLE


def test_decisions_are_the_same_in_a_query_and_on_rows() -> None:
    rows = [
        {"operator_id": operator, "ticket_id": f"t{number}", "matched_by": path, "is_certain": certain}
        for operator in ("op-1", "op-2")
        for number, (path, certain) in enumerate([("title", False), ("tag", True), ("text", None), ("text", False)])
    ]
    given: tuple[tuple[str, int, Ruling], ...] = (
        ("op-1", 0, "confirmed"),
        ("op-1", 1, "confirmed"),
        ("op-1", 2, "confirmed"),
        ("op-1", 3, "refused"),
        ("op-2", 1, "refused"),
        ("op-9", 0, "refused"),
    )
    made = [MatchDecision("ticket", f"t{number}", operator, ruling, "ada", NOW) for operator, number, ruling in given]
    told = decided(rows, "ticket_id", made)
    engine = Memory()
    columns = {"operator_id": "VARCHAR", "ticket_id": "VARCHAR", "matched_by": "VARCHAR", "is_certain": "BOOLEAN"}
    engine.create("found", columns, rows)
    names = ("record_id", "operator_id", "ruling")
    engine.create(
        "ruled", dict.fromkeys(names, "VARCHAR"), [{name: getattr(one, name) for name in names} for one in made]
    )
    queried = engine.run(decided_sql("SELECT * FROM found", "ticket_id", "ruled"))
    assert sorted(map(str, queried)) == sorted(map(str, told))
    assert [(one["operator_id"], one["ticket_id"], one["matched_by"], one["is_certain"]) for one in told] == [
        ("op-1", "t0", "confirmed", True),
        ("op-1", "t1", "tag", True),
        ("op-1", "t2", "confirmed", True),
        ("op-2", "t0", "title", False),
        ("op-2", "t2", "text", None),
        ("op-2", "t3", "text", False),
    ]


@dataclass(frozen=True)
class Desk:
    """A lake and a store of one's own, beside the shared sandbox."""

    settings: Settings

    def ask(self, name: str, **request: Any) -> Answer:
        async def once() -> Answer:
            async with Runner(self.settings) as runner:
                return await runner.use(name, request, Actor("ada", "cli", frozenset({"read", "act", "finance"})))

        return finished(once())

    def at(self, now: datetime) -> Desk:
        """The same desk at another time."""
        return Desk(self.settings.model_copy(update={"clock": now}))

    def matches(self, *, decided: bool = False, operator: str | None = None) -> list[dict[str, Any]]:
        """What `matches list` tells."""
        found: list[dict[str, Any]] = self.ask("matches list", decided=decided, operator=operator).document["matches"]
        return found

    def live(self, operator: str) -> dict[str, tuple[str, bool]]:
        """The operator's tickets as they are fetched: how each was matched, and whether that is sure."""

        async def once() -> dict[str, tuple[str, bool]]:
            async with Research(self.settings) as research:
                account = await research.account(operator)
                assert account.records["ticket"].gap is None
                return {
                    row["ticket_id"]: (row["matched_by"], row["is_certain"]) for row in account.records["ticket"].rows
                }

        return finished(once())

    def pulled(self, operator: str) -> dict[str, tuple[str, bool]]:
        """The same of the lake after another sync."""
        sync(self.settings, lambda: self.settings.clock or NOW, sources=("notion",))
        rows = self.kept(f"operator_id = '{operator}'")
        return {row["ticket_id"]: (row["matched_by"], row["is_certain"]) for row in rows}

    def kept(self, condition: str) -> list[dict[str, Any]]:
        """Tickets of the lake."""
        with scratch(self.settings) as engine:
            engine.attach("ticket", Lake(self.settings.lake_folder).tables().files["ticket"].paths)
            return engine.run(f"SELECT * FROM ticket WHERE {condition} ORDER BY ticket_id")


@pytest.fixture
def desk(portfolio_settings: Settings, tmp_path: Path) -> Desk:
    shutil.copytree(portfolio_settings.lake_folder, tmp_path / "lake")
    changes = {
        "lake": portfolio_settings.lake.model_copy(update={"folder": tmp_path / "lake"}),
        "store": portfolio_settings.store.model_copy(update={"url": SecretStr(f"sqlite:///{tmp_path}/store.db")}),
    }
    return Desk(portfolio_settings.model_copy(update=changes))


def test_what_was_decided_counts_at_once_in_reports_and_from_the_next_sync_on_in_lists(desk: Desk) -> None:
    waiting = desk.matches()
    assert waiting
    assert all(one["table"] in {*MATCHED, "company"} and not one["is_certain"] for one in waiting)
    first = waiting[0]
    operator, ticket = first["operator_id"], first["record_id"]
    before = desk.live(operator)
    assert before[ticket] == (first["matched_by"], False)
    assert "confirmed" in desk.ask("matches confirm", operator=operator, record=ticket[:8], note="Saw it.").lines[0]
    assert desk.matches(operator=operator) == [one for one in waiting[1:] if one["operator_id"] == operator]
    (made,) = desk.matches(decided=True)
    assert (made["record_id"], made["decision"], made["decided_by"], made["note"]) == (
        ticket,
        "confirmed",
        "ada",
        "Saw it.",
    )
    expected = {**before, ticket: ("confirmed", True)}
    assert desk.live(operator) == expected
    assert desk.pulled(operator) == expected
    desk.ask("matches refuse", operator=operator, record=ticket)
    del expected[ticket]
    assert desk.live(operator) == expected
    assert desk.pulled(operator) == expected
    assert [one["decision"] for one in desk.matches(decided=True)] == ["refused"], "one decision a match, the last"
    desk.ask("matches reopen", operator=operator, record=ticket)
    assert desk.live(operator) == before
    assert desk.pulled(operator) == before
    assert desk.matches() == waiting


def test_an_account_owner_s_matches_are_those_of_their_book(portfolio_settings: Settings) -> None:
    """The newest snapshot says whose operators are whose."""
    desk, every = Desk(portfolio_settings), Desk(portfolio_settings).matches()
    clock = portfolio_settings.clock
    assert clock is not None
    with looking(portfolio_settings, clock) as (store, ready):
        books = Books(store)
        owners = [one for one in books.people(ready) if one[0]]
        owned = {owner: books.owned(ready, [(owner, name)]) for owner, name in owners}
    assert len(owners) > 1
    for owner, _name in owners:
        told = desk.ask("matches list", whose={"owner": owner}).document["matches"]
        assert told == [one for one in every if one["operator_id"] in owned[owner]]


def test_only_what_is_open_to_a_decision_is_decided(desk: Desk) -> None:
    probable = desk.matches()[0]
    sure = desk.kept("is_certain")[0]
    for name, operator, record, said in (
        ("confirm", probable["operator_id"], "ffffffffffff", "There is no match"),
        ("confirm", probable["operator_id"], "zz", "no match's record"),
        ("confirm", sure["operator_id"], sure["ticket_id"], "for sure already"),
        ("reopen", probable["operator_id"], probable["record_id"], "Nobody decided"),
    ):
        with pytest.raises(UsageError, match=said):
            desk.ask(f"matches {name}", operator=operator, record=record)
    assert desk.matches(decided=True) == []
    assert desk.ask("matches list", decided=True).lines == ("No match was confirmed or refused.",)
    told = desk.ask("matches list", limit=1).body
    assert isinstance(told, Table)
    assert len(told.rows) == 1
    assert f"{len(desk.matches()) - 1:,} more (--limit 0 lists all)." in told.after


def test_the_past_does_not_know_what_was_decided_later(desk: Desk) -> None:
    """Neither where the tickets' source was read before the decision only, nor of one operator as of an earlier instant."""
    now, hour = desk.settings.clock, timedelta(hours=1)
    assert now is not None
    probable = desk.matches()[0]
    operator, ticket = probable["operator_id"], probable["record_id"]
    was, becomes = (probable["matched_by"], False), ("confirmed", True)
    desk.at(now + 2 * hour).ask("matches confirm", operator=operator, record=ticket)
    later = desk.at(now + 3 * hour)
    assert desk.live(operator)[ticket] == was
    assert later.live(operator)[ticket] == becomes
    sync(later.settings, lambda: now + 3 * hour, sources=("lago",))
    tables = Lake(desk.settings.lake_folder).tables()
    for hours, expected in ((0, was), (1, was), (2, becomes), (3, becomes)):
        with scratch(desk.settings) as engine:
            put(engine, "ticket", "ticket", tables.at(now + hours * hour, desk.settings.lake.patience))
            rows = engine.run(
                "SELECT * FROM ticket WHERE ticket_id = $one AND operator_id = $two", {"one": ticket, "two": operator}
            )
        assert [(row["matched_by"], row["is_certain"]) for row in rows] == [expected], hours


def test_what_was_decided_is_proven(desk: Desk) -> None:
    """The receipt of the decisions stands beside the vendor's, in a report and in the lake, and only where there are some."""
    probable = desk.matches()[0]
    operator, ticket = probable["operator_id"], probable["record_id"]

    def proofs() -> list[Receipt]:
        async def once() -> list[Receipt]:
            async with Research(desk.settings) as research:
                fact = (await research.account(operator)).fact("open_tickets")
                assert fact is not None
                return [one for one in fact.basis if one.source == SOURCE]

        return finished(once())

    def of_lake() -> list[Receipt]:
        desk.pulled(operator)
        receipts = Lake(desk.settings.lake_folder).tables().files["ticket"].receipts
        return [one for one in receipts if one.source == SOURCE]

    assert proofs() == of_lake() == []
    desk.ask("matches refuse", operator=operator, record=ticket)
    (proof,) = proofs()
    assert (proof.stream, proof.rows, proof.fetched_at) == ("ticket", 1, desk.settings.clock)
    assert of_lake() == [proof]
    desk.ask("matches reopen", operator=operator, record=ticket)
    assert proofs() == of_lake() == []


def test_conversations_wait_for_a_decision_as_tickets_do(tmp_path: Path) -> None:
    desk = Desk(settings_in(tmp_path))
    one = {"conversation_id": "215000000000001", "operator_id": "op-1", "matched_by": "contact", "is_certain": False}
    sure = {**one, "conversation_id": "215000000000002", "matched_by": "company", "is_certain": True}
    fill(
        desk.settings.lake_folder,
        {"operator": [{"operator_id": "op-1", "name": "Quill Cars"}], "conversation": [one, sure]},
    )
    (told,) = desk.matches()
    assert (told["table"], told["record_id"], told["name"]) == ("conversation", one["conversation_id"], "Quill Cars")
    body = desk.ask("matches list").body
    assert isinstance(body, Table)
    assert body.rows[0][:4] == ("Quill Cars", one["conversation_id"], "conversation: without a title", "contact (0.7)")
    desk.ask("matches refuse", operator="Quill Cars", record=one["conversation_id"], note="Mail ann@example.com")
    assert desk.matches() == []
    (decided,) = desk.matches(decided=True)
    assert decided["decision"] == "refused"
    assert "ann@" not in decided["note"]


def test_a_store_that_cannot_be_read_makes_nothing_of_a_probable_match(tmp_path: Path) -> None:
    place = tmp_path / "store.db"
    settings = Settings.model_validate({"store": {"url": f"sqlite:///{place}"}})
    row = {"operator_id": "op-1", "ticket_id": "t1", "matched_by": "title", "is_certain": False}
    records = Records("ticket", (row,), ())
    assert as_decided(settings, "op-1", NOW, records) == records
    assert not place.exists(), "who only reads leaves no file behind"
    place.write_text("no database")
    unread = as_decided(settings, "op-1", NOW, records)
    assert unread.gap is not None
    assert unread.gap.reason == "unavailable"
    certain = replace(records, rows=({**row, "is_certain": True},))
    assert as_decided(settings, "op-1", NOW, certain) == certain


RELATIONSHIP = ("company", "contact", "deal", "engagement")


def of_hubspot(desk: Desk, operator: str) -> dict[str, set[str]]:
    """What HubSpot holds of an operator as it is fetched: the ids of each table, companies with how they were linked."""

    async def once() -> dict[str, set[str]]:
        async with Research(desk.settings) as research:
            account = await research.account(operator)
            assert all(account.records[table].gap is None for table in RELATIONSHIP)
            return {table: {_told(table, row) for row in account.records[table].rows} for table in RELATIONSHIP}

    return finished(once())


def in_lake(desk: Desk, operator: str) -> dict[str, set[str]]:
    """The same of the lake after another sync."""
    sync(desk.settings, lambda: desk.settings.clock or NOW, sources=("hubspot",))
    tables, found = Lake(desk.settings.lake_folder).tables(), {}
    with scratch(desk.settings) as engine:
        for table in RELATIONSHIP:
            engine.attach(table, tables.files[table].paths)
            rows = engine.run(f"SELECT * FROM {table} WHERE operator_id = $one", {"one": operator})
            found[table] = {_told(table, row) for row in rows}
    return found


def _told(table: str, row: Mapping[str, Any]) -> str:
    return f"{row[f'{table}_id']} {row['linked_by']}" if table == "company" else str(row[f"{table}_id"])


def test_a_company_that_is_refused_takes_all_of_hubspot_away_and_a_confirmed_one_brings_its_own(desk: Desk) -> None:
    with scratch(desk.settings) as engine:
        files = Lake(desk.settings.lake_folder).tables().files
        for table in RELATIONSHIP:
            engine.attach(table, files[table].paths)
        rows = engine.run(
            """
            SELECT operator_id, company_id FROM company
            WHERE linked_by = 'csm' AND operator_id IN (SELECT operator_id FROM contact)
                AND operator_id IN (SELECT operator_id FROM engagement)
            QUALIFY COUNT(*) OVER (PARTITION BY company_id) = 1 AND COUNT(*) OVER (PARTITION BY operator_id) = 1
            ORDER BY ALL LIMIT 2
            """
        )
    (operator, own), (_, other) = ((str(row["operator_id"]), str(row["company_id"])) for row in rows)
    before = of_hubspot(desk, operator)
    assert before["company"] == {f"{own} csm"}
    clock = desk.settings.clock
    assert clock is not None
    snapshot = cast("Any", SimpleNamespace(as_of=clock))
    assert companies_written(desk.settings, snapshot)[operator] == own

    assert "refused" in desk.ask("matches refuse", operator=operator, record=own, note="Their neighbour's.").lines[0]
    assert operator not in companies_written(desk.settings, snapshot), "before the next sync already"
    nothing: dict[str, set[str]] = {table: set() for table in RELATIONSHIP}
    assert of_hubspot(desk, operator) == in_lake(desk, operator) == nothing

    desk.ask("matches confirm", operator=operator, record=other)
    now = of_hubspot(desk, operator)
    assert now["company"] == {f"{other} confirmed"}
    assert now["contact"]
    assert in_lake(desk, operator) == now
    shared = [one for one in desk.matches() if one["record_id"] == other]
    assert [(one["matched_by"], one["confidence"]) for one in shared] == [("csm", 0.7)], "it is two operators' now"

    for company in (own, other):
        desk.ask("matches reopen", operator=operator, record=company)
    assert of_hubspot(desk, operator) == in_lake(desk, operator) == before


def test_decisions_on_companies_that_cannot_be_read_leave_all_of_hubspot_unknown(desk: Desk) -> None:
    (operator,) = {one["operator_id"] for one in desk.kept("is_certain")[:1]}
    Path(desk.settings.store_url.removeprefix("sqlite:///")).write_text("no database")

    async def once() -> list[tuple[str, str]]:
        async with Research(desk.settings) as research:
            records = (await research.account(operator)).records
            gaps = [records[table].gap for table in RELATIONSHIP]
            return [(gap.source, gap.reason) for gap in gaps if gap is not None]

    assert finished(once()) == [(SOURCE, "unavailable")] * len(RELATIONSHIP)


def test_companies_that_are_only_alike_wait_and_those_of_two_operators_too(tmp_path: Path) -> None:
    desk = Desk(settings_in(tmp_path))
    company = {"company_id": "70001", "operator_id": "op-1", "name": "Quill", "linked_by": "csm"}
    fill(
        desk.settings.lake_folder,
        {
            "operator": [
                {"operator_id": f"op-{one}", "name": name} for one, name in enumerate(("Quill", "Elm", "Oak LLC"), 1)
            ],
            "company": [company, {**company, "operator_id": "op-2", "linked_by": "property"}],
        },
    )
    told = {(one["operator_id"], one["record_id"], one["matched_by"], one["confidence"]) for one in desk.matches()}
    assert told == {("op-1", "70001", "csm", 0.7), ("op-2", "70001", "property", 0.7)}
    with scratch(desk.settings) as engine:
        landed = desk.settings.lake_folder / "landed.parquet"
        engine.run(
            f"""
            COPY (
                SELECT * FROM (VALUES ('70001', 'Quill'), ('70002', 'Oak Inc'), ('70003', 'Elm'), ('70004', 'Ash')) AS v (company_id, name),
                (SELECT NULL AS domain, NULL AS city, NULL AS phone, NULL::TIMESTAMP AS created_at)
            ) TO '{landed}' (FORMAT parquet)
            """
        )
    with Lake(desk.settings.lake_folder).writing() as lake:
        file = LandingFile("landed.parquet", 4, "")
        lake.put_stream("hubspot.records", StreamState("shape", landed={"hubspot_company": file}))
    assert {(one["operator_id"], one["record_id"]) for one in desk.matches()} - {one[:2] for one in told} == {
        ("op-3", "70002")
    }, "only who has none"
    desk.ask("matches confirm", operator="op-3", record="70004")
    (made,) = desk.matches(decided=True)
    assert (made["operator_id"], made["record_id"], made["decision"]) == ("op-3", "70004", "confirmed")
