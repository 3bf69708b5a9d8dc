"""The history of HubSpot's properties over real HTTP: what records have been, what it costs, and where it is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import chain
from typing import Any

import pytest
from crm_records import CROWDED, OPERATOR, TWICE, dataset
from pulled import Kept, unstamped
from test_hubspot_bulk import FULL_ID, canonical, change, of, pulled, require_equal_to_live, using

from customer_research.connect.source import Slice
from customer_research.errors import Denied
from customer_research.record_tables import STATES
from customer_research.record_tables import TABLES as CANONICAL
from customer_research.sources.hubspot import states
from customer_research.sources.hubspot.checks import deal_states
from customer_research.sources.hubspot.session import HubSpotSession, Paths
from customer_research_sandbox.dataset import Dataset
from customer_research_sandbox.serve import Sandbox
from customer_research_sandbox.servers.hubspot_schema import version

LEAD, PAID = "2025-01-05T00:00:00.000Z", "2025-03-01T08:00:00.000Z"


def portal() -> Dataset:
    """The hand-made portal; a deal was won, a contact left, a contract was renewed, and a company had many owners."""
    made = dataset()
    objects = made.hubspot.objects
    objects["deals"][0]["history"] = {"dealstage": [version("smb_paid", PAID), version("smb_lead", LEAD)]}
    objects["contacts"][1]["history"] = {
        "contact_status": [version("left", "2026-09-01T09:00:00.000Z"), version("active", "2025-02-03T00:00:00.000Z")],
        "left_company_date": [version("2026-09-01", "2026-09-01T09:00:00.000Z")],
    }
    objects["companies"][0]["history"] = {
        "contract_end_date": [version("2027-01-31", "2026-01-20T00:00:00.000Z"), version("2026-01-31", LEAD)]
    }
    owners = [version(str(160_000_000 + day), f"2026-03-{day:02d}T00:00:00.000Z") for day in range(28, 0, -1)]
    objects["companies"][4] |= {"history": {"hubspot_owner_id": owners}}
    objects["companies"][4]["properties"]["hubspot_owner_id"] = owners[0]["value"]
    return made


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(dataset=portal(), rate_limits=False) as running:
        yield running


def told(kept: Kept, table: str, operator_id: str, *columns: str) -> list[tuple[Any, ...]]:
    """An operator's states: since when, and these columns."""
    rows = of(canonical(kept)[STATES[table]], operator_id)
    return [(row["since"].isoformat(timespec="minutes")[:16], *(row[name] for name in columns)) for row in rows]


def asked(slices: list[Slice]) -> int:
    """Requests for the history of properties."""
    receipts = (receipt for piece in slices for receipt in piece.receipts)
    return sum(receipt.requests for receipt in receipts if "propertiesWithHistory" in receipt.query)


def test_records_are_told_as_they_were(sandbox: Sandbox) -> None:
    kept = Kept()
    slices = pulled(sandbox, kept)
    tables = require_equal_to_live(sandbox, kept)
    assert told(kept, "deal", OPERATOR, "deal_id", "stage", "is_open", "is_won") == [
        ("2025-01-05T00:00", "31", "smb_lead", True, False),
        ("2025-03-01T08:00", "31", "Paid Account", False, True),
        ("2026-09-05T00:00", "32", "addon_demo", True, False),
        ("2024-09-05T00:00", "33", "Closed Lost - Formerly Paid", False, False),
    ]
    left = [("2025-02-03T00:00", "22", False), ("2026-09-01T09:00", "22", True)]
    assert told(kept, "contact", OPERATOR, "contact_id", "has_left") == [("2025-02-03T00:00", "21", False), *left]
    assert told(kept, "contact", TWICE, "contact_id", "has_left") == [("2025-02-03T00:00", "21", False), *left]
    (now,) = of(tables["company"], OPERATOR)
    owned = (now["owner_name"], now["lifecycle_stage"])
    assert told(kept, "company", OPERATOR, "contract_end_date", "owner_name", "lifecycle_stage") == [
        ("2025-01-02T03:04", None, *owned),
        ("2025-01-05T00:00", date(2026, 1, 31), *owned),
        ("2026-01-20T00:00", date(2027, 1, 31), *owned),
    ]
    for table, name in STATES.items():  # the last state of each record is what it is today
        last = {row[CANONICAL[table].key[0]]: row for row in sorted(tables[name], key=lambda row: row["since"])}
        for row in tables[table]:
            state = last[row[CANONICAL[table].key[0]]]
            assert {c: row[c] for c in state if c not in {"operator_id", "since", "fetch_id", "stage", "pipeline"}} == {
                c: state[c] for c in state if c not in {"operator_id", "since", "fetch_id", "stage", "pipeline"}
            }
    assert asked(slices) == 3  # one for five companies, one for three deals, one for two contacts


