"""A table of which two sources tell: one of them gives the rows, of one operator as in the lake; no sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import duckdb
import pytest
from made_up_vendor import NOW, Shelf, Vendor, canonical

from customer_research.connect.failures import gap_of
from customer_research.connect.source import Batch, LandingTable, Link, Row, Source, Stream, Subject
from customer_research.connect.sql import SqlAnswer
from customer_research.domain.account import Account, Records
from customer_research.domain.catalogue import METRICS, SUBJECTS
from customer_research.domain.evidence import Fact, Gap, Receipt
from customer_research.domain.tables import TableFile, TableSet
from customer_research.engines.duckdb import Memory
from customer_research.errors import CustomerResearchError, Unavailable
from customer_research.lake import Lake
from customer_research.metrics.queries import subject_sql
from customer_research.reports import disagreements
from customer_research.research import second_sources
from customer_research.research.connections import Connections
from customer_research.research.one.dossier import BOUND_TABLES, Dossier
from customer_research.research.one.figures import Measurement, measure_arrived
from customer_research.research.one.freshness import freshness
from customer_research.research.one.gather import Gatherer
from customer_research.research.one.second import Offer, choose
from customer_research.research.portfolio import warehouse_views
from customer_research.research.second_sources import Told, why_home
from customer_research.research.sync import run
from customer_research.settings import LakeSettings, Settings

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
PEOPLE = frozenset({"member", "driver"})
SECOND = "intercom"


@pytest.fixture(autouse=True)
def _second(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another source that could give the warehouse's people."""
    for room in (second_sources, disagreements):
        monkeypatch.setattr(room, "SECOND", dict.fromkeys(PEOPLE, SECOND))


def member(number: int, *, hours: int = 48, **values: Any) -> Row:
    created = AS_OF - timedelta(hours=hours)
    named = {"operator_id": "one", "member_id": f"m{number}", "name": "Ada Roe", "role": "owner"}
    return {**named, "created_at": created, "removed_at": None, "last_login_at": created, **values}


def driver(number: int) -> Row:
    created = AS_OF - timedelta(days=9)
    ends = {"deactivated_at": None, "removed_at": None}
    return {"operator_id": "one", "driver_id": f"d{number}", "created_at": created, **ends}


class Home:
    """The warehouse: it counts and measures where its rows are."""

    def __init__(self, **rows: list[Row]) -> None:
        self.rows = rows

    async def query(self, sql: str, *, tables: Sequence[str], subject: Subject, stream: str) -> Any:
        with Memory() as memory:
            for table in tables:
                memory.load(table, self.rows.get(table, []))
            found = memory.run(sql, {"as_of": subject.as_of})
            columns = tuple(memory.kinds(sql, {"as_of": subject.as_of}))
        receipt = Receipt(stream, "warehouse", stream, sql, AS_OF, len(found), "00")
        return SimpleNamespace(answer=SqlAnswer(columns, found, receipt), gaps={})


class Wires:
    """The sources as a use case finds them; `second` gives rows by table, or fails."""

    def __init__(self, home: Home, second: Mapping[str, list[Row]] | Exception | None) -> None:
        self.settings = Settings.model_construct()
        self.shared = SimpleNamespace(heard=lambda _: None)
        self.home = home

        async def fetch(_session: Any, _subject: Subject) -> Batch:
            if isinstance(second, Exception):
                raise second
            assert second is not None
            receipt = Receipt("second", SECOND, "people", "SELECT", AS_OF, 1, "11")
            return Batch(second, (receipt,))

        def source(name: str, *streams: Stream) -> Source:
            return Source(name, name, streams, open=lambda _s, _c: None, missing=lambda _: None)

        people = Stream("people", "People", ("member", "driver"), fetch, by_id=True)
        self.sources = {"warehouse": source("warehouse")}
        if second is not None:
            self.sources[SECOND] = source(SECOND, people)

    def session(self, name: str) -> Any:
        return self.home if name == "warehouse" else None

    def failed(self, name: str, error: CustomerResearchError) -> Gap:
        return gap_of(error, name)


def gathered(home: Home, second: Any, listings: frozenset[str] = frozenset()) -> tuple[Dossier, dict[str, Any], Wires]:
    """What was gathered, the figures made of it, and the connections."""
    wires, dossier = Wires(home, second), Dossier("one", AS_OF)
    asyncio.run(Gatherer(cast("Connections", wires), dossier).run(PEOPLE | {"survey"}, listings))
    with Memory() as memory:
        figures = Measurement(memory, dossier).figures
    return dossier, {name: figure for name, figure in figures.items() if METRICS[name].subject == "people"}, wires


