"""The sync over made-up vendors: upserts, deletions, resumption, failures, links, and running twice."""

from __future__ import annotations

import gc
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from made_up_vendor import NOW, Shelf, Vendor, canonical

from customer_research.connect.source import LandingTable, Link, Row, Source
from customer_research.domain.evidence import Gap
from customer_research.domain.pull import Progress, PullResult
from customer_research.errors import ConfigError, UsageError
from customer_research.lake import Lake, StoredTable, StreamState
from customer_research.research.sync import run, stream_pull
from customer_research.settings import LakeSettings, Settings


class World:
    """A lake and its vendors, at an instant that a test moves on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = Settings(lake=LakeSettings(folder=folder))  # type: ignore[call-arg]
        self.now = NOW
        self.vendors: dict[str, Vendor] = {}
        self.told: list[Progress] = []

    def sync(self, *sources: str, **options: Any) -> dict[str, PullResult]:
        """Run, and give the results by `source.stream`."""
        catalogue: dict[str, Source] = {name: vendor.source for name, vendor in self.vendors.items()}
        results = run(
            self.settings, lambda: self.now, sources=sources, progress=self.told.append, catalogue=catalogue, **options
        )
        return {result.name: result for result in results}

    def rows(self, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
        """The rows of a canonical table as they lie in its files."""
        paths = [str(path) for path in Lake(self.folder).tables().files[table].paths]
        return duckdb.execute(
            f"SELECT {columns} FROM read_parquet({paths}, file_row_number = true) ORDER BY file_row_number"
        ).fetchall()

    def files(self) -> dict[str, tuple[int, float]]:
        """The files that count, so that a change shows."""
        found = [self.folder / file for file in Lake(self.folder).state().named]
        return {path.name: (path.stat().st_ino, path.stat().st_mtime) for path in found}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "lake")


def invoice(number: int, operator: str = "op-1", **values: Any) -> Row:
    return {"operator_id": operator, "invoice_id": f"i{number}", "status": "finalized", "total_minor": 100, **values}


def billing(*rows: Row, **options: Any) -> Vendor:
    shelf = Shelf(replace(canonical("invoice"), key=("invoice_id",)))
    shelf.put(*rows)
    return Vendor("lago", (shelf,), **options)


def test_what_landed_is_the_canonical_table_sorted_and_proven(world: World) -> None:
    world.vendors["lago"] = billing(invoice(3), invoice(1, "op-2"), invoice(2))
    result = world.sync()["lago.invoices"]
    assert (result.state, result.rows, result.requests, result.held, result.full) == ("done", 3, 2, 3, True)
    assert world.rows("invoice", "operator_id, invoice_id") == [("op-1", "i2"), ("op-1", "i3"), ("op-2", "i1")]
    (receipt,) = Lake(world.folder).tables().files["invoice"].receipts
    assert receipt.query == "GET /invoice?from=0\nGET /invoice?from=2"
    assert (receipt.rows, receipt.requests) == (3, 2)
    assert set(world.rows("invoice", "fetch_id")) == {(receipt.id,)}


def test_running_twice_changes_nothing(world: World) -> None:
    vendor = world.vendors["lago"] = billing(invoice(1), invoice(2), invoice(3))
    world.sync()
    files, digest = world.files(), Lake(world.folder).tables().digest
    for full in (False, True):
        world.now += timedelta(hours=1)
        assert world.sync(full=full)["lago.invoices"].state == "unchanged"
        assert world.files() == files
        assert Lake(world.folder).tables().digest == digest
    assert [asked.since for _, asked in vendor.asked] == [None, "3", None]
    state = Lake(world.folder).state().streams["lago.invoices"]
    assert state.succeeded_at == state.full_at == world.now


def test_changes_replace_and_deletions_remove(world: World) -> None:
    vendor = world.vendors["lago"] = billing(*(invoice(number) for number in range(5)))
    world.sync()
    vendor.shelves[0].put(invoice(1, total_minor=7), invoice(9, "op-0"))
    vendor.shelves[0].remove("i2")
    result = world.sync()["lago.invoices"]
    assert (result.state, result.rows, result.gone, result.held, result.full) == ("done", 2, 1, 5, False)
    assert world.rows("invoice", "invoice_id, total_minor") == [
        ("i9", 100), ("i0", 100), ("i1", 7), ("i3", 100), ("i4", 100),
    ]  # fmt: skip
    receipts = Lake(world.folder).tables().files["invoice"].receipts
    assert [receipt.rows for receipt in receipts] == [5, 2]
    assert {fetch for (fetch,) in world.rows("invoice", "fetch_id")} == {receipt.id for receipt in receipts}


def test_a_deletion_that_nobody_tells_is_found_by_the_weekly_full_pull(world: World) -> None:
    vendor = world.vendors["lago"] = billing(invoice(1), invoice(2), invoice(3), tells_deletions=False)
    world.sync()
    vendor.shelves[0].remove("i2")
    world.now += timedelta(days=6, hours=23)
    assert world.sync()["lago.invoices"].state == "unchanged"
    world.now += timedelta(hours=1)
    result = world.sync()["lago.invoices"]
    assert (result.full, result.gone) == (True, 1)
    assert world.rows("invoice", "invoice_id") == [("i1",), ("i3",)]


def test_a_pull_that_was_cut_off_goes_on_where_it_was(world: World) -> None:
    vendor = world.vendors["lago"] = billing(*(invoice(number) for number in range(6)), fail_after=2)
    failed = world.sync()["lago.invoices"]
    assert (failed.state, failed.rows, failed.gap and failed.gap.reason) == ("failed", 4, "unavailable")
    assert Lake(world.folder).tables().gaps["invoice"].detail == "The vendor cannot be reached."
    vendor.fail_after = None
    world.now += timedelta(hours=2)
    assert world.sync()["lago.invoices"].rows == 2
    (_, first), (_, second) = vendor.asked
    assert (second.resume, second.until) == ("4", first.until)
    assert len(world.rows("invoice")) == 6
    assert Lake(world.folder).state().streams["lago.invoices"].succeeded_at == first.until


@pytest.mark.parametrize("change", ["a day later", "full"])
def test_a_pull_that_serves_no_longer_is_begun_anew(world: World, change: str) -> None:
    vendor = world.vendors["lago"] = billing(*(invoice(number) for number in range(6)))
    world.sync()
    vendor.shelves[0].put(*(invoice(number, total_minor=1) for number in range(6)))
    vendor.fail_after = 1
    world.sync()
    vendor.fail_after = None
    if change == "a day later":
        world.now += timedelta(days=1)
    assert world.sync(full=change == "full")["lago.invoices"].rows == 6
    assert vendor.asked[-1][1].resume is None
    assert set(world.rows("invoice", "total_minor")) == {(1,)}


def test_a_failure_leaves_what_was_there_and_stops_nobody_else(world: World) -> None:
    lago = world.vendors["lago"] = billing(invoice(1))
    shelf = Shelf(canonical("driver"))
    world.vendors["warehouse"] = Vendor("warehouse", (shelf,))
    shelf.put({"operator_id": "op-1", "driver_id": "d1"})
    world.sync()
    lago.shelves[0].put(invoice(1, total_minor=5))
    shelf.put({"operator_id": "op-1", "driver_id": "d2"})
    lago.fail_after = 0
    found = world.sync()
    assert (found["lago.invoices"].state, found["warehouse.drivers"].state) == ("failed", "done")
    assert world.rows("invoice", "total_minor") == [(100,)]
    assert len(world.rows("driver")) == 2
    state = Lake(world.folder).state().streams["lago.invoices"]
    assert state.failure is not None
    assert state.succeeded_at == NOW


def test_a_source_out_of_reach_is_not_asked_for_each_stream(world: World) -> None:
    vendor = billing(invoice(1), fail_after=0)
    shelf = Shelf(canonical("payment"))
    world.vendors["lago"] = Vendor("lago", (*vendor.shelves, shelf), fail_after=0)
    found = world.sync()
    assert [result.state for result in found.values()] == ["failed", "failed"]
    assert [name for name, _ in world.vendors["lago"].asked] == ["invoice"]


def test_a_defect_in_one_stream_is_told_and_the_others_go_on(world: World, caplog: pytest.LogCaptureFixture) -> None:
    vendor = billing({**invoice(1), "total_minor": "many"}, *(invoice(number) for number in range(2, 9)))
    shelf = Shelf(canonical("payment"))
    shelf.put({"operator_id": "op-1", "payment_id": "p", "invoice_id": "i"})
    world.vendors["lago"] = Vendor("lago", (*vendor.shelves, shelf))
    found = world.sync()
    assert [result.state for result in found.values()] == ["failed", "done"]
    gap = found["lago.invoices"].gap
    assert gap is not None
    assert "many" in gap.detail
    gc.collect()
    assert caplog.records == []


def test_other_columns_than_before_are_pulled_anew_and_the_old_rows_stand_until_then(world: World) -> None:
    link = Link(
        "company", ("hubspot_company",), "SELECT operator AS operator_id, id AS company_id, name FROM hubspot_company"
    )
    vendor = world.vendors["hubspot"] = crm({"id": "1", "operator": "op-1", "name": "A"}, links=(link,))
    world.sync()
    vendor.shelves[0].table = replace(COMPANY, columns={**COMPANY.columns, "city": "text"})
    vendor.shelves[0].records["1",]["city"] = "Oslo"
    vendor.links = (replace(link, sql=link.sql.replace("name FROM", "name, city FROM")),)
    vendor.fail_after = 0
    world.sync()
    assert world.rows("company", "name, city") == [("A", None)]
    vendor.fail_after = None
    assert world.sync()["hubspot.hubspot_companys"].full
    assert world.rows("company", "name, city") == [("A", "Oslo")]


def test_records_of_another_place_replace_all(world: World) -> None:
    vendor = world.vendors["lago"] = billing(invoice(1), invoice(2))
    world.sync()
    vendor.place = "https://other.example"
    vendor.shelves[0].records.clear()
    vendor.shelves[0].put(invoice(8))
    result = world.sync()["lago.invoices"]
    assert (result.full, result.rows) == (True, 1)
    assert world.rows("invoice", "invoice_id") == [("i8",)]


def test_a_source_without_credential_is_skipped_and_its_tables_say_why(world: World) -> None:
    world.vendors["lago"] = billing(invoice(1))
    world.vendors["notion"] = Vendor("notion", (Shelf(canonical("ticket")),), configured=False)
    found = world.sync()
    assert found["notion.tickets"].state == "skipped"
    assert Lake(world.folder).tables().gaps["ticket"] == Gap("notion", "not_configured", "No key.", "Set one.")
    with pytest.raises(ConfigError, match="No key"):
        world.sync("notion")


def test_what_came_only_in_part_is_unknown_of_everybody(world: World) -> None:
    gap = Gap("lago", "truncated", "Lago announced 9 invoices and sent 1.", "Run it again.")
    world.vendors["lago"] = billing(invoice(1), partial={"invoice": gap})
    result = world.sync()["lago.invoices"]
    assert (result.state, result.gap) == ("partial", gap)
    assert world.rows("gap", "operator_id, table_name, source, reason, detail") == [
        (None, "invoice", "lago", "truncated", gap.detail)
    ]
    world.vendors["lago"].partial = {}
    world.sync(full=True)
    assert world.rows("gap", "table_name") == []


def test_what_is_unknown_of_whom_is_never_told_of_itself(world: World) -> None:
    """A link to `gap` may read a table that came only in part: `gap` itself is whole all the same."""
    gap = Gap("lago", "truncated", "Lago announced 9 invoices and sent 1.", "Run it again.")
    nobody = Link("gap", ("invoice",), "SELECT CAST(NULL AS VARCHAR) AS operator_id WHERE 1 = 0")
    world.vendors["lago"] = billing(invoice(1), partial={"invoice": gap}, links=(nobody,))
    world.sync()
    assert world.rows("gap", "table_name") == [("invoice",)]


def test_since_goes_back_and_a_first_pull_is_whole_all_the_same(world: World) -> None:
    vendor = world.vendors["lago"] = billing(invoice(1))
    since = NOW - timedelta(days=90)
    assert world.sync(since=since)["lago.invoices"].full
    assert not world.sync(since=since)["lago.invoices"].full
    assert [asked.since for _, asked in vendor.asked] == [None, "2026-08-03T12:00:00Z"]
    with pytest.raises(UsageError, match="contradict"):
        world.sync(since=since, full=True)


def test_since_leaves_no_hole_behind_the_last_pull(world: World) -> None:
    state = StreamState(shape="", mark="2026-10-01T00:00:00Z")
    later, earlier = NOW - timedelta(days=1), NOW - timedelta(days=400)
    orders = [
        stream_pull.Order(full=False, since=since, overlap=timedelta(1), full_days=timedelta(7))
        for since in (later, earlier)
    ]
    assert [stream_pull._since(state, order) for order in orders] == [state.mark, "2025-09-27T12:00:00Z"]
    with pytest.raises(UsageError, match="future"):
        world.sync(since=NOW + timedelta(days=1))


def test_many_parts_are_merged_and_a_record_counts_as_it_came_last(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_pull, "PARTS_AT_MOST", 3)
    monkeypatch.setattr(stream_pull, "RECEIPTS_AT_MOST", 2)
    vendor = world.vendors["lago"] = billing(*(invoice(number) for number in range(9)), per_slice=1)
    vendor.ask = "SELECT COUNT(*) AS n FROM invoice"
    world.sync()
    assert vendor.held == [{"n": 9}]
    for round_ in range(3):
        vendor.shelves[0].put(*(invoice(number, total_minor=round_) for number in range(round_, 9)))
        vendor.shelves[0].remove(f"i{round_}")
        world.sync()
    assert world.rows("invoice", "invoice_id, total_minor") == [(f"i{number}", 2) for number in range(3, 9)]
    assert vendor.held == [{"n": 6}]
    receipts = Lake(world.folder).tables().files["invoice"].receipts
    assert len(receipts) == 2
    assert sum(receipt.rows for receipt in receipts) == 9 + 8 + 7 + 6


def test_files_that_somebody_removed_are_pulled_and_made_again(world: World) -> None:
    link = Link("operator", ("invoice",), "SELECT DISTINCT operator_id FROM invoice")
    world.vendors["lago"] = billing(invoice(1), invoice(2), links=(link,))
    world.sync()
    digest = Lake(world.folder).tables().digest
    for table in ("invoice", "operator"):
        Lake(world.folder).tables().files[table].paths[0].unlink()
        with pytest.raises(UsageError, match="lacks its file"):
            Lake(world.folder).tables()
        assert world.sync()["lago.invoices"].full == (table == "invoice")
        assert Lake(world.folder).tables().digest == digest


def test_an_imported_table_stands_until_its_source_gives_it(world: World) -> None:
    with Lake(world.folder).writing() as writer:
        for name in ("invoice", "ticket"):
            file, _ = writer.fresh("tables", name)
            writer.path(file).touch()
            writer.put_tables({name: StoredTable((file,), 5, "imported", ())})
    vendor = world.vendors["lago"] = billing(invoice(1), fail_after=0)
    world.sync()
    assert [file.digest for file in Lake(world.folder).tables().files.values()][:2] == ["imported", "imported"]
    vendor.fail_after = None
    world.sync()
    files = Lake(world.folder).tables().files
    assert (files["invoice"].rows, files["ticket"].digest) == (1, "imported")


# -- links -------------------------------------------------------------------------------------------------------------

COMPANY = LandingTable("hubspot_company", ("id",), {"id": "text", "operator": "text", "name": "text"})


def crm(*rows: Row, links: tuple[Link, ...]) -> Vendor:
    shelf = Shelf(COMPANY)
    shelf.put(*rows)
    return Vendor("hubspot", (shelf,), links)


def test_links_run_in_the_order_of_their_needs_and_again_only_when_these_changed(world: World) -> None:
    runs = []

    def contacts(ask: Any) -> list[Row]:
        runs.append(1)
        return [
            {"operator_id": row["operator_id"], "contact_id": "c", "name": row["name"]} for row in ask("FROM company")
        ]

    by_sql = "SELECT operator AS operator_id, id AS company_id, name FROM hubspot_company"
    links = (Link("contact", ("company",), rows=contacts), Link("company", ("hubspot_company",), by_sql))
    vendor = world.vendors["hubspot"] = crm({"id": "1", "operator": "op-2", "name": "B"}, links=links)
    world.sync()
    assert world.rows("contact", "operator_id, contact_id, name") == [("op-2", "c", "B")]
    assert Lake(world.folder).tables().files["contact"].receipts[0].source == "hubspot"
    world.sync()
    assert len(runs) == 1
    vendor.shelves[0].put({"id": "2", "operator": "op-1", "name": "A"}, {"id": "3", "operator": "op-1", "name": "C"})
    world.sync()
    assert world.rows("contact", "operator_id, name") == [("op-1", "A"), ("op-2", "B")]


def test_a_link_that_lacks_a_table_leaves_a_gap_and_so_do_those_behind_it(world: World) -> None:
    links = (Link("company", ("hubspot_company", "csm"), "SELECT 1"), Link("contact", ("company",), "SELECT 1"))
    world.vendors["hubspot"] = crm({"id": "1"}, links=links)
    world.vendors["warehouse"] = Vendor("warehouse", (Shelf(canonical("csm")),), configured=False)
    world.sync()
    gaps = Lake(world.folder).tables().gaps
    assert gaps["company"] == gaps["contact"] == gaps["csm"]
    assert gaps["csm"].reason == "not_configured"
    assert gaps["deal"].detail == "The table deal was never pulled."


def test_a_link_that_fails_keeps_the_table_as_it_was_for_those_behind_it(world: World) -> None:
    link = Link(
        "company", ("hubspot_company",), "SELECT operator AS operator_id, id AS company_id FROM hubspot_company"
    )
    behind = Link("contact", ("company",), "SELECT operator_id, company_id AS contact_id FROM company")
    vendor = world.vendors["hubspot"] = crm({"id": "1", "operator": "op-1"}, links=(link, behind))
    world.sync()
    vendor.shelves[0].put({"id": "2", "operator": "op-1"})
    vendor.links = (replace(link, sql="SELECT nothing FROM hubspot_company"), behind)
    found = world.sync()
    assert [result.state for result in found.values()] == ["done", "failed"]
    assert world.rows("company", "company_id") == world.rows("contact", "contact_id") == [("1",)]
    vendor.links = (replace(link, sql="SELECT 1 AS nothing"), behind)
    gap = world.sync()["lake.company"].gap
    assert gap is not None
    assert "'nothing'" in gap.detail


def test_one_operator_of_several_sources_is_one_row(world: World) -> None:
    def known(table: str, system: str, columns: str) -> Link:
        return Link("operator", (table,), f"SELECT operator_id, name, '|{system}|' AS known_by, {columns} FROM {table}")

    csm, customer = Shelf(canonical("csm")), Shelf(canonical("customer"))
    csm.put(
        {"operator_id": "op-1", "subscription_id": "s1", "name": None, "created_at": NOW, "stripe_account": "acct_1"},
        {"operator_id": "op-2", "subscription_id": "s2", "name": "Two", "created_at": NOW},
    )
    customer.put(
        {"operator_id": "op-1", "name": "One (billing)", "created_at": NOW - timedelta(days=1)},
        {"operator_id": "op-2", "name": "Two (billing)"},
        {"operator_id": "op-3", "name": "Three"},
    )
    world.vendors["lago"] = Vendor("lago", (customer,), (known("customer", "lago", "created_at"),))
    world.vendors["warehouse"] = Vendor("warehouse", (csm,), (known("csm", "csm", "created_at, stripe_account"),))
    world.sync()
    naive = NOW.replace(tzinfo=None)
    assert world.rows("operator", "operator_id, name, known_by, created_at, stripe_account") == [
        ("op-1", "One (billing)", "|csm|lago|", naive - timedelta(days=1), "acct_1"),
        ("op-2", "Two", "|csm|lago|", naive, None),
        ("op-3", "Three", "|lago|", None, None),
    ]


def test_links_that_need_each_other_are_refused(world: World) -> None:
    links = (Link("company", ("contact",), "SELECT 1"), Link("contact", ("company",), "SELECT 1"))
    world.vendors["hubspot"] = crm({"id": "1"}, links=links)
    with pytest.raises(TypeError, match="need each other"):
        world.sync()
