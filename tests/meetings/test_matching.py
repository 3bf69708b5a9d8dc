"""With which operators a meeting is: association, then a known contact, then a domain; never free mail, never ours."""

from __future__ import annotations

from typing import Any

import pytest
from meeting_cases import ANNA, BERT, HARBOUR, KNOWN, MATCHER, SILVERMEAD, occurrence

from customer_research.identity.meetings import Matcher


def told(**more: Any) -> list[tuple[str, str]]:
    return [(one.operator_id, one.reason) for one in MATCHER.match(occurrence(**more)).operators]


def test_the_crms_association_decides_alone() -> None:
    assert told(companies=("901",)) == [(HARBOUR, "association")], "though somebody at Silvermead is invited"


def test_a_known_contact_goes_before_the_domain() -> None:
    (one,) = MATCHER.match(occurrence()).operators
    assert (one.operator_id, one.reason) == (SILVERMEAD, "contact")
    assert one.because == "A contact of Silvermead Livery is invited."
    assert told(people=(ANNA, "new@silvermead.example")) == [(SILVERMEAD, "domain")]


def test_the_reason_names_no_person() -> None:
    for people in (("ben@silvermead.example",), ("new@silvermead.example",)):
        for one in MATCHER.match(occurrence(people=(ANNA, *people))).operators:
            assert "@" not in one.because


def test_a_contact_that_the_crm_associates_counts_without_an_address() -> None:
    assert told(people=(ANNA,), contacts=("700",)) == [(SILVERMEAD, "contact")]


def test_two_operators_are_both_named() -> None:
    assert told(people=(ANNA, "ben@silvermead.example", "x@harbour.example")) == [
        (SILVERMEAD, "contact"),
        (HARBOUR, "domain"),
    ]
    assert {one for one, _ in told(companies=("900", "901"))} == {SILVERMEAD, HARBOUR}


def test_free_mail_tells_of_nobody_but_a_known_address_does() -> None:
    assert told(people=(ANNA, "stranger@gmail.com")) == []
    assert told(people=(ANNA, "cleo@gmail.com")) == [(HARBOUR, "contact")]
    unknown = MATCHER.match(occurrence(people=(ANNA, "stranger@gmail.com")))
    assert (unknown.kind, unknown.domains) == ("unknown", ())


def test_our_own_domain_tells_of_nobody_nor_do_domains_below_it() -> None:
    for other in (BERT, "cara@uk.ours.example.com"):
        assert MATCHER.match(occurrence(people=(ANNA, other))).kind == "internal"
    assert MATCHER.match(occurrence(people=(ANNA, "x@notours.example.com"))).kind == "unknown", "not below ours"


def test_our_people_are_ours_whatever_their_mail() -> None:
    freelance = Matcher(KNOWN, (), ("anna@gmail.com", BERT))
    assert freelance.match(occurrence(people=("anna@gmail.com", BERT))).kind == "internal"
    assert freelance.match(occurrence(people=(BERT, "cara@ours.example.com"))).kind == "internal", (
        "Bert's domain is ours"
    )
    assert freelance.match(occurrence(people=(BERT, "stranger@gmail.com"))).kind == "unknown", "gmail.com is not"


def test_a_domain_of_many_operators_tells_of_none() -> None:
    found = MATCHER.match(occurrence(people=(ANNA, "x@agency.example")))
    assert (found.kind, found.domains) == ("unknown", ("agency.example",))


@pytest.mark.parametrize(("people", "kind"), [((ANNA,), "none"), ((), "none"), ((ANNA, BERT), "internal")])
def test_meetings_with_nobody_else(people: tuple[str, ...], kind: str) -> None:
    assert MATCHER.match(occurrence(people=people)).kind == kind


def test_a_company_that_the_lake_does_not_have_leaves_the_people_to_tell() -> None:
    assert told(companies=("999",)) == [(SILVERMEAD, "contact")]
    assert MATCHER.match(occurrence(people=(ANNA,), companies=("999",))).kind == "unknown"
