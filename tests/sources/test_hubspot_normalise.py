"""HubSpot's texts as canonical values."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_research.domain.values import operator_id
from customer_research.errors import SchemaChanged
from customer_research.sources.hubspot import normalise as n

UUID = "0b7c1a52-6a1e-4f0e-9d53-0a4c5f7e1d01"


def contact(**properties: str | None) -> dict[str, Any]:
    return {"id": "1", "properties": {"email": None, "createdate": "2025-01-02T00:00:00Z", **properties}}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-01T10:00:00.123Z", datetime(2026, 11, 1, 10, 0, 0, 123000, tzinfo=UTC)),
        ("2026-11-01T10:00:00+02:00", datetime(2026, 11, 1, 8, tzinfo=UTC)),
        ("1793527200000", datetime(2026, 11, 1, 10, tzinfo=UTC)),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("", None),
        (None, None),
        ("soon", None),
        ("99999999999999999999", None),
    ],
)
def test_instants(value: str | None, expected: datetime | None) -> None:
    assert n.instant(value) == expected


def test_a_date_property_may_come_as_midnight() -> None:
    assert n.day("2027-01-31") == n.day("2027-01-31T00:00:00Z") == date(2027, 1, 31)
    assert n.day(None) is None


@pytest.mark.parametrize(
    ("value", "currency", "expected"),
    [
        ("149.50", "USD", 14950),
        ("0", "USD", 0),
        ("12000", "JPY", 12000),
        (None, "USD", None),
        ("n/a", "USD", None),
        ("NaN", "USD", None),
    ],
)
def test_amounts_keep_zero_apart_from_unknown(value: str | None, currency: str, expected: int | None) -> None:
    assert n.minor(value, currency) == expected


def test_durations_are_milliseconds() -> None:
    assert n.seconds("754000") == 754.0
    assert n.seconds("0") == 0.0
    assert n.seconds(None) is None


@pytest.mark.parametrize(
    ("stage", "state"),
    [
        ("closedwon", (False, True)),
        ("Closed Won", (False, True)),
        ("Paid Account / Fully Onboarded", (False, True)),
        ("Fully Onboarded/Paid Account", (False, True)),
        ("smb_paid", (False, True)),
        ("closedlost", (False, False)),
        ("Closed Lost - Formerly Paid", (False, False)),
        ("Closed lost - formerly paid", (False, False)),
        ("Closed Lost- Formerly Paid", (False, False)),
        ("smb_lost_paid", (False, False)),
        ("Negotiation ", (True, False)),
        ("PQL", (True, False)),
        ("Contract sent", (True, False)),
        ("Onboarding", (True, False)),
        ("4711", (None, None)),
        (None, (None, None)),
    ],
)
def test_deal_states_by_the_closed_list(stage: str | None, state: tuple[bool | None, bool | None]) -> None:
    assert n.deal_state({}, n.Stage(stage or "")) == state


def test_hubspots_own_flags_go_before_the_stage() -> None:
    won = n.Stage("closedwon")
    assert n.deal_state({"hs_is_closed": "true", "hs_is_closed_won": "false"}, won) == (False, False)
    assert n.deal_state({"hs_is_closed": "false"}, n.Stage("4711")) == (True, False)
    assert n.deal_state({"hs_is_closed": "true", "hs_is_closed_won": None}, won) == (False, True)
    assert n.deal_state({"hs_is_closed": "false"}, n.Stage("4711", is_open=False, is_won=True)) == (True, False)


@pytest.mark.parametrize(
    ("metadata", "state"),
    [
        ({"isClosed": "false", "probability": "0.2"}, (True, False)),
        ({"isClosed": "false", "probability": "0.0"}, (True, False)),
        ({"isClosed": "true", "probability": "1.0"}, (False, True)),
        ({"isClosed": "true", "probability": "0.0"}, (False, False)),
        ({"isClosed": True, "probability": 1}, (False, True)),
        ({"probability": "1.0"}, (False, True)),
        ({"probability": "0"}, (False, False)),
        ({"probability": "0.4"}, (True, False)),
        ({"isClosed": "false"}, (True, False)),
        ({"isClosed": "true"}, (None, None)),  # won or lost: nobody says
        ({}, (None, None)),
        (None, (None, None)),
    ],
)
def test_what_a_pipeline_says_of_a_stage(metadata: Any, state: tuple[bool | None, bool | None]) -> None:
    """Whatever it is called: names count only where the pipeline says nothing."""
    told = n.stage_of({"id": "s1", "label": " Zeta ", "metadata": metadata})
    assert told.label == "Zeta"
    assert n.deal_state({}, told) == state
    renamed = n.stage_of(
        {"id": "closedwon", "label": "Closed won", "metadata": {"isClosed": "false", "probability": "0.4"}}
    )
    assert n.deal_state({}, renamed) == (True, False)


@pytest.mark.parametrize(
    ("pipeline", "kind", "expected"),
    [
        ("Add-on pipeline", "newbusiness", True),
        ("addon", None, True),
        ("SMB pipeline", "existingbusiness", True),
        ("SMB pipeline", "Existing Business", True),
        ("SMB pipeline", "newbusiness", False),
        (None, None, False),
    ],
)
def test_expansion(pipeline: str | None, kind: str | None, expected: bool) -> None:
    assert n.is_expansion(pipeline, kind) is expected


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({}, None),
        ({"contact_status": None}, False),
        ({"contact_status": "active"}, False),
        ({"contact_status": "Left the company"}, True),
        ({"contact_status": "left"}, True),
        ({"left_company_date": "2026-01-01"}, True),
        ({"contact_status": "active", "left_company_date": None}, False),
    ],
)
def test_departures(properties: dict[str, str | None], expected: bool | None) -> None:
    assert n.contact_row(contact(**properties), UUID, is_primary=False)["has_left"] is expected


def test_a_contact_without_a_name_has_none() -> None:
    assert n.contact_row(contact(firstname=" ", lastname=None), UUID, is_primary=True)["name"] is None


@pytest.mark.parametrize(
    "record",
    [
        {"id": "1"},
        {"id": "1", "properties": None},
        {"id": "1", "properties": {}},
        {"properties": {"dealstage": "x", "createdate": "y"}},
    ],
)
def test_a_record_without_what_figures_need_is_a_changed_schema(record: dict[str, Any]) -> None:
    with pytest.raises(SchemaChanged, match="deals"):
        n.properties_of(record, "deals")


def test_rich_texts_become_plain() -> None:
    rich = "<div><p>One &amp; two</p><script>alert(1)</script><ul><li>three</li></ul>a &lt;b&gt;</div>"
    assert n.plain(rich) == "One & two\nthree\na <b>"
    assert n.plain("<p></p>") is None
    assert n.plain(None) is None


@given(st.text(max_size=300))
def test_any_text_becomes_plain_without_failing(text: str) -> None:
    plain = n.plain(text)
    assert plain is None or plain == plain.strip()


@pytest.mark.parametrize(
    "spelling",
    [UUID, UUID.upper(), UUID.replace("-", ""), f"op_{UUID}", f"operator-{UUID}", f"{{{UUID}}}", f" {UUID} "],
)
def test_operator_ids_in_every_spelling(spelling: str) -> None:
    assert operator_id(spelling) == UUID


def test_other_texts_are_no_operator_id() -> None:
    assert operator_id("12345") == "legacy:12345"
    assert operator_id("Harbor") is None
    assert operator_id("") is None
    assert operator_id(None) is None


@given(st.uuids())
def test_each_spelling_that_is_searched_for_is_read_back(identifier: Any) -> None:
    canonical = str(identifier)
    spellings = n.operator_id_spellings(canonical)
    assert all(operator_id(spelling) == canonical for spelling in spellings)
    assert all(spelling == spelling.casefold() for spelling in spellings)


def test_a_legacy_number_is_searched_as_it_is() -> None:
    assert n.operator_id_spellings("legacy:12345") == ["12345"]


def test_a_meeting_happens_when_it_starts() -> None:
    record = {
        "id": "5",
        "createdAt": "2026-01-01T00:00:00Z",
        "properties": {
            "hs_timestamp": None,
            "hs_meeting_start_time": "2026-02-01T09:00:00Z",
            "hs_meeting_title": "Plan",
        },
    }
    row = n.engagement_row(record, UUID, object_type="meetings")
    assert row["occurred_at"] == datetime(2026, 2, 1, 9, tzinfo=UTC)
    assert row["created_at"] == datetime(2026, 1, 1, tzinfo=UTC)


def test_owners_are_shown_by_name_else_mail() -> None:
    assert n.owner_label({"firstName": "Ida", "lastName": "Colvander", "email": "i@example.com"}) == "Ida Colvander"
    assert n.owner_label({"firstName": "", "lastName": None, "email": "i@example.com"}) == "i@example.com"
