"""The warehouse pulled in bulk over real HTTP: rows equal the live ones of each operator, whatever the slices."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulled import UNTIL, Kept, in_session, unstamped
from worlds import Worlds

from customer_research.connect.source import Pull, Row, Slice, Subject
from customer_research.engines.dialect import with_bindings
from customer_research.engines.metabase import MetabaseRunner
from customer_research.errors import SchemaChanged, SourceError
from customer_research.record_tables import LAKE_TABLES, TABLES
from customer_research.settings import Settings, load_settings
from customer_research.sources.warehouse import bulk, slicing
from customer_research.sources.warehouse.bindings import RESERVATION
from customer_research.sources.warehouse.session import WarehouseSession
from customer_research.sources.warehouse.settings import MetabaseSettings
from customer_research.sources.warehouse.slicing import BY_DAY, Range, Slicer, packed
from customer_research.sources.warehouse.source import SOURCE
from customer_research_sandbox.serve import Sandbox

STREAMS = {stream.name: stream for stream in SOURCE.bulk}
BOUND = ("reservation", "member", "driver", "survey", "charge", "dispute")
BY_MODEL, BY_CSM_ONLY, BY_RAW, NO_CARDS = 2, 15, 16, 17


@pytest.fixture(scope="module")
def sandbox(worlds: Worlds) -> Iterator[Sandbox]:
    with worlds.running(slow_seconds=0.5) as running:
        yield running


@pytest.fixture(autouse=True)
def calm(sandbox: Sandbox) -> Iterator[None]:
    sandbox.clear_request_log()
    yield
    sandbox.set_faults()


def scenario(number: int) -> str:
    return f"00000000-5ce0-11f0-a000-{number:012d}"


def configured(sandbox: Sandbox, **metabase: Any) -> Settings:
    settings = load_settings(sandbox.config_path)
    own = settings.of(MetabaseSettings).model_copy(update=metabase)
    return settings.model_copy(update={"metabase": own, "bounds": settings.bounds.of_a_sync})


def using(sandbox: Sandbox, work: Callable[[WarehouseSession], Awaitable[Any]], **metabase: Any) -> Any:
    settings = configured(sandbox, **metabase)

    async def attached(session: WarehouseSession) -> Any:
        session.attach(MetabaseRunner(session.http, settings.of(MetabaseSettings).database), with_bindings)
        return await work(session)

    return in_session(SOURCE, settings, attached)


def pulled(sandbox: Sandbox, kept: Kept, *names: str, full: bool = False, **metabase: Any) -> dict[str, list[Slice]]:
    async def work(session: WarehouseSession) -> dict[str, list[Slice]]:
        return {name: await kept.pull(session, STREAMS[name], full=full) for name in names or STREAMS}

    found: dict[str, list[Slice]] = using(sandbox, work, **metabase)
    return found


def canonical(kept: Kept) -> dict[str, list[Row]]:
    """All canonical tables: those that landed as such, and those that the links make."""
    made = {name: kept.rows(name) for name in kept.tables if name in LAKE_TABLES}
    for link in SOURCE.links:
        made[link.table] = kept.linked(link, {"operator": made.get("operator", [])})
    return made


@pytest.fixture(scope="module")
def kept(sandbox: Sandbox) -> Kept:
    found = Kept()
    pulled(sandbox, found)
    return found


@pytest.fixture(scope="module")
def tables(kept: Kept) -> dict[str, list[Row]]:
    return canonical(kept)


def of(rows: list[Row], operator_id: str) -> list[Row]:
    return [row for row in rows if row["operator_id"] == operator_id]


# -- equal to the live rows ----------------------------------------------------------------------------------------------


def live_subject(sandbox: Sandbox, operator_id: str) -> Subject:
    """The operator as research knows it: the account of its current row in the CSM view."""
    relation = sandbox.dataset.warehouse["MOOVS.CSM_MOOVS"].rows
    accounts = [row["P_STRIPE_ACCOUNT_ID"] for row in relation if row["LAGO_EXTERNAL_CUSTOMER_ID"] == operator_id]
    return Subject(operator_id, UNTIL, stripe_account=next(filter(None, accounts), None))


@pytest.mark.parametrize("number", [BY_MODEL, 6, 8, 9, 14, BY_CSM_ONLY, BY_RAW, NO_CARDS, 20, 28])
def test_rows_equal_the_live_ones_cell_by_cell(sandbox: Sandbox, tables: Mapping[str, list[Row]], number: int) -> None:
    operator_id = scenario(number)

    async def work(session: WarehouseSession) -> dict[str, list[Row]]:
        who = live_subject(sandbox, operator_id)
        found = {"csm": (await session.csm_by_operator(operator_id)).tables["csm"]}
        cards = await session.card_query(
            {"card": "SELECT COUNT(*) AS charge_attempts FROM charge", **{t: f"SELECT * FROM {t}" for t in BOUND[-2:]}},
            who,
        )
        found |= {table: [] if cards.gap else cards.answers[table].rows for table in BOUND[-2:]}
        for table in BOUND[:-2]:
            asked = await session.query(f"SELECT * FROM {table}", tables=(table,), subject=who, stream=table)
            found[table] = asked.answer.rows
        gaps = of(tables["gap"], operator_id)
        assert bool(gaps) is (cards.gap is not None)
        if cards.gap is not None:
            assert {(gap["table_name"], gap["reason"], gap["detail"], gap["next_step"]) for gap in gaps} == {
                (table, cards.gap.reason, cards.gap.detail, cards.gap.next_step) for table in BOUND[-2:]
            }
        return found

    for table, expected in using(sandbox, work).items():
        assert unstamped(of(tables[table], operator_id)) == unstamped(expected), table
        assert len(of(tables[table], operator_id)) == len(expected), table


def test_the_rows_are_those_of_the_warehouse(sandbox: Sandbox, kept: Kept) -> None:
    relations = sandbox.dataset.warehouse
    assert len(kept.rows("csm")) == len(relations["MOOVS.CSM_MOOVS"].rows)
    assert len(kept.rows("reservation")) == len(relations["FACT.MOOVS_OPERATOR_RESERVATIONS"].rows)
    assert len(kept.rows("charge_by_account")) == len(relations["MOZART_NEW.MOOVS_PLATFORM_CHARGES"].rows)
    accounts = {row["STRIPE_ACCOUNT_ID"] for row in relations["MOZART_NEW.MOOVS_PLATFORM_CHARGES"].rows}
    beside = [row for row in relations["STRIPE_MOOVS.CHARGE"].rows if row["CONNECTED_ACCOUNT_ID"] not in accounts]
    assert len(kept.rows("raw_charge_by_account")) == len(beside) > 0
    assert {row["stripe_account"] for row in kept.rows("raw_charge_by_account")}.isdisjoint(accounts)
    for table in ("reservation", "member", "driver", "survey", "csm"):
        assert set(kept.kinds[table].columns) == set(TABLES[table].column_names)


def test_every_operator_of_the_view_and_of_the_app_is_listed_once(
    sandbox: Sandbox, tables: Mapping[str, list[Row]]
) -> None:
    view = {row["LAGO_EXTERNAL_CUSTOMER_ID"]: row for row in sandbox.dataset.warehouse["MOOVS.CSM_MOOVS"].rows}
    app = {row["OPERATOR_ID"]: row for row in sandbox.dataset.warehouse["POSTGRES_SWOOP.OPERATOR"].rows}
    listed = {row["operator_id"]: row for row in tables["operator"]}
    assert len(tables["operator"]) == len(listed)
    assert set(listed) == set(view) | set(app)
    for operator_id, row in listed.items():
        assert set(row) == set(LAKE_TABLES["operator"].column_names)
        known = [mark for mark, place in (("csm", view), ("app", app)) if operator_id in place]
        assert row["known_by"] == f"|{'|'.join(known)}|"
        if operator_id not in view:
            assert row["stripe_account"] == app[operator_id]["STRIPE_ACCOUNT"]
            assert row["created_at"] == app[operator_id]["CREATED_AT"]
    assert listed[scenario(BY_CSM_ONLY)]["stripe_account"] == view[scenario(BY_CSM_ONLY)]["P_STRIPE_ACCOUNT_ID"]
    assert app[scenario(BY_CSM_ONLY)]["STRIPE_ACCOUNT"] is None
    assert listed[scenario(30)]["hubspot_company_id"] == "12345678901"


def test_accounts_are_compared_with_their_capital_letters(tables: Mapping[str, list[Row]]) -> None:
    by_account: dict[str, set[str]] = {}
    for row in tables["charge"]:
        by_account.setdefault(row["stripe_account"], set()).add(row["operator_id"])
    twins = [account for account in by_account if account.swapcase() != account and len(by_account[account]) != 1]
    assert twins == []
    lowered = [account.lower() for account in by_account]
    assert len(set(lowered)) < len(lowered)  # the twins of S28 are there, and apart


# -- slices, resuming, changes -------------------------------------------------------------------------------------------


def test_small_slices_bring_the_same_and_go_on_where_they_were_cut_off(
    sandbox: Sandbox, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slicing, "SLICE_ROWS", 700)
    found = Kept()

    async def cut(session: WarehouseSession) -> None:
        for name in ("csm", "reservations", "cards"):
            for most in (1, 2, 2):  # three pulls that are cut off, each behind a slice or two
                await found.pull(session, STREAMS[name], most=most)
            await found.pull(session, STREAMS[name])

    using(sandbox, cut)
    for table in ("csm", "reservation", "charge_by_account", "dispute_by_account", "raw_charge_by_account", "card_gap"):
        assert unstamped(found.rows(table)) == unstamped(kept.rows(table)), table
    assert max(len(rows) for piece in found.slices for rows in piece.rows.values()) <= 700
    assert len({piece.cursor for piece in found.slices}) >= len(found.slices) - 9


DAYS = st.lists(st.tuples(st.integers(0, 400), st.integers(1, 90)), max_size=40, unique_by=lambda one: one[0])


@given(DAYS, st.none() | st.integers(-5, 0))
def test_ranges_lie_end_to_end_and_hold_at_most_what_they_may(days: list[tuple[int, int]], begin: int | None) -> None:
    start = datetime(2025, 1, 1, tzinfo=UTC)
    counted = [(start + timedelta(days=day), number) for day, number in sorted(days)]
    first = None if begin is None else start + timedelta(days=begin)
    ranges = packed(counted, 50, first)
    assert sum(one.records for one in ranges) == sum(number for _, number in counted)
    if ranges:
        assert (ranges[0].lower, ranges[-1].upper) == (first, None)
    for one, following in pairwise(ranges):
        assert one.upper == following.lower
    for one in ranges:
        assert one.records <= 50 or one.span is not None


def test_a_day_that_is_too_large_is_halved_and_halved_again(
    sandbox: Sandbox, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_day: dict[datetime, set[str]] = {}
    for row in kept.rows("reservation"):
        by_day.setdefault(row["created_at"].replace(hour=0, minute=0, second=0, microsecond=0), set()).add(
            row["trip_id"]
        )
    day, there = max(by_day.items(), key=lambda one: len(one[1]))
    monkeypatch.setattr(slicing, "SLICE_ROWS", 25)
    end = day + timedelta(days=1)

    async def work(session: WarehouseSession) -> list[tuple[Range, list[str]]]:
        source = f"({RESERVATION.everybody(session.own)}) AS t"
        slicer = Slicer(session, "reservation", source, BY_DAY)
        pieces = slicer.bring(Range(day, end, len(there), span=(day, end)))
        return [(piece, [row["trip_id"] for row in answer.rows]) async for piece, answer in pieces]

    pieces = using(sandbox, work)
    assert len(pieces) > len(there) / 25
    assert [one[0].upper for one in pieces[:-1]] == [one[0].lower for one in pieces[1:]]
    ids = [trip for _, trips in pieces for trip in trips]
    assert (len(ids), set(ids)) == (len(there), there)
    for piece, trips in pieces:
        assert len(trips) == piece.records
        assert piece.span is not None
        assert len(trips) <= 25 or piece.span[1] - piece.span[0] <= slicing.SHORTEST


def test_records_without_a_day_are_a_slice_of_their_own() -> None:
    assert Range(None, None, 3, empty=True).condition("t.created_at") == ("t.created_at IS NULL", {})
    assert Range(None, None, 3).condition("t.created_at") == ("t.created_at IS NOT NULL", {})


def test_an_incremental_pull_asks_for_what_may_have_changed_and_tells_what_is_gone(
    sandbox: Sandbox, kept: Kept
) -> None:
    found = Kept()
    names = ("reservations", "cards", "members")
    pulled(sandbox, found, *names)
    since = UNTIL - timedelta(days=35)
    recent = next(row for row in found.rows("reservation") if row["created_at"] >= since)
    old = next(row for row in found.rows("reservation") if row["created_at"] < since and row["pickup_at"] < since)
    for template, new in ((recent, "ghost-new"), (old, "ghost-old")):
        ghost = {**template, "trip_id": new}
        found.tables["reservation"][ghost["operator_id"], new] = ghost
    member = {**found.rows("member")[0], "member_id": "ghost"}
    found.tables["member"][member["operator_id"], "ghost"] = member
    again = pulled(sandbox, found, *names)
    ids = {row["trip_id"] for row in found.rows("reservation")}
    assert "ghost-new" not in ids
    assert "ghost-old" in ids  # out of the window: only a full pull can tell
    assert "ghost" not in {row["member_id"] for row in found.rows("member")}
    brought = sum(len(piece.rows.get("reservation", ())) for piece in again["reservations"])
    expected = [
        row for row in kept.rows("reservation")
        if any(row[name] is not None and row[name] >= since for name in ("created_at", "pickup_at", "cancelled_at"))
    ]  # fmt: skip
    assert brought == len(expected) < len(kept.rows("reservation")) / 2
    pulled(sandbox, found, "reservations", full=True)
    assert unstamped(found.rows("reservation")) == unstamped(kept.rows("reservation"))
    assert unstamped(found.rows("charge_by_account")) == unstamped(kept.rows("charge_by_account"))


def gone_of(piece: Range, since: datetime | None, *came: str) -> list[str]:
    """Of trips that landed on 1, 5 and 9 October those that a slice says are gone."""
    found = Kept()
    found.kinds = {table.name: table for table in STREAMS["reservations"].tables}
    found.tables = {name: {} for name in found.kinds}
    days = {"first": 1, "fifth": 5, "ninth": 9}
    blank = dict.fromkeys(found.kinds["reservation"].columns)
    found.tables["reservation"] = {
        ("op", name): {**blank, "operator_id": "op", "trip_id": name, "created_at": datetime(2026, 10, day, tzinfo=UTC)}
        for name, day in days.items()
    }
    pull = Pull(UNTIL, None, None, timedelta(days=35), found.ask)
    part = bulk.Part(found.kinds["reservation"], RESERVATION)
    rows = [found.tables["reservation"]["op", name] for name in came]
    return [trip for names in bulk._gone(pull, part, piece, since, rows).values() for _, trip in names]


def test_what_is_gone_lies_in_the_slice_and_after_the_last_pull() -> None:
    def day(number: int) -> datetime:
        return datetime(2026, 10, number, tzinfo=UTC)

    whole, late = Range(day(1), None, 1), Range(day(5), day(9), 1)
    assert gone_of(whole, day(1)) == ["first", "fifth", "ninth"]
    assert gone_of(whole, day(4)) == ["fifth", "ninth"]  # what was created before was not asked for
    assert gone_of(late, day(1)) == ["fifth"]  # nor what lies before the slice, or at its end
    assert gone_of(late, day(1), "fifth") == []
    assert gone_of(Range(None, day(5), 1), day(1)) == ["first"]
    assert gone_of(whole, None) == []


# -- what is not there ---------------------------------------------------------------------------------------------------


def test_a_survey_that_is_switched_off_or_missing_leaves_a_gap(sandbox: Sandbox) -> None:
    for survey in ("", "SWOOP.NO_SUCH_TABLE"):
        found = Kept()
        last = pulled(sandbox, found, "surveys", survey=survey)["surveys"][-1]
        assert last.gaps["survey"].reason == "not_configured"
        assert (found.rows("survey"), last.whole) == ([], ("survey",))


def test_a_missing_relation_fails_its_stream_and_nothing_else(sandbox: Sandbox) -> None:
    with pytest.raises(SchemaChanged, match="NO_SUCH"):
        pulled(sandbox, Kept(), "members", member="POSTGRES_SWOOP.NO_SUCH")
    with pytest.raises(SchemaChanged, match="NO_SUCH"):
        pulled(sandbox, Kept(), "cards", charges="MOZART_NEW.NO_SUCH")


def test_raw_tables_that_cannot_be_read_are_a_gap_of_those_who_need_them(sandbox: Sandbox) -> None:
    found = Kept()
    pulled(sandbox, found, "csm", "operators", "cards", raw_charge="STRIPE_MOOVS.NO_SUCH")
    tables = canonical(found)
    gaps = {(row["table_name"], row["reason"]) for row in of(tables["gap"], scenario(BY_RAW))}
    assert gaps == {("charge", "unavailable"), ("dispute", "unavailable")}
    assert of(tables["gap"], scenario(BY_MODEL)) == []
    assert of(tables["charge"], scenario(BY_MODEL)) != []
    cut = Kept()
    none = "STRIPE_MOOVS.NO_SUCH"
    using(sandbox, lambda session: cut.pull(session, STREAMS["cards"], most=3), raw_charge=none)
    assert cut.cursors["cards"] == "raw_charge_by_account done"
    pulled(sandbox, cut, "csm", "operators", "cards", raw_charge=none)
    assert unstamped(of(canonical(cut)["gap"], scenario(BY_RAW))) == unstamped(of(tables["gap"], scenario(BY_RAW)))
    off = Kept()
    pulled(sandbox, off, "csm", "operators", "cards", raw_charge="")
    assert of(canonical(off)["gap"], scenario(BY_RAW)) == []  # as live: the model has nothing, and nobody else is asked


def test_without_a_charge_model_charges_are_unknown_of_everybody(sandbox: Sandbox) -> None:
    found = Kept()
    last = pulled(sandbox, found, "csm", "operators", "cards", charges="")["cards"][-1]
    assert last.mark == ""  # when it is set, everything is pulled
    gaps = canonical(found)["gap"]
    assert {(row["operator_id"], row["table_name"], row["reason"]) for row in gaps} == {
        (None, "charge", "not_configured"),
        (None, "dispute", "not_configured"),
    }


@pytest.mark.parametrize("fault", ["metabase:http500", "metabase:truncate", "metabase:auth"])
def test_faults_are_errors_and_the_slices_before_stand(sandbox: Sandbox, fault: str) -> None:
    found = Kept()

    async def work(session: WarehouseSession) -> None:
        await found.pull(session, STREAMS["cards"], most=1)
        sandbox.set_faults(fault)
        with pytest.raises(SourceError):
            await found.pull(session, STREAMS["cards"])

    using(sandbox, work)
    assert found.rows("charge_by_account") != []
    sandbox.set_faults()
    pulled(sandbox, found, "cards")
    assert found.rows("dispute_by_account") != []