def test_no_personal_data_lands(sandbox: Sandbox) -> None:
    kept = Kept()
    pulled(sandbox, kept)
    assert {row["property"] for row in kept.rows("hubspot_history")} <= {"", *chain(*states.FOLLOWED.values())}
    named = {"firstname", "lastname", "name", "email", "phone", "dealname"}
    assert not named & set(chain(*states.FOLLOWED.values()))


def test_what_changed_so_often_that_the_beginning_is_lost_is_unknown_before(sandbox: Sandbox) -> None:
    """The sandbox keeps 20 values, as HubSpot does; of 28 days the first eight are lost."""
    kept = Kept()
    pulled(sandbox, kept)
    found = told(kept, "company", CROWDED, "owner_id")
    assert len(found) == states.KEPT
    assert found[0] == ("2026-03-09T00:00", "160000009")


def test_a_pull_of_changes_reads_the_history_of_what_changed_and_keeps_the_rest(sandbox: Sandbox) -> None:
    kept = Kept()
    pulled(sandbox, kept)
    change(
        sandbox,
        "PATCH",
        "deals/32",
        {"properties": {"dealstage": "addon_paid", "hs_is_closed": "true", "hs_is_closed_won": "true"}},
    )
    change(sandbox, "PATCH", f"companies/{FULL_ID}", {"properties": {"contract_end_date": "2028-01-31"}})
    change(sandbox, "DELETE", "contacts/22")
    assert asked(pulled(sandbox, kept)) == 2
    assert told(kept, "deal", OPERATOR, "deal_id", "is_open", "is_won")[2:4] == [
        ("2026-09-05T00:00", "32", True, False),
        ("2026-11-01T00:00", "32", False, True),
    ]
    assert len(told(kept, "company", OPERATOR)) == 4
    assert told(kept, "contact", OPERATOR, "contact_id") == [("2025-02-03T00:00", "21")]
    full = Kept()
    pulled(sandbox, full)
    assert unstamped(kept.rows("hubspot_history")) == unstamped(full.rows("hubspot_history"))


