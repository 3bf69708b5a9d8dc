"""HubSpot over real HTTP against the sandbox; answers that the sandbox does not give come from a mock transport."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import httpx2
import pytest
from crm_records import (
    AS_OF,
    COMPANY_ID,
    CROWDED,
    NOBODY,
    NOTES,
    OPERATOR,
    OWNER_ID,
    TWICE,
    UNDASHED,
    clock,
    closing,
    dataset,
    quick,
    settings_of,
    settings_with,
    subject,
)

from customer_research.connect.source import Batch, Subject
from customer_research.domain.check import Diagnosis
from customer_research.errors import (
    BadAnswer,
    ConfigError,
    Denied,
    RateLimited,
    SchemaChanged,
    SourceError,
    Truncated,
    Unavailable,
)
from customer_research.record_tables import TABLES
from customer_research.settings import Settings
from customer_research.sources.hubspot.live import fetch
from customer_research.sources.hubspot.session import HubSpotSession
from customer_research.sources.hubspot.source import SOURCE
from customer_research_sandbox.serve import Sandbox

Handler = Callable[[httpx2.Request], httpx2.Response]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(dataset=dataset(), rate_limits=False, slow_seconds=30) as running:
        yield running


@pytest.fixture(autouse=True)
def calm(sandbox: Sandbox) -> None:
    sandbox.set_faults()
    sandbox.clear_request_log()


def run(sandbox: Sandbox, who: Subject, *, deadline: float = 15.0, **own: Any) -> Batch:
    settings = settings_with(sandbox.config_path, hubspot=own).model_copy(update={"deadline_seconds": deadline})

    async def work() -> Any:
        return await closing(HubSpotSession(settings, clock, pace=quick()), lambda session: fetch(session, who))

    batch: Batch = asyncio.run(work())
    return batch


def by_id(batch: Batch, table: str) -> dict[str, dict[str, Any]]:
    return {row[f"{table}_id"]: row for row in batch.tables[table]}


def paths(sandbox: Sandbox) -> list[str]:
    return [f"{request.method} {request.path.partition('?')[0]}" for request in sandbox.request_log]


# -- the whole stream -------------------------------------------------------------------------------------------------


def test_a_company_known_to_the_csm_view(sandbox: Sandbox) -> None:
    batch = run(sandbox, subject())
    assert batch.gaps == {}
    company = batch.tables["company"][0]
    assert company["company_id"] == COMPANY_ID
    assert company["linked_by"] == "csm"
    assert company["owner_name"] == "Ida Colvander"
    assert company["fleet_size"] == "1"
    assert company["contract_end_date"] == date(2027, 1, 31)
    assert company["renewal_date"] is None
    assert company["created_at"] == datetime(2025, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)


def test_contacts(sandbox: Sandbox) -> None:
    contacts = by_id(run(sandbox, subject()), "contact")
    assert contacts["21"]["name"] == "Ana Ashdell"
    assert (contacts["21"]["is_primary"], contacts["21"]["has_left"]) == (True, False)
    assert contacts["22"]["name"] == "Bruno"
    assert (contacts["22"]["is_primary"], contacts["22"]["has_left"]) == (False, True)


def test_deals_state_money_and_labels(sandbox: Sandbox) -> None:
    deals = by_id(run(sandbox, subject()), "deal")
    assert (deals["31"]["is_open"], deals["31"]["is_won"], deals["31"]["amount_minor"]) == (False, True, 14950)
    assert (deals["32"]["is_open"], deals["32"]["is_won"], deals["32"]["amount_minor"]) == (True, False, None)
    assert (deals["32"]["is_expansion"], deals["31"]["is_expansion"]) == (True, False)
    assert (deals["33"]["is_open"], deals["33"]["is_won"]) == (False, False)
    assert deals["33"]["stage"] == "Closed Lost - Formerly Paid"
    assert (deals["33"]["amount_minor"], deals["33"]["currency"]) == (12000, "JPY")


def test_engagements_of_all_four_types(sandbox: Sandbox) -> None:
    logged = by_id(run(sandbox, subject()), "engagement")
    assert {row["type"] for row in logged.values()} == {"note", "email", "call", "meeting"}
    assert logged["41"]["body"] == "Bruno has left the company"
    assert logged["41"]["mentions_champion_left"] is True
    assert logged["41"]["mentions_cancellation"] is False
    assert logged["42"]["mentions_cancellation"] is True
    assert logged["43"]["duration_seconds"] == 754.0
    assert logged["44"]["title"] == "Kick-off"
    assert logged["44"]["duration_seconds"] is None


def test_rows_have_exactly_the_canonical_columns_and_their_receipts(sandbox: Sandbox) -> None:
    batch = run(sandbox, subject())
    receipts = {receipt.id: receipt for receipt in batch.receipts}
    for table, rows in batch.tables.items():
        assert rows
        for row in rows:
            assert sorted(row) == sorted(TABLES[table].column_names)
            assert receipts[row["fetch_id"]].rows == len(rows)
    assert all("sandbox-hubspot-token" not in receipt.query for receipt in batch.receipts)


def test_a_repeated_fetch_has_the_same_digests(sandbox: Sandbox) -> None:
    first, second = run(sandbox, subject()), run(sandbox, subject())
    assert [receipt.digest for receipt in first.receipts] == [receipt.digest for receipt in second.receipts]


def test_a_known_company_costs_a_request_a_kind_and_one_for_owners(sandbox: Sandbox) -> None:
    # Of one deal the portal gives no flag: what its stage is takes one request more.
    run(sandbox, subject())
    assert sorted(paths(sandbox)) == sorted(
        [
            f"GET /crm/objects/2026-09/companies/{COMPANY_ID}",
            *(
                f"POST /crm/objects/2026-09/{kind}/batch/read"
                for kind in ("contacts", "deals", "notes", "emails", "calls", "meetings")
            ),
            "GET /crm/owners/2026-09",
            "GET /crm/pipelines/2026-09/deals",
        ]
    )


def test_every_property_is_asked_for_by_name(sandbox: Sandbox) -> None:
    batch = run(sandbox, subject())
    query = "\n".join(receipt.query for receipt in batch.receipts)
    for name in (
        "contract_end_date",
        "renewal_date",
        "operator_id",
        "moovs_operator_id",
        "hs_call_duration",
        "jobtitle",
    ):
        assert name in query


def test_the_legacy_paths_give_the_same_rows(sandbox: Sandbox) -> None:
    new = run(sandbox, subject())
    sandbox.clear_request_log()
    old = run(sandbox, subject(), version="v3")
    assert all(path.split()[1].startswith("/crm/v3/") for path in paths(sandbox))
    assert {t: by_id(new, t).keys() for t in new.tables} == {t: by_id(old, t).keys() for t in old.tables}


def test_a_version_that_is_none_is_a_config_error() -> None:
    settings = settings_of(hubspot={"version": "latest"})
    with pytest.raises(ConfigError, match="latest") as caught:
        HubSpotSession(settings, clock)
    assert caught.value.setting == "hubspot.version"


# -- which company ----------------------------------------------------------------------------------------------------


def test_without_a_csm_id_the_operator_property_finds_the_company(sandbox: Sandbox) -> None:
    company = run(sandbox, subject(company_id=None)).tables["company"][0]
    assert (company["company_id"], company["linked_by"]) == (COMPANY_ID, "property")


def test_a_csm_id_that_hubspot_does_not_have_falls_back_to_the_property(sandbox: Sandbox) -> None:
    company = run(sandbox, subject(company_id="77777")).tables["company"][0]
    assert (company["company_id"], company["linked_by"]) == (COMPANY_ID, "property")


def test_an_operator_id_in_another_spelling_is_found(sandbox: Sandbox) -> None:
    batch = run(sandbox, subject(UNDASHED, None))
    assert [row["company_id"] for row in batch.tables["company"]] == ["10000000002"]
    assert batch.tables["company"][0]["operator_id"] == UNDASHED
    assert batch.tables["contact"] == []
    assert batch.gaps == {}


def test_no_company_is_an_answer(sandbox: Sandbox) -> None:
    batch = run(sandbox, subject(NOBODY, None))
    assert batch.tables == {"company": [], "contact": [], "deal": [], "engagement": []}
    assert batch.gaps == {}
    assert [receipt.rows for receipt in batch.receipts] == [0]


def test_two_companies_of_one_operator_are_both_read(sandbox: Sandbox) -> None:
    batch = run(sandbox, subject(TWICE, None))
    assert by_id(batch, "company").keys() == {"10000000003", "10000000004"}
    assert by_id(batch, "contact").keys() == {"21", "22"}


def test_a_portal_without_the_property_is_a_gap_that_names_the_setting(sandbox: Sandbox) -> None:
    batch = run(sandbox, subject(company_id=None), operator_properties=("operator_id", "operator_uuid"))
    assert set(batch.gaps) == {"company", "contact", "deal", "engagement"}
    gap = batch.gaps["company"]
    assert gap.reason == "not_configured"
    assert "operator_uuid" in gap.detail
    assert "hubspot.operator_properties" in gap.next_step


def test_a_single_configured_property_is_not_looked_up(sandbox: Sandbox) -> None:
    run(sandbox, subject(NOBODY, None), operator_properties=("moovs_operator_id",))
    assert paths(sandbox) == ["POST /crm/objects/2026-09/companies/search"]


def test_more_than_a_batch_of_notes_is_read_whole(sandbox: Sandbox) -> None:
    batch = run(sandbox, subject(CROWDED, "10000000005"))
    assert len(batch.tables["engagement"]) == NOTES
    assert batch.gaps == {}
    assert paths(sandbox).count("POST /crm/objects/2026-09/notes/batch/read") == 3


def test_owners_and_property_names_are_read_once_a_session(sandbox: Sandbox) -> None:
    settings = settings_with(sandbox.config_path)

    async def work(session: HubSpotSession) -> None:
        await fetch(session, subject(company_id=None))
        await fetch(session, subject(company_id=None))

    asyncio.run(closing_with(settings, work))
    assert paths(sandbox).count("GET /crm/owners/2026-09") == 1
    assert paths(sandbox).count("GET /crm/properties/2026-09/companies") == 1


async def closing_with(settings: Settings, work: Callable[[HubSpotSession], Any]) -> Any:
    return await closing(HubSpotSession(settings, clock, pace=quick()), work)


# -- faults -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("down", Unavailable),
        ("http500", Unavailable),
        ("drop", Unavailable),
        ("http429", RateLimited),
        ("auth", Denied),
        ("badjson", BadAnswer),
        ("schema", SchemaChanged),
    ],
)
def test_a_source_that_fails_raises(sandbox: Sandbox, fault: str, error: type[SourceError]) -> None:
    sandbox.set_faults(f"hubspot:{fault}")
    with pytest.raises(error) as caught:
        run(sandbox, subject())
    assert caught.value.source == "hubspot"
    assert caught.value.hint


def test_a_slow_source_ends_at_the_deadline(sandbox: Sandbox) -> None:
    sandbox.set_faults("hubspot:slow")
    with pytest.raises(Unavailable, match="did not answer within"):
        run(sandbox, subject(), deadline=0.3)


def test_records_that_do_not_come_are_a_gap_and_not_a_short_list(sandbox: Sandbox) -> None:
    sandbox.set_faults("hubspot:truncate")
    batch = run(sandbox, subject())
    assert {table: gap.reason for table, gap in batch.gaps.items()} == dict.fromkeys(
        ("contact", "deal", "engagement"), "truncated"
    )
    assert any(receipt.truncated for receipt in batch.receipts)


def test_a_search_that_says_more_than_it_gives_is_a_gap(sandbox: Sandbox) -> None:
    sandbox.set_faults("hubspot:truncate")
    batch = run(sandbox, subject(company_id=None), operator_properties=("moovs_operator_id",))
    assert {gap.reason for gap in batch.gaps.values()} == {"truncated"}
    assert set(batch.gaps) == {"company", "contact", "deal", "engagement"}


# -- answers that the sandbox does not give ---------------------------------------------------------------------------

COMPANY = {
    "id": COMPANY_ID,
    "properties": {"name": "Harbor", "createdate": "2025-01-02T00:00:00Z", "hubspot_owner_id": OWNER_ID},
    "associations": {"contacts": {"results": [{"id": "21", "type": "a"}, {"id": "21", "type": "b"}]}},
}
CONTACT = {"id": "21", "properties": {"email": None, "createdate": "2025-01-02T00:00:00Z"}}


def mocked(answers: dict[str, httpx2.Response | Handler]) -> Batch:
    def answer(request: httpx2.Request) -> httpx2.Response:
        for ending, given in answers.items():
            if request.url.path.endswith(ending):
                return given(request) if callable(given) else given
        return httpx2.Response(200, json={"status": "COMPLETE", "results": []})

    settings = settings_of(hubspot={"token": "t0ken"})
    session = HubSpotSession(settings, clock, transport=httpx2.MockTransport(answer), pace=quick())
    batch: Batch = asyncio.run(closing(session, lambda one: fetch(one, subject())))
    return batch


def json_(body: Any, status: int = 200) -> httpx2.Response:
    return httpx2.Response(status, json=body)


def refused() -> httpx2.Response:
    return json_({"status": "error", "message": "This app lacks scopes", "category": "MISSING_SCOPES"}, 403)


@pytest.mark.parametrize("said", [True, False])
def test_in_a_sync_a_record_comes_or_hubspot_says_that_it_is_not_there(said: bool) -> None:
    errors = [{"context": {"ids": ["22"]}}] if said else []

    def answer(_request: httpx2.Request) -> httpx2.Response:
        return json_({"results": [CONTACT], "errors": errors})

    async def read(session: HubSpotSession) -> Any:
        return await session.read_all("contacts", ["21", "22"], ("email",), session.log("bulk"))

    settings = settings_of(hubspot={"token": "t0ken"})
    session = HubSpotSession(settings, clock, transport=httpx2.MockTransport(answer), pace=quick())
    if said:
        assert asyncio.run(closing(session, read)) == [CONTACT]
    else:
        with pytest.raises(Truncated, match="did not give all that was asked for"):
            asyncio.run(closing(session, read))


def test_a_part_that_is_refused_leaves_the_others_known() -> None:
    company = {**COMPANY, "associations": {**COMPANY["associations"], "deals": {"results": [{"id": "31"}]}}}  # type: ignore[dict-item]
    batch = mocked(
        {
            f"/companies/{COMPANY_ID}": json_(company),
            "/contacts/batch/read": json_({"results": [CONTACT]}),
            "/deals/batch/read": refused(),
        }
    )
    assert set(batch.gaps) == {"deal"}
    assert batch.gaps["deal"].reason == "denied"
    assert len(batch.tables["contact"]) == 1


def test_a_partial_batch_is_truncated() -> None:
    company = {**COMPANY, "associations": {"contacts": {"results": [{"id": "21"}, {"id": "29"}]}}}
    error = {"status": "error", "category": "OBJECT_NOT_FOUND", "context": {"ids": ["29"]}}
    partial = {"status": "COMPLETE", "results": [CONTACT], "numErrors": 1, "errors": [error]}
    batch = mocked({f"/companies/{COMPANY_ID}": json_(company), "/contacts/batch/read": json_(partial, 207)})
    assert batch.gaps["contact"].reason == "truncated"
    assert "1 of the contacts" in batch.gaps["contact"].detail
    assert set(batch.gaps) == {"contact"}


def test_an_owner_that_cannot_be_read_is_named_by_id() -> None:
    answers: dict[str, httpx2.Response | Handler] = {
        f"/companies/{COMPANY_ID}": json_(COMPANY),
        "/contacts/batch/read": json_({"results": [CONTACT]}),
    }
    assert (
        mocked({**answers, "/crm/owners/2026-09": refused()}).tables["company"][0]["owner_name"] == f"owner {OWNER_ID}"
    )
    assert mocked(answers).tables["company"][0]["owner_name"] == f"owner {OWNER_ID}"


def test_a_contact_of_a_portal_without_a_departure_property_is_unknown_not_present() -> None:
    batch = mocked({f"/companies/{COMPANY_ID}": json_(COMPANY), "/contacts/batch/read": json_({"results": [CONTACT]})})
    assert batch.tables["contact"][0]["has_left"] is None


def associations_paged(following: dict[str, str]) -> dict[str, Any]:
    return {**COMPANY, "associations": {"contacts": {"results": [{"id": "21"}], "paging": {"next": following}}}}


def contacts_asked(request: httpx2.Request) -> httpx2.Response:
    ids = [item["id"] for item in json.loads(request.content)["inputs"]]
    return json_({"results": [{**CONTACT, "id": identifier} for identifier in ids]})


def test_associations_go_on_at_their_cursor() -> None:
    def rest(request: httpx2.Request) -> httpx2.Response:
        after = json.loads(request.content)["inputs"][0]["after"]
        page: dict[str, Any] = {"from": {"id": COMPANY_ID}, "to": [{"toObjectId": 20 + int(after)}]}
        if after == "2":
            page["paging"] = {"next": {"after": "3"}}
        return json_({"status": "COMPLETE", "results": [page]})

    batch = mocked(
        {
            f"/companies/{COMPANY_ID}": json_(associations_paged({"after": "2"})),
            "/companies/contacts/batch/read": rest,
            "/contacts/batch/read": contacts_asked,
        }
    )
    assert by_id(batch, "contact").keys() == {"21", "22", "23"}
    assert batch.gaps == {}


def test_associations_that_go_on_without_a_cursor_are_truncated() -> None:
    batch = mocked(
        {
            f"/companies/{COMPANY_ID}": json_(associations_paged({"link": "https://example.com"})),
            "/contacts/batch/read": contacts_asked,
        }
    )
    assert len(batch.tables["contact"]) == 1
    assert batch.gaps["contact"].reason == "truncated"


def test_a_deal_stage_that_nobody_explains_is_a_gap() -> None:
    company = {**COMPANY, "associations": {"deals": {"results": [{"id": "31"}]}}}
    deal = {"id": "31", "properties": {"dealstage": "4711", "createdate": "2025-01-02T00:00:00Z"}}
    batch = mocked({f"/companies/{COMPANY_ID}": json_(company), "/deals/batch/read": json_({"results": [deal]})})
    assert batch.tables["deal"][0]["is_open"] is None
    assert "4711" in batch.gaps["deal"].detail


def test_an_answer_that_is_no_object_is_a_bad_answer() -> None:
    with pytest.raises(BadAnswer):
        mocked({f"/companies/{COMPANY_ID}": json_([1, 2])})


def test_a_found_company_that_holds_another_operator_is_not_taken() -> None:
    strange = {**COMPANY, "id": "555", "properties": {**COMPANY["properties"], "operator_id": UNDASHED}}  # type: ignore[dict-item]
    answers: dict[str, httpx2.Response | Handler] = {
        f"/companies/{COMPANY_ID}": json_({"status": "error", "message": "no"}, 404),
        "/properties/2026-09/companies": json_({"results": [{"name": "operator_id"}]}),
        "/companies/search": json_({"total": 1, "results": [strange]}),
        "/companies/555": json_(strange),
    }
    batch = mocked(answers)
    assert batch.tables["company"] == []
    assert batch.gaps == {}


@pytest.mark.parametrize("body", [{}, {"results": None}, {"results": ["x"]}])
def test_a_search_without_results_is_not_an_empty_one(body: Any) -> None:
    answers: dict[str, httpx2.Response | Handler] = {
        f"/companies/{COMPANY_ID}": json_({"status": "error", "message": "no"}, 404),
        "/properties/2026-09/companies": json_({"results": [{"name": "operator_id"}]}),
        "/companies/search": json_(body),
    }
    with pytest.raises(BadAnswer):
        mocked(answers)


# -- configuration and doctor -----------------------------------------------------------------------------------------


def test_without_a_token_the_source_says_what_to_set() -> None:
    gap = SOURCE.missing(settings_of())
    assert gap is not None
    assert gap.reason == "not_configured"
    assert "hubspot.token" in gap.next_step
    assert SOURCE.missing(settings_of(hubspot={"token": "t0ken"})) is None


def checked(sandbox: Sandbox, name: str, **own: Any) -> Diagnosis:
    check = next(check for check in SOURCE.checks if check.name == name)
    result: Diagnosis = asyncio.run(
        closing_with(settings_with(sandbox.config_path, hubspot=own), lambda session: check.run(session, None))
    )
    return result


def test_doctor_reads_everything_once(sandbox: Sandbox) -> None:
    assert checked(sandbox, "token").status == "ok"
    sandbox.set_faults("hubspot:auth")
    failed = checked(sandbox, "token")
    assert (failed.status, bool(failed.fix)) == ("fail", True)


def test_doctor_finds_the_operator_property_and_its_fill_rate(sandbox: Sandbox) -> None:
    result = checked(sandbox, "operator_property")
    assert result.status == "ok"
    assert "moovs_operator_id: 5 of 5" in result.found
    assert "1 of them in another spelling" in result.found
    assert result.settings == {"hubspot.operator_properties": ["moovs_operator_id"]}


def test_doctor_names_similar_properties_when_none_fits(sandbox: Sandbox) -> None:
    result = checked(sandbox, "operator_property", operator_properties=("op",))
    assert result.status == "fail"
    assert "moovs_operator_id" in result.found


def test_doctor_tells_whether_deal_states_are_known(sandbox: Sandbox) -> None:
    assert checked(sandbox, "deal_states").status == "ok"


def test_doctor_tells_whether_the_history_of_properties_is_given(sandbox: Sandbox) -> None:
    assert checked(sandbox, "history").status == "ok"
    sandbox.set_faults("hubspot:auth")
    refused = checked(sandbox, "history")
    assert refused.status == "warn"
    assert "companies, contacts, deals" in refused.found


def test_the_clock_of_receipts_is_injected(sandbox: Sandbox) -> None:
    assert {receipt.fetched_at for receipt in run(sandbox, subject()).receipts} == {AS_OF}
    assert {row["operator_id"] for rows in run(sandbox, subject()).tables.values() for row in rows} == {OPERATOR}