MEMBERS, DRIVERS = [member(1), member(2), member(3, removed_at=AS_OF - timedelta(hours=3))], [driver(1)]
SURVEY = {"operator_id": "one", "survey_id": "s", "nps": 9, "csat": None, "created_at": AS_OF - timedelta(days=1)}


def home() -> Home:
    return Home(member=MEMBERS, driver=DRIVERS, survey=[SURVEY])


def values_of(figures: Mapping[str, Any]) -> dict[str, Any]:
    return {name: one.value if isinstance(one, Fact) else one.reason for name, one in figures.items()}


def sources_of(figure: Fact[Any]) -> set[str]:
    return {receipt.source for receipt in figure.basis}


def test_the_second_source_is_measured_by_the_same_queries_and_named_by_the_receipts() -> None:
    _, alone, _ = gathered(home(), None)
    _, figures, _ = gathered(home(), {"member": MEMBERS, "driver": DRIVERS})
    assert alone["members_now"].value == 2  # else the test compares nothing
    assert values_of(figures) == values_of(alone)
    facts = {name: figure for name, figure in figures.items() if isinstance(figure, Fact)}
    assert len(facts) > 6
    for name, figure in facts.items():
        assert sources_of(figure) == ({SECOND} if set(METRICS[name].tables) <= PEOPLE else {"warehouse"}), name


def test_rows_are_of_one_source_and_the_difference_is_told() -> None:
    more = [*MEMBERS, member(4, hours=1)]
    dossier, figures, wires = gathered(home(), {"member": more, "driver": []}, frozenset({"team"}))
    assert (figures["members_now"].value, figures["drivers_now"].value) == (2, 1)  # drivers lag, so both are the home's
    (line,) = [one for one in freshness(dossier, wires.sources.values()) if one.source == SECOND]
    assert "stale" in {gap.reason for gap in line.gaps}
    dossier, figures, _ = gathered(home(), {"member": more, "driver": DRIVERS}, frozenset({"team"}))
    assert figures["members_now"].value == 3
    assert {receipt.source for receipt in dossier.listings["team"].receipts} == {SECOND}
    assert len(dossier.listings["team"].rows) == 4
    account = cast("Account", SimpleNamespace(differences=dossier.differences))
    (told,) = disagreements._two_counts(account)
    assert told.text == "Members ever recorded: Intercom has 4, Warehouse 3."


def test_who_asks_for_one_table_alone_is_told_by_the_source_that_tells_who_asks_for_all() -> None:
    """`why` names the source that the profile does: whether drivers lag is looked at though only members are asked for."""
    wires, dossier = Wires(home(), {"member": [*MEMBERS, member(4, hours=1)], "driver": []}), Dossier("one", AS_OF)
    asyncio.run(Gatherer(cast("Connections", wires), dossier).run(frozenset({"member"}), frozenset()))
    assert gathered(home(), {"member": MEMBERS, "driver": []})[0].given == dossier.given == {}


