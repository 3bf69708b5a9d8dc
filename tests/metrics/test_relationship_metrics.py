"""People, tickets and the relationship, computed by hand."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from measuring import INSTANT, OP, T, ago, measure, numbered, rows_of


def people(**tables: list[dict[str, Any]]) -> dict[str, Any]:
    named = {name: numbered(f"{name}_id", rows) for name, rows in tables.items()}
    return measure("people", T, **named)


# -- people -------------------------------------------------------------------------------------------------------------


def test_members_now_and_ninety_days_ago() -> None:
    row = people(
        member=[
            {"created_at": ago(400)},
            {"created_at": ago(400), "removed_at": ago(90)},
            {"created_at": ago(400), "removed_at": ago(90) - INSTANT},
            {"created_at": ago(90)},
            {"created_at": ago(90) - INSTANT},
            {"created_at": ago(5), "removed_at": T},
            {"created_at": ago(5), "removed_at": ago(1)},
            {"created_at": T},
        ]
    )
    assert row["members_now"] == 3  # the first and two around 90 days; who is removed at T is no member any more
    assert row["members_added_90d"] == 3 - 2


def test_a_team_can_shrink() -> None:
    row = people(member=[{"created_at": ago(400), "removed_at": ago(5)}])
    assert (row["members_now"], row["members_added_90d"]) == (0, -1)


def test_drivers_are_neither_removed_nor_deactivated() -> None:
    row = people(
        driver=[
            {"created_at": ago(400)},
            {"created_at": ago(400), "deactivated_at": ago(5)},
            {"created_at": ago(5)},
            {"created_at": ago(5), "removed_at": ago(1)},
            {"created_at": ago(400), "deactivated_at": ago(-1)},
        ]
    )
    assert (row["drivers_now"], row["drivers_added_90d"], row["members_now"]) == (3, 0, 0)


def test_last_login_is_before_t() -> None:
    row = people(
        member=[
            {"created_at": ago(99), "last_login_at": ago(14)},
            {"created_at": ago(99), "last_login_at": T},
            {"created_at": ago(99), "last_login_at": None},
        ]
    )
    assert (row["last_login_at"], row["days_since_login"]) == (ago(14), 14)
    assert people(member=[{"created_at": ago(9)}])["days_since_login"] is None


def test_the_latest_answers_of_180_days_each_on_its_own() -> None:
    row = people(
        survey=[
            {"nps": 9, "created_at": ago(100)},
            {"nps": 0, "csat": None, "created_at": ago(50)},
            {"nps": None, "csat": 4, "created_at": ago(60)},
            {"nps": 10, "csat": 5, "created_at": T},
            {"csat": 1, "created_at": ago(180) - INSTANT},
        ]
    )
    assert (row["nps_latest"], row["csat_latest"], row["survey_latest_at"]) == (0, 4, ago(50))
    edge = people(survey=[{"nps": 7, "created_at": ago(180)}])
    assert (edge["nps_latest"], edge["csat_latest"]) == (7, None)
    assert rows_of("people", survey=[{"nps": 7, "created_at": ago(181)}]) == []


# -- tickets ------------------------------------------------------------------------------------------------------------


def ticket(days: float = 3, **more: Any) -> dict[str, Any]:
    return {
        "is_open": True,
        "is_done": False,
        "is_certain": True,
        "is_commitment": False,
        "created_at": ago(days),
        "edited_at": ago(days),
        **more,
    }


def support(*tickets: dict[str, Any]) -> dict[str, Any]:
    return measure("support", ticket=numbered("ticket_id", tickets))


def test_old_tickets_count_once() -> None:
    row = support(ticket(8), ticket(40), ticket(3, priority="High"))
    assert (row["open_tickets"], row["open_tickets_over_7d"], row["open_tickets_over_30d"]) == (3, 1, 1)
    assert (row["high_priority_open"], row["oldest_open_days"]) == (1, 40)


@pytest.mark.parametrize(
    ("created", "seven", "thirty"),
    [
        (ago(7), 0, 0),
        (ago(7) - INSTANT, 1, 0),
        (ago(30), 1, 0),
        (ago(30) - INSTANT, 0, 1),
    ],
)
def test_ages_of_open_tickets(created: datetime, seven: int, thirty: int) -> None:
    row = support(ticket(created_at=created))
    assert (row["open_tickets_over_7d"], row["open_tickets_over_30d"]) == (seven, thirty)


def test_probable_tickets_are_counted_apart() -> None:
    unsure = {
        "is_certain": False,
        "priority": "High",
        "types": "|Feature|",
        "is_commitment": True,
        "due_date": date(2026, 1, 1),
    }
    row = support(ticket(40, **unsure), ticket(1, is_certain=None))
    assert row["probable_tickets"] == 2
    assert {name: value for name, value in row.items() if value not in {0, None}} == {
        "operator_id": OP,
        "probable_tickets": 2,
    }


def test_tickets_created_at_t_are_unknown() -> None:
    assert rows_of("support", ticket=[ticket(0)]) == []


def done(created: float, edited: float, **more: Any) -> dict[str, Any]:
    return ticket(created, **{"is_open": False, "is_done": True, "edited_at": ago(edited), **more})


def test_resolution_time_is_the_median_of_done_tickets_of_90_days() -> None:
    row = support(done(20, 10), done(12, 10), done(60, 54.5), done(200, 91), done(5, 0), done(30, 29, is_certain=False))
    assert (row["resolved_90d"], row["median_resolution_days"]) == (3, 5.5)
    even = support(done(20, 10), done(12, 10))
    assert (even["resolved_90d"], even["median_resolution_days"]) == (2, 6.0)
    assert support(ticket())["median_resolution_days"] is None
    edge = support(done(100, 90), done(100, 90, edited_at=ago(90) - INSTANT))
    assert edge["resolved_90d"] == 1


def test_types_are_whole_options() -> None:
    row = support(
        ticket(types="|Feature|"),
        ticket(types="|Bug|Request|"),
        ticket(types="|Featured|"),
        ticket(types="|Bug|"),
        ticket(),
    )
    assert row["feature_requests_open"] == 2


def test_recent_tickets_are_counted_open_or_not() -> None:
    assert support(ticket(30), ticket(30.001), done(5, 2), ticket(5, is_certain=False))["tickets_30d"] == 2


@pytest.mark.parametrize(
    ("days_left", "stage", "at_risk"),
    [
        (-1, "|In Development|", 1),
        (0, "|QA|", 0),
        (6, "|Ready for dev|", 1),
        (7, "|Ready for dev|", 0),
        (6, "|UI Design|In Development|", 0),
        (13, "|UI Design|", 1),
        (14, "|UI Design|", 0),
        (13, "|Ready for dev|", 0),
        (29, "|Backlog|", 1),
        (29, None, 1),
        (29, "|Eng Design|", 0),
        (30, "|Backlog|", 0),
    ],
)
def test_commitments_at_risk(days_left: int, stage: str | None, at_risk: int) -> None:
    due = ago(-days_left).date()
    row = support(ticket(is_commitment=True, due_date=due, stage=stage))
    assert (row["commitments_open"], row["commitments_at_risk"]) == (1, at_risk)
    assert support(ticket(is_commitment=True, due_date=due, stage=stage, is_open=False))["commitments_at_risk"] == 0


# -- relationship -------------------------------------------------------------------------------------------------------


def crm(**tables: list[dict[str, Any]]) -> dict[str, Any]:
    named = {
        name: [{"created_at": ago(500), **row} for row in numbered(f"{name}_id", rows)] for name, rows in tables.items()
    }
    return measure("crm", T, **named)


def test_the_company_linked_by_the_csm_view_speaks() -> None:
    row = crm(
        company=[
            {"linked_by": "search", "owner_name": "A"},
            {"linked_by": "csm", "owner_name": "B", "lifecycle_stage": "customer", "renewal_date": date(2026, 9, 1)},
            {"linked_by": "property", "owner_name": "C"},
        ]
    )
    assert (row["owner_name"], row["lifecycle_stage"], row["contract_renewal_date"]) == (
        "B",
        "customer",
        date(2026, 9, 1),
    )
    assert (row["contacts"], row["deals_open"], row["cancellation_mentioned"]) == (0, 0, False)


def test_contacts_that_left() -> None:
    row = crm(contact=[{"has_left": True}, {"has_left": False}, {"has_left": False}, {"created_at": T}])
    assert (row["contacts"], row["contacts_left"], row["contacts_active"]) == (3, 1, 2)


def test_where_nobody_knows_who_has_left_nobody_is_counted_as_there() -> None:
    row = crm(contact=[{"has_left": True}, {"has_left": None}])
    assert (row["contacts"], row["contacts_left"], row["contacts_active"]) == (2, None, None)
    assert crm(engagement=[{}])["contacts_left"] == 0


def test_deals() -> None:
    row = crm(
        deal=[
            {"is_open": True, "is_won": False, "is_expansion": True},
            {"is_open": True, "is_won": False, "is_expansion": False},
            {"is_open": False, "is_won": True, "is_expansion": True},
            {"is_open": False, "is_won": False},
            {"is_open": True, "is_expansion": True, "created_at": T},
        ]
    )
    assert (row["deals_open"], row["deals_won"], row["expansion_deals_open"]) == (2, 1, 1)


def test_last_contact_is_the_latest_engagement_before_t() -> None:
    row = crm(
        company=[{"last_contacted_at": ago(1)}],
        engagement=[
            {"type": "call", "occurred_at": ago(70)},
            {"type": "note", "occurred_at": ago(200)},
            {"type": "meeting", "occurred_at": T},
            {"type": "meeting", "occurred_at": ago(-9)},
            {"type": "email", "occurred_at": ago(3), "created_at": T},
        ],
    )
    assert (row["last_contact_at"], row["last_contact_type"], row["days_since_contact"]) == (ago(70), "call", 70)
    assert row["engagements_90d"] == 1


def test_without_engagements_hubspots_last_activity_stands() -> None:
    row = crm(company=[{"last_contacted_at": ago(70) + INSTANT}])
    assert (row["last_contact_at"], row["last_contact_type"], row["days_since_contact"]) == (
        ago(70) + INSTANT,
        None,
        69,
    )
    assert crm(company=[{"last_contacted_at": T}])["last_contact_at"] is None


def test_an_engagement_without_its_instant_took_place_when_it_was_logged() -> None:
    assert crm(engagement=[{"type": "note", "created_at": ago(4)}])["last_contact_at"] == ago(4)


@pytest.mark.parametrize(
    ("at", "cancellation", "champion"),
    [
        (ago(90), True, True),
        (ago(90) - INSTANT, False, True),
        (ago(180), False, True),
        (ago(180) - INSTANT, False, False),
    ],
)
def test_mentions_count_for_a_while(at: datetime, cancellation: bool, champion: bool) -> None:
    row = crm(engagement=[{"occurred_at": at, "mentions_cancellation": True, "mentions_champion_left": True}])
    assert (row["cancellation_mentioned"], row["champion_left_noted"]) == (cancellation, champion)