@pytest.mark.parametrize("refused", ["denied", "left out"])
def test_where_the_history_is_refused_the_present_stands(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    """The sandbox has one token, so the refusal is made here; what was known of a record that changed goes, too."""
    kept, reading = Kept(), HubSpotSession.histories
    pulled(sandbox, kept)

    async def refusing(self: HubSpotSession, kind: str, *rest: Any) -> Any:
        if kind != "deals":
            return await reading(self, kind, *rest)
        if refused == "denied":
            raise Denied("HubSpot refused the credential (403).", source="hubspot", hint="Check hubspot.token.")
        return [
            {name: value for name, value in row.items() if name != "propertiesWithHistory"}
            for row in await reading(self, kind, *rest)
        ]

    monkeypatch.setattr(HubSpotSession, "histories", refusing)
    change(sandbox, "PATCH", "deals/31", {"properties": {"dealstage": "smb_lost"}})
    assert pulled(sandbox, kept)[-1].mark != ""
    require_equal_to_live(sandbox, kept)
    assert told(kept, "deal", OPERATOR, "deal_id") == [("2026-09-05T00:00", "32"), ("2024-09-05T00:00", "33")]
    full = Kept()
    last = pulled(sandbox, full)[-1]
    assert (last.mark != "", last.unread) == (True, None)
    tables = require_equal_to_live(sandbox, full)
    assert tables[STATES["deal"]] == []
    assert len(tables[STATES["contact"]]) == 6


def test_a_portal_that_does_not_mark_who_has_left_is_not_asked(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = HubSpotSession.read_all

    async def without(self: HubSpotSession, kind: str, *rest: Any) -> Any:
        rows = await reading(self, kind, *rest)
        gone = {"contact_status", "left_company_date"}
        return [{**row, "properties": {n: v for n, v in row["properties"].items() if n not in gone}} for row in rows]

    monkeypatch.setattr(HubSpotSession, "read_all", without)
    kept = Kept()
    assert asked(pulled(sandbox, kept)) == 2
    assert canonical(kept)[STATES["contact"]] == []


# -- stages by what their pipeline says of them -------------------------------------------------------------------------

STAGES = {
    "s1": ("Zeta", "false", "0.4"),
    "s2": ("Eta", "true", "1.0"),
    "s3": ("Theta", "true", "0.0"),
    "closedwon": ("Demo", "true", "0.0"),
}
"""Stages whose names tell nothing, and one whose id and label tell something else than is so: label, closed, probability."""


DEALS = dict(zip(("51", "52", "53", "54"), STAGES, strict=True))


def renamed() -> Dataset:
    """A portal with stages of its own names, whose deals do not say what they are."""
    made = dataset()
    objects = made.hubspot.objects
    listed = [
        {"id": name, "label": label, "metadata": {"isClosed": closed, "probability": likely}}
        for name, (label, closed, likely) in STAGES.items()
    ]
    properties = made.hubspot.properties
    properties["deals"] = [one for one in properties["deals"] if not one["name"].startswith("hs_is_closed")]
    (deal,) = (row for row in objects["deals"] if row["id"] == "31")
    objects["deals"][:] = [
        {
            **deal,
            "id": number,
            "properties": {**deal["properties"], "dealstage": stage, "pipeline": "77", "hs_object_id": number},
            "history": {"dealstage": [version(stage, PAID), version("s1", LEAD)][stage == "s1" :]},
        }
        for number, stage in DEALS.items()
    ]
    objects["companies"][0]["associations"]["deals"] = list(DEALS)
    return replace(made, hubspot=replace(made.hubspot, pipelines=[{"id": "77", "label": "Alpha", "stages": listed}]))


@pytest.fixture
def other() -> Iterator[Sandbox]:
    with Sandbox.start(dataset=renamed(), rate_limits=False) as running:
        yield running


@pytest.mark.parametrize("version_of_api", ["2026-09", "v3"])
def test_a_stage_is_what_its_pipeline_says_whatever_it_is_called(other: Sandbox, version_of_api: str) -> None:
    """Live, in bulk, and of a past date, in which a deal stood in another stage."""
    kept = Kept()
    pulled(other, kept, version=version_of_api)
    tables = require_equal_to_live(other, kept, version=version_of_api)
    deals = {row["deal_id"]: (row["stage"], row["is_open"], row["is_won"]) for row in of(tables["deal"], OPERATOR)}
    assert deals == {
        "51": ("Zeta", True, False),
        "52": ("Eta", False, True),
        "53": ("Theta", False, False),
        "54": ("Demo", False, False),
    }
    assert [row for row in tables["gap"] if row["table_name"] == "deal"] == []
    past = told(kept, "deal", OPERATOR, "deal_id", "is_open", "is_won")
    assert [row for row in past if row[1] == "52"] == [(LEAD[:16], "52", True, False), (PAID[:16], "52", False, True)]
    assert using(other, lambda session: deal_states(session, None), version=version_of_api).status == "ok"


def test_where_pipelines_are_refused_the_names_of_stages_tell(other: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A portal without the address; the sandbox has one token, which may read everything."""
    paths = Paths.of("2026-09")
    monkeypatch.setattr(Paths, "of", lambda _version: replace(paths, pipelines="/crm/none"))
    kept = Kept()
    pulled(other, kept)
    tables = require_equal_to_live(other, kept)
    deals = {row["deal_id"]: (row["is_open"], row["is_won"]) for row in of(tables["deal"], OPERATOR)}
    assert deals == {"51": (None, None), "52": (None, None), "53": (None, None), "54": (False, True)}
    (gap,) = (row for row in tables["gap"] if row["table_name"] == "deal")
    assert (gap["operator_id"], gap["reason"]) == (OPERATOR, "unavailable")
