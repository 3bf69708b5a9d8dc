"""Company facts: asked for within a budget, once; kept with what proves them; forgotten whole; and never more than they are."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from firm_desk import ACME, BOLT, CARRIER, CITY, COMPANY, FREE, NOW, Desk, companies, desk_in, lake
from starlette.responses import PlainTextResponse

from customer_research.domain.firm import sureness
from customer_research.errors import OperatorNotFound, UsageError
from customer_research.research import company_facts, firm_facts
from customer_research.research.company_facts import accounts, forget, listed
from customer_research.research.matches import decide, waiting
from customer_research.store.database import open_store
from customer_research.store.firms import FirmBook, Spent
from customer_research_sandbox.servers.wire import answer

PDL, FMCSA = "people_data_labs", "fmcsa"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return desk_in(tmp_path, monkeypatch)


def book_of(desk: Desk) -> FirmBook:
    return FirmBook(open_store(desk.settings.store_url))


# -- the register ------------------------------------------------------------------------------------------------------


def test_the_register_is_asked_by_name_and_state_and_a_record_counts_that_says_the_same_phone(desk: Desk) -> None:
    done = desk.fetch(FMCSA)
    assert {one: found.matched_by for one, found in done.found.items()} == {ACME: "name_and_phone"}
    assert desk.values(ACME) == {
        "usdot_number": "3000007",
        "power_units": 14,
        "drivers": 11,
        "authority": "active",
        "carrier_operation": "interstate",
        "register_status": "active",
        "safety_rating": "satisfactory",
    }
    assert set(done.nothing) == {BOLT, CITY}
    assert (done.unknown, done.cut, done.failed) == (1, "", {})
    fact = listed(desk.settings, ACME, NOW)[2][0]
    assert sureness(fact) == "probable (name and phone)"
    assert f"{fact.observed_at:%Y-%m-%d}" == "2026-08-01"
    assert "phy_state" in fact.receipt.query
    assert "PLANTED" not in repr(listed(desk.settings, ACME, NOW))


def test_a_number_that_another_provider_surely_told_is_asked_for_and_a_record_without_it_is_no_match(
    desk: Desk,
) -> None:
    imported(desk, f"operator_id,usdot_number\n{ACME},03000007\n{BOLT},999\n")
    done = desk.fetch(FMCSA)
    assert done.found[ACME].matched_by == "usdot"
    assert any("dot_number%3D%273000007%27" in path for path in desk.asked())
    assert BOLT in done.nothing
    facts = [one for one in listed(desk.settings, ACME, NOW)[2] if one.provider == FMCSA]
    assert {sureness(one) for one in facts} == {"probable (USDOT number)"}


@pytest.mark.parametrize(
    "changes", [{"matched_by": "name_and_phone"}, {"expires_at": NOW}, {"provider": FMCSA}, {"provider_id": "shared"}]
)
def test_a_number_that_is_not_sure_is_not_asked_for(desk: Desk, changes: dict[str, Any]) -> None:
    imported(desk, f"operator_id,usdot_number,provider_id\n{ACME},3000007,\n{BOLT},3000008,shared\n")
    book = book_of(desk)
    (fact,) = book.of(ACME)
    book.keep([replace(fact, **changes)], whole=[(ACME, "other")])
    desk.fetch(FMCSA, again=True)
    assert not any("3000007" in path for path in desk.asked())


def test_two_carriers_that_fit_equally_well_are_no_match(desk: Desk) -> None:
    desk.server.firms.carriers.append({**CARRIER, "dot_number": "3000008"})
    assert ACME in desk.fetch(FMCSA).nothing


def test_a_number_of_another_firm_that_has_the_same_name_and_phone_is_no_match(desk: Desk) -> None:
    imported(desk, f"operator_id,usdot_number\n{ACME},3000008\n")
    assert ACME in desk.fetch(FMCSA).nothing


# -- what is paid ------------------------------------------------------------------------------------------------------


def test_a_provider_that_is_paid_is_not_asked_before_somebody_says_so(desk: Desk) -> None:
    done = desk.fetch(PDL)
    assert ([one.operator_id for one in done.asking], done.sent, desk.asked()) == ([ACME, BOLT, CITY], False, [])
    assert done.unknown == 1  # a free mail provider's domain, and no place
    assert accounts(desk.settings, NOW)[1].spent == Spent()


def test_a_match_costs_a_credit_who_is_not_known_costs_none_and_is_not_asked_about_for_ninety_days(desk: Desk) -> None:
    done = desk.fetch(PDL, buy=True)
    assert set(done.found) == {ACME}
    assert done.found[ACME].likelihood == pytest.approx(0.9)
    assert set(done.nothing) == {BOLT, CITY}
    assert done.spent == Spent(1, 0)
    assert desk.values(ACME)["headcount"] == 17
    assert len(desk.asked()) == 3
    again = desk.fetch(PDL, buy=True)
    assert (again.kept, again.missed, desk.asked()) == (1, 2, [])
    desk.now = NOW + timedelta(days=90)
    desk.fetch(PDL, buy=True)
    assert len(desk.asked()) == 2
    assert desk.fetch(PDL, buy=True, again=True).found.keys() == {ACME}


def test_who_is_known_by_something_else_now_is_asked_about_again(desk: Desk) -> None:
    desk.fetch(PDL, buy=True)
    desk.asked()
    lake(desk.settings, companies(**{BOLT: {"domain": "bolt-cars.example.com"}}))
    desk.fetch(PDL, buy=True)
    (path,) = desk.asked()
    assert "bolt-cars" in path


def test_the_call_after_the_last_credit_of_the_budget_is_not_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = desk_in(tmp_path, monkeypatch, budget=10)
    many = [
        {**companies()[0], "operator_id": f"op-{n}", "company_id": f"c-{n}", "domain": f"d{n}.example.com"}
        for n in range(14)
    ]
    lake(desk.settings, many)
    for n in range(14):
        desk.server.firms.companies[f"d{n}.example.com"] = {**COMPANY, "id": f"pdl-{n}", "website": f"d{n}.example.com"}
    done = desk.fetch(PDL, buy=True)
    assert len(desk.asked()) == len(done.found) == 10
    assert "budget of 10" in done.cut
    assert done.spent == Spent(10, 0)
    assert desk.fetch(PDL, buy=True).sent
    assert desk.asked() == []
    desk.now = NOW.replace(month=12)
    desk.fetch(PDL, buy=True)
    assert len(desk.asked()) == 4


def test_a_program_that_is_killed_in_a_call_leaves_its_credit_reserved(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(company_facts, "_keep", killed)
    with pytest.raises(KeyboardInterrupt):
        desk.fetch(PDL, buy=True)
    assert book_of(desk).spent(PDL, NOW) == Spent(0, 1)


@pytest.mark.parametrize(
    ("scripted", "told"),
    [
        (lambda: answer({"status": 402, "error": {"type": "payment_required", "message": "all matches used"}}, 402), "all matches used"),
        (lambda: PlainTextResponse("Invalid key", 401), "Invalid key"),
        (lambda: answer({"error": {"message": "slow down"}}, 429), "rate limit"),
        (lambda: answer({"error": {"message": "slow down"}}, 429, {"x-ratelimit-remaining": "{'minute': 0}", "retry-after": "1"}), "rate limit"),
    ],
)  # fmt: skip
def test_a_refusal_ends_the_run_and_costs_nothing(desk: Desk, scripted: Any, told: str) -> None:
    desk.server.script = [scripted() for _ in range(9)]
    done = desk.fetch(PDL, buy=True)
    assert told in done.cut
    assert "sandbox-people-data-labs-key" not in f"{done.cut}{done.failed}"
    assert done.spent == Spent()
    assert book_of(desk).misses(PDL, NOW) == {}
    assert len({path.partition("?")[2] for path in desk.asked()}) == 1


def test_an_answer_that_nobody_can_read_counts_as_spent_and_three_in_a_row_end_the_run(desk: Desk) -> None:
    desk.server.script = [PlainTextResponse("<html>") for _ in range(3)]
    done = desk.fetch(PDL, buy=True)
    assert len(done.failed) == 3
    assert done.cut
    assert done.spent == Spent(3, 0)
    desk.server.script = [answer({}, 500)]
    assert desk.fetch(PDL, buy=True).failed.keys() == {ACME}  # a call that may have been carried out is not sent again
    assert len(desk.asked()) == 6


def test_a_question_that_is_refused_costs_nothing_and_is_not_asked_again(desk: Desk) -> None:
    desk.server.script = [
        answer({"status": 400, "error": {"type": "invalid_request_error", "message": "bad name"}}, 400)
    ]
    done = desk.fetch(PDL, buy=True)
    assert "bad name" in done.nothing[ACME].why
    assert done.spent == Spent()
    assert desk.fetch(PDL, buy=True).missed == 3


def test_a_company_that_is_not_surely_the_firm_is_none(desk: Desk) -> None:
    desk.server.firms.companies[COMPANY["website"]].update(
        website="other.example.com", location={}, employee_count=4000
    )
    done = desk.fetch(PDL, buy=True)
    assert "not surely" in done.nothing[ACME].why
    assert done.spent == Spent(1, 0)
    assert desk.values(ACME) == {}


# -- what is kept ------------------------------------------------------------------------------------------------------


def imported(desk: Desk, text: str, provider: str = "other") -> Any:
    from customer_research.research.firm_import import Terms, take

    path = desk.settings.lake_folder.parent / "facts.csv"
    path.write_text(text, encoding="utf-8")
    return take(desk.settings, path, Terms(provider, "ours to use"), desk.now)


def test_a_value_past_its_day_is_too_old_and_deleted_where_the_licence_asks(desk: Desk, tmp_path: Path) -> None:
    desk.fetch(PDL, buy=True)
    before = firm_facts.records_of(desk.settings, ACME, NOW)
    assert before is not None
    assert {row["value"] for row in before.rows} >= {17, "1999"}
    late = NOW + timedelta(days=180)
    after = firm_facts.records_of(desk.settings, ACME, late)
    assert after is not None
    assert {row["value"] for row in after.rows} == {None}
    assert bytes_of(tmp_path, "transportation/trucking") == []
    desk.now = late
    assert desk.fetch(PDL, buy=True).found.keys() == {ACME}


def bytes_of(folder: Path, word: str) -> list[str]:
    """The files below a folder in which a word stands."""
    return [str(path) for path in folder.rglob("*") if path.is_file() and word.encode() in path.read_bytes()]


def test_forgetting_leaves_no_byte(desk: Desk, tmp_path: Path) -> None:
    desk.fetch(PDL, buy=True)
    desk.fetch(FMCSA)
    assert bytes_of(tmp_path, "transportation/trucking")
    gone = forget(desk.settings, PDL)
    assert (gone.values, gone.operators, gone.misses) == (5, 1, 2)
    assert bytes_of(tmp_path, "transportation/trucking") == bytes_of(tmp_path, "pdl-acme") == []
    assert "power_units" in desk.values(ACME)
    assert {one.name: one.spent.spent for one in accounts(desk.settings, NOW)}[PDL] == 1
    assert forget(desk.settings, PDL).values == forget(desk.settings, "nobody").values == 0


def test_facts_of_one_operator_are_shown_as_far_as_they_are_probable_and_were_known_then(desk: Desk) -> None:
    desk.server.firms.carriers.append(
        {**CARRIER, "dot_number": "3000009", "legal_name": "CITY CARS INC", "phy_city": "Austin", "phy_state": "TX"}
    )
    desk.fetch(FMCSA)
    assert sureness(listed(desk.settings, CITY, NOW)[2][0]) == "candidate (name and city)"
    assert firm_facts.records_of(desk.settings, CITY, NOW) is None
    assert firm_facts.records_of(desk.settings, ACME, NOW - timedelta(seconds=1)) is None
    assert firm_facts.records_of(desk.settings, FREE, NOW) is None


def test_a_fetch_of_one_operator_asks_about_it_alone(desk: Desk) -> None:
    assert [one.operator_id for one in desk.fetch(PDL, term="Bolt Livery").asking] == [BOLT]
    with pytest.raises(OperatorNotFound):
        desk.fetch(PDL, term="Nobody At All")
    with pytest.raises(UsageError, match="No provider"):
        desk.fetch("peopledatalabs")
    done = desk.fetch(PDL, most=1)
    assert (len(done.asking), done.over) == (1, 2)


def test_no_two_operators_with_one_domain_are_asked_about_by_it(desk: Desk) -> None:
    lake(desk.settings, companies(**{BOLT: {"domain": "www.acme-limo.example.com"}}))
    done = desk.fetch(PDL, buy=True)
    assert all("website" not in path for path in desk.asked())
    assert done.found[ACME].matched_by == "name_and_city"


def test_what_is_told_of_every_provider_names_each_of_its_fields(desk: Desk) -> None:
    from customer_research.domain.firm import FIELDS
    from customer_research.firms import discover

    assert json.dumps(sorted(discover())) == '["fmcsa", "hubspot", "people_data_labs"]'
    for one in discover().values():
        assert set(one.fields) <= FIELDS.keys(), one.name
        assert "LinkedIn" not in f"{one.title}{one.licence}"


def test_a_probable_record_waits_for_a_decision_which_counts_from_then_on(desk: Desk) -> None:
    desk.fetch(FMCSA)
    (waits,) = waiting(desk.settings, ACME, None, NOW)
    assert (waits.table, waits.matched_by, waits.confidence) == ("firm", "name_and_phone", 0.7)
    assert "3000007" in waits.title
    assert "3000007" not in waits.record_id, "what is decided outlives what is forgotten"
    later = NOW + timedelta(hours=1)
    decide(desk.settings, ACME, waits.record_id, "confirmed", who="ada", now=later)
    assert waiting(desk.settings, ACME, None, later) == ()
    assert {sureness(one) for one in firm_facts.kept(desk.settings, ACME, later)} == {"sure (confirmed)"}
    assert {sureness(one) for one in firm_facts.kept(desk.settings, ACME, NOW)} == {"probable (name and phone)"}
    desk.fetch(FMCSA, again=True)
    assert {sureness(one) for one in firm_facts.kept(desk.settings, ACME, later)} == {"sure (confirmed)"}
    decide(desk.settings, ACME, waits.record_id, "refused", who="ada", now=later)
    assert firm_facts.kept(desk.settings, ACME, later) == ()
    assert firm_facts.records_of(desk.settings, ACME, later) is None
    decide(desk.settings, ACME, waits.record_id, "open", who="ada", now=later)
    assert len(waiting(desk.settings, ACME, None, later)) == 1


def test_a_record_of_two_operators_waits_for_both_and_is_the_one_s_that_somebody_confirms(desk: Desk) -> None:
    imported(desk, f"operator_id,headcount,provider_id\n{ACME},7,shared\n{BOLT},7,shared\n")
    both = [one for term in (ACME, BOLT) for one in waiting(desk.settings, term, None, NOW)]
    assert [one.confidence for one in both] == [0.7, 0.7]
    assert len({one.record_id for one in both}) == 1
    decide(desk.settings, ACME, both[0].record_id, "confirmed", who="ada", now=NOW)
    (sure,) = firm_facts.kept(desk.settings, ACME, NOW)
    (other,) = firm_facts.kept(desk.settings, BOLT, NOW)
    assert (sure.confidence, other.confidence) == (0.95, 0.7)