@pytest.mark.parametrize("drivers", [DRIVERS, []], ids=["both count", "drivers lag"])
def test_what_it_gave_is_measured_while_others_are_awaited_and_is_the_same(drivers: list[Row]) -> None:
    """Whether it counts is known at the end; a query over rows that then count is not run again, and rows that do not are let go."""
    wires, dossier, ran = Wires(home(), {"member": MEMBERS, "driver": drivers}), Dossier("one", AS_OF), list[str]()

    with Memory() as memory:
        asked = memory.run

        def run(sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
            ran.append(sql)
            return asked(sql, parameters)

        memory.run = run  # type: ignore[method-assign]
        early = partial(measure_arrived, memory, wanted=PEOPLE)
        asyncio.run(Gatherer(cast("Connections", wires), dossier, arrived=early).run(PEOPLE, frozenset()))
        assert ran.count(subject_sql("people")) == 1
        assert dossier.given.keys() == (PEOPLE if drivers else set())
        figures = Measurement(memory, dossier).figures
    assert ran.count(subject_sql("people")) == 1
    of_people = {name: figure for name, figure in figures.items() if METRICS[name].subject == "people"}
    _, late, _ = gathered(home(), {"member": MEMBERS, "driver": drivers})
    assert {name: late[name] for name in of_people if set(METRICS[name].tables) <= PEOPLE} == {
        name: figure for name, figure in of_people.items() if set(METRICS[name].tables) <= PEOPLE
    }


def _counted(table: str, receipt: Receipt) -> SqlAnswer:
    """The home's count of a table that has no records, behind that of another one."""
    rows = [
        {"table_name": "member", "records": 3, "newest": AS_OF},
        {"table_name": table, "records": 0, "newest": None},
    ]
    return SqlAnswer(("table_name", "records", "newest"), rows, receipt)


def test_the_home_counts_all_tables_that_the_id_finds_by_one_query() -> None:
    dossier, _, _ = gathered(home(), {"member": MEMBERS, "driver": DRIVERS})
    assert {
        table: answer.receipt.stream for table, answer in dossier.counted.items() if isinstance(answer, SqlAnswer)
    } == {
        "member": "counts",
        "driver": "counts",
    }
    assert dossier.differences == ()  # neither count is taken for the other's


def test_of_a_table_that_the_home_lacks_no_number_is_told() -> None:
    """A query of several tables goes on without one that is not there, as if that had no rows."""
    dossier = Dossier("one", AS_OF)
    receipt = Receipt("r", "warehouse", "card", "SELECT", AS_OF, 1, "00")
    theirs = Records("driver", tuple(DRIVERS), (replace(receipt, source=SECOND),))
    dossier.offered["driver"] = Offer(SECOND, ("driver",), theirs)
    dossier.counted["driver"] = _counted("driver", receipt)
    choose(dossier)
    assert [one.home.value for one in dossier.differences] == [0]  # where it is there
    dossier.bound_gaps["driver"] = Gap("warehouse", "not_configured", "No such table.")
    choose(dossier)
    assert dossier.differences == ()
    assert dossier.given == {"driver": theirs}


def test_a_listing_is_as_the_home_would_make_it() -> None:
    own, _, _ = gathered(home(), None, frozenset({"team"}))
    given, _, _ = gathered(home(), {"member": MEMBERS, "driver": DRIVERS}, frozenset({"team"}))
    assert given.listings["team"].rows == own.listings["team"].rows


@pytest.mark.parametrize(
    "second",
    [
        Unavailable("It is down.", source=SECOND, stream="people"),
        {"member": [member(1, hours=99)], "driver": DRIVERS},
        {"member": [], "driver": DRIVERS},
    ],
    ids=["down", "older", "empty"],
)
def test_without_a_second_source_that_counts_the_figures_are_those_of_before(second: Any) -> None:
    _, before, _ = gathered(home(), None)
    dossier, figures, wires = gathered(home(), second)
    assert figures == before
    (line,) = [one for one in freshness(dossier, wires.sources.values()) if one.source == SECOND]
    assert line.state != "ok"
    assert all(gap.source == SECOND for gap in line.gaps)


def test_with_the_home_out_of_reach_the_second_source_tells_alone() -> None:
    class Silent(Home):
        async def query(self, *_args: Any, **_options: Any) -> Any:
            raise Unavailable("It is down.", source="warehouse", stream="people")

    _, figures, _ = gathered(Silent(), {"member": MEMBERS, "driver": DRIVERS})
    assert figures["members_now"].value == 2
    assert figures["nps_latest"].reason == "unavailable"


@pytest.mark.parametrize(
    ("second", "home", "reason"),
    [
        (Told(AS_OF), Told(AS_OF), None),
        (Told(AS_OF - second_sources.ROUNDING), Told(AS_OF), None),
        (Told(AS_OF - second_sources.ROUNDING - timedelta(seconds=1)), Told(AS_OF), "stale"),
        (Told(None), Told(AS_OF), "stale"),
        (Told(None), Told(None), None),
        (Told(None), Told(gap=Gap("warehouse", "denied", "")), None),
        (Told(gap=Gap(SECOND, "denied", "")), Told(gap=Gap("warehouse", "denied", "")), "denied"),
    ],
)
def test_who_counts(second: Told, home: Told, reason: str | None) -> None:
    found = why_home("member", second, home)
    assert (found and found.reason) == reason
    assert found is None or found.source == SECOND


def test_no_metric_reads_tables_of_which_one_alone_can_be_a_second_sources() -> None:
    """A stream's tables stand or fall together, so that no figure is made of rows of both sources."""
    for metric in METRICS.values():
        near = set(metric.tables) & PEOPLE
        assert metric.subject == "derived" or near in (set(), set(metric.tables)), metric.name
    assert set(BOUND_TABLES) >= PEOPLE
    assert {table for subject in SUBJECTS.values() for table in subject.tables} >= PEOPLE
    assert Records("member", (), ()).known


# -- the lake ---------------------------------------------------------------------------------------------------------

NEAR = LandingTable("near_member", ("member_id",), {**canonical("member").columns, "fetch_id": "text"})
GAPS = LandingTable("near_gap", ("operator_id",), {"operator_id": "text"})
COLUMNS = ", ".join(canonical("member").columns)


def gap_link(needs: str, source: str, whose: str) -> Link:
    sql = f"SELECT '{whose}' AS operator_id, 'member' AS table_name, '{source}' AS source, 'denied' AS reason FROM {needs}"
    return Link("gap", (needs,), sql)


def vendors(*, near: Sequence[Row], far: Sequence[Row], untold: str = "nobody") -> dict[str, Vendor]:
    """The warehouse, and a second source that does not tell of one operator."""
    home, second = Shelf(replace(canonical("member"), key=("operator_id", "member_id"))), Shelf(NEAR)
    home.put(*far)
    second.put(*near)
    links = (
        Link("member", ("near_member",), f"SELECT {COLUMNS} FROM near_member"),
        gap_link("near_member", SECOND, untold),
    )
    found = Vendor("warehouse", (home,), (gap_link("member", "warehouse", untold),)), Vendor(SECOND, (second,), links)
    return {vendor.name: vendor for vendor in found}


def synced(folder: Path, some: Mapping[str, Vendor], now: datetime = NOW) -> tuple[list[str], set[str], set[str]]:
    """The members in the lake, the sources of their receipts, and those of the gaps that speak of them."""
    settings = Settings(lake=LakeSettings(folder=folder))  # type: ignore[call-arg]
    catalogue = {name: vendor.source for name, vendor in some.items() if vendor.configured}
    run(settings, lambda: now, catalogue=catalogue)
    files = Lake(folder).tables().files

    def read(table: str, column: str) -> list[str]:
        paths = [str(path) for path in files[table].paths]
        return [
            value for (value,) in duckdb.execute(f"SELECT {column} FROM read_parquet({paths}) ORDER BY 1").fetchall()
        ]

    sources = {receipt.source for receipt in files["member"].receipts}
    return read("member", "member_id"), sources, set(read("gap", "source"))


def test_the_lake_has_the_rows_and_gaps_of_one_source(tmp_path: Path) -> None:
    some = vendors(near=[member(1), member(4, hours=1)], far=[member(1), member(2)])
    both = {SECOND, "warehouse"}  # of operator "nobody" the warehouse tells, though it has no rows
    assert synced(tmp_path, some) == (["m1", "m4"], both, {"warehouse"})
    some[SECOND].fail_after = 0
    assert synced(tmp_path, some, NOW + timedelta(hours=1)) == (["m1", "m2"], {"warehouse"}, {"warehouse"})
    some[SECOND].fail_after = None
    assert synced(tmp_path, some, NOW + timedelta(hours=2)) == (["m1", "m4"], both, {"warehouse"})
    some["warehouse"].shelves[0].put(member(9, hours=0))
    assert synced(tmp_path, some, NOW + timedelta(hours=3)) == (["m1", "m2", "m9"], {"warehouse"}, {"warehouse"})


def test_of_an_operator_whom_the_second_source_does_not_tell_the_rows_are_the_homes(tmp_path: Path) -> None:
    """Of nobody both count, and when the second source begins to tell, it counts at once."""
    two: dict[str, Any] = {"operator_id": "two"}
    near, far = [member(1), member(4, hours=1), member(7, **two)], [member(1), member(2), member(8, **two)]
    some = vendors(near=near, far=far, untold="two")
    assert synced(tmp_path, some)[0] == ["m1", "m4", "m8"]
    some["warehouse"].shelves[0].put(member(9, hours=0, **two))  # newer, but of somebody of whom it tells alone
    assert synced(tmp_path, some, NOW + timedelta(minutes=5))[0] == ["m1", "m4", "m8", "m9"]
    some["warehouse"].shelves[0].remove("two", "m9")
    some["warehouse"].links = some[SECOND].links = ()
    some[SECOND].links = (Link("member", ("near_member",), f"SELECT {COLUMNS} FROM near_member"),)
    assert synced(tmp_path, some, NOW + timedelta(hours=1))[0] == ["m1", "m4", "m7"]
    assert synced(tmp_path / "one", vendors(near=near, far=far, untold="one"))[0] == ["m1", "m2", "m7"]


def test_an_operator_of_whom_the_second_source_has_less_has_the_homes_rows_in_the_lake_as_alone(tmp_path: Path) -> None:
    """Whether it has none of its records, or lacks the latest: others' records, which are newer, say nothing of these."""
    two, three = {"operator_id": "two"}, {"operator_id": "three"}
    near = [member(1), member(4, hours=1), member(7, hours=90, **two)]
    far = [member(1), member(2), member(7, hours=90, **two), member(8, hours=70, **two), member(9, hours=99, **three)]
    members, sources, _ = synced(tmp_path, vendors(near=near, far=far))
    assert members == ["m1", "m4", "m7", "m8", "m9"]
    assert sources == {SECOND, "warehouse"}
    for operator, expected in (("one", {"m1", "m4"}), ("two", {"m7", "m8"}), ("three", {"m9"})):
        of_whom = [[row for row in rows if row["operator_id"] == operator] for rows in (near, far)]
        wires, dossier = Wires(Home(member=of_whom[1]), {"member": of_whom[0], "driver": []}), Dossier(operator, AS_OF)
        asyncio.run(Gatherer(cast("Connections", wires), dossier).run(frozenset({"member"}), frozenset({"team"})))
        given = dossier.given.get("member")
        rows = given.rows if given is not None else of_whom[1]
        assert {row["member_id"] for row in rows} == expected, operator


def test_a_record_that_is_said_to_be_of_the_future_makes_no_source_newer(tmp_path: Path) -> None:
    """One wrong date would decide for everybody, in lists alone: a report looks at what was there at its instant."""
    far = [member(1), member(9, hours=-24 * 900, operator_id="two")]
    assert synced(tmp_path, vendors(near=[member(1), member(4, hours=1)], far=far))[0] == ["m1", "m4"]


def test_tables_of_one_stream_stand_or_fall_together_in_the_lake_as_alone(tmp_path: Path) -> None:
    """Drivers of one operator lag, so that its members are the home's, too: a figure may be made of both."""
    two: dict[str, Any] = {"operator_id": "two"}
    drivers = Shelf(replace(canonical("driver"), key=("operator_id", "driver_id")))
    drivers.put(driver(1), {**driver(2), **two})
    near_drivers = Shelf(
        LandingTable("near_driver", ("driver_id",), {**canonical("driver").columns, "fetch_id": "text"})
    )
    near_drivers.put(driver(1))
    some = vendors(near=[member(1), member(4, hours=1), member(5, **two)], far=[member(1), member(6, **two)])
    columns = ", ".join(canonical("driver").columns)
    some["warehouse"].shelves += (drivers,)
    some[SECOND].shelves += (near_drivers,)
    some[SECOND].links += (Link("driver", ("near_driver",), f"SELECT {columns} FROM near_driver"),)
    assert synced(tmp_path / "apart", some)[0] == ["m1", "m4", "m5"]
    some[SECOND].live = (("member", "driver"),)
    assert synced(tmp_path / "one", some)[0] == ["m1", "m4", "m6"]
    drivers.put({**driver(3), "created_at": AS_OF})  # of everybody the warehouse has newer ones
    assert synced(tmp_path / "all", some)[0] == ["m1", "m6"]


def test_a_second_source_that_is_not_set_up_leaves_the_lake_as_it_is(tmp_path: Path) -> None:
    some = vendors(near=[], far=[member(1), member(2)])
    some[SECOND].configured = False
    assert synced(tmp_path / "off", some) == synced(tmp_path / "alone", {"warehouse": some["warehouse"]})
    assert Lake(tmp_path / "off").tables().digest == Lake(tmp_path / "alone").tables().digest


def test_an_engine_in_the_warehouse_reads_what_a_second_source_gave_from_the_lake() -> None:
    def file(table: str, source: str) -> TableFile:
        return TableFile(table, (), 1, "00", (Receipt("r", source, table, "SELECT", AS_OF, 1, "00"),))

    tables = TableSet("lake", {"member": file("member", SECOND), "driver": file("driver", "warehouse")})
    assert warehouse_views._given(tables) == {"member"}
    told = warehouse_views._gaps({}, frozenset({"charge"}))
    assert "'charge' AS table_name" not in told
    assert "'dispute' AS table_name" in told
    assert "'member'" in told.partition("IN (")[2].partition(")")[0]
