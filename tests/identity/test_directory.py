"""Ranking, ambiguity and refusal of the lookup directory; scenarios S25-S30, S38, S40 of the synthetic world."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lookup_cases import cases, directory

from customer_research.domain.identity import Candidate, LookupAnswer
from customer_research.errors import UsageError
from customer_research.identity.directory import MAX_MATCHES, Directory

UUID = "1b4e28ba-2fa1-11d2-883f-0016d3cca4{:02x}"


def operator(number: int, name: str, **more: object) -> Candidate:
    fields: dict[str, object] = {"status": "active", "mrr_minor": 100 * number, **more}
    return Candidate(operator_id=UUID.format(number), name=name, **fields)  # type: ignore[arg-type]


def names(answer: LookupAnswer) -> list[str]:
    return [match.candidate.name for match in answer.matches]


CROWD = directory(400)
DIRECTORY = Directory(CROWD)
CASES = cases(CROWD, 200)


def test_two_hundred_cases() -> None:
    """All exact ids right; typos within the first five in 95 %; a wrong operator is never picked silently."""
    exact_wrong, typo_missed, wrong_picks = [], [], []
    for case in CASES:
        answer = DIRECTORY.search(case.term)
        found = [match.operator_id for match in answer.matches[:5]]
        if answer.best is not None and answer.best.operator_id != case.operator_id:
            wrong_picks.append(case)
        if case.exact and (answer.best is None or answer.best.operator_id != case.operator_id):
            exact_wrong.append(case)
        if not case.exact and case.operator_id not in found:
            typo_missed.append(case)
    assert not wrong_picks
    assert not exact_wrong
    assert len(typo_missed) <= 0.05 * sum(not case.exact for case in CASES), typo_missed


def test_an_operator_that_is_not_there_is_never_replaced_by_a_look_alike() -> None:
    absent = Directory(CROWD[:200])
    picked = [case for case in cases(CROWD[200:], 200, seed=9) if absent.search(case.term).best is not None]
    assert picked == []


def test_s25_ambiguous_names_are_listed_active_first() -> None:
    found = Directory(
        [
            operator(1, "Summit Ridge Limousine", status="terminated", churned=True, mrr_minor=90_000),
            operator(2, "Summit Crest Transportation", mrr_minor=None),
            operator(3, "Summit Vale Black Car", mrr_minor=500),
            operator(4, "Base Camp Cars"),
        ]
    ).search("summit")
    assert names(found) == ["Summit Vale Black Car", "Summit Crest Transportation", "Summit Ridge Limousine"]
    assert found.best is None
    assert found.ambiguous
    assert found.total == 3


def test_quality_comes_before_standing() -> None:
    found = Directory(
        [
            operator(9, "The Summit Cars", mrr_minor=99_999),
            operator(8, "Summit Cars East", mrr_minor=88_888),
            operator(1, "Summit Cars LLC", status="terminated", mrr_minor=0),
        ]
    ).search("Summit Cars")
    assert names(found) == ["Summit Cars LLC", "Summit Cars East", "The Summit Cars"]
    assert [match.how for match in found.matches] == ["name_exact", "name_prefix", "name_part"]
    assert found.best is not None
    assert found.best.candidate.name == "Summit Cars LLC"


def test_two_exact_names_are_ambiguous_even_with_other_suffixes() -> None:
    found = Directory([operator(1, "Summit Cars LLC"), operator(2, "Summit Cars, Inc.")]).search("Summit Cars LLC")
    assert found.best is None
    assert found.total == 2


def test_s26_wildcards_are_literal() -> None:
    crowd = Directory(
        [operator(1, "100%_Ride"), operator(2, "100X Ride"), operator(3, "1000 Lakes"), operator(4, "A_B Cars")]
    )
    assert names(crowd.search("100%_Ride")) == ["100%_Ride"]
    assert names(crowd.search("100%")) == ["100%_Ride"]
    assert names(crowd.search("a_b")) == ["A_B Cars"]
    assert crowd.search("1%0").matches == ()
    assert crowd.search("Ri%").matches == ()
    for bare in ("%", "_", "%%", "_%"):
        with pytest.raises(UsageError):
            crowd.search(bare)


@pytest.mark.parametrize(
    "term", ["x' OR '1'='1", "'; DROP TABLE csm; --", "<script>alert(1)</script>", "=cmd|' /C calc'!A0"]
)
def test_s27_injection_terms_find_nobody(term: str) -> None:
    assert DIRECTORY.search(term).matches == ()


def test_s27_a_name_with_markup_is_found_and_returned_as_it_stands() -> None:
    name = "=cmd|<script>alert(1)</script> Cars"
    found = Directory([operator(1, name), operator(2, "Command Cars")]).search(name)
    assert names(found) == [name]
    assert found.best is not None


def test_s28_stripe_case_twin() -> None:
    upper, lower = "acct_1AbCdEfGhIjKlMnO", "acct_1aBcDeFgHiJkLmNo"
    crowd = Directory([operator(1, "One", stripe_account=upper), operator(2, "Two", stripe_account=lower)])
    found = crowd.search(upper)
    assert names(found) == ["One"]
    assert found.best is not None
    assert lower in found.hints[0]
    other = crowd.search("acct_1ABCDEFGHIJKLMNO")
    assert other.matches == ()
    assert len(other.hints) == 2
    assert any("test mode" in reason for reason in other.reasons)


def test_s29_id_formats() -> None:
    target = operator(7, "Harbor Lantern")
    crowd = Directory([target, operator(8, "Other")])
    base = target.operator_id
    for spelling in (base, base.replace("-", ""), base.upper(), f"op_{base}", f"<{base}>", f"{{{base}}}", f"'{base}'"):
        found = crowd.search(spelling)
        assert found.best is not None
        assert found.best.candidate is target
    legacy = crowd.search("op_12345")
    assert legacy.matches == ()
    assert legacy.interpretations[0].kind == "legacy_id"
    assert "not recognised" in legacy.hints[0]
    assert "legacy (old style) number" in legacy.reasons[0]


def test_legacy_numbers_are_compared_as_they_stand() -> None:
    crowd = Directory([dataclasses.replace(operator(1, "Old Timer"), operator_id="legacy:12345")])
    assert crowd.search("op_12345").best is not None
    assert crowd.search("12345").best is not None


def test_s30_hubspot_float() -> None:
    crowd = Directory([operator(1, "One", hubspot_id="12345678901"), operator(2, "Two", hubspot_id="1.2345678902E10")])
    for term, name in (("1.2345678901E10", "One"), ("12345678901.0", "One"), ("12345678902", "Two")):
        assert names(crowd.search(term)) == [name]


def test_s38_free_mail_never_joins_operators() -> None:
    crowd = Directory(
        [
            operator(1, "One", email="one@gmail.com"),
            operator(2, "Two", email="two@gmail.com"),
            operator(3, "Gmail Cars", domain="gmail.com"),
        ]
    )
    found = crowd.search("ONE@gmail.com")
    assert names(found) == ["One"]
    assert found.best is not None
    unknown = crowd.search("three@gmail.com")
    assert unknown.matches == ()
    assert "free-mail" in unknown.hints[0]
    assert names(crowd.search("gmail.com")) == []


def test_shared_e_mail_and_shared_domain_are_ambiguous() -> None:
    crowd = Directory(
        [
            operator(1, "One", email="a@fleet.example.com", domain="fleet.example.com"),
            operator(2, "Two", email="a@fleet.example.com", domain="fleet.example.com"),
            operator(3, "Three", email="c@fleet.example.com", domain="fleet.example.com"),
        ]
    )
    assert crowd.search("a@fleet.example.com").total == 2
    assert crowd.search("a@fleet.example.com").best is None
    assert names(crowd.search("c@fleet.example.com")) == ["Three"]
    assert crowd.search("new@fleet.example.com").total == 3


def test_s40_accents_emoji_and_right_to_left() -> None:
    crowd = Directory(
        [
            operator(1, "Café Étoile 🚗 Limousinen"),
            operator(2, "שָׁלוֹם נסיעות"),
            operator(3, "Long " + "ü" * 200),
            operator(4, "🚐🚐"),
        ]
    )
    assert names(crowd.search("cafe etoile")) == ["Café Étoile 🚗 Limousinen"]
    assert names(crowd.search("שלום")) == ["שָׁלוֹם נסיעות"]
    assert names(crowd.search("long uuuuuuuu")) == ["Long " + "ü" * 200]
    assert names(crowd.search("🚐🚐")) == ["🚐🚐"]


def test_digits_that_are_one_operators_phone_and_anothers_hubspot_id_are_ambiguous() -> None:
    crowd = Directory([operator(1, "One", phone="(415) 555-0123"), operator(2, "Two", hubspot_id="4155550123")])
    found = crowd.search("4155550123")
    assert found.total == 2
    assert found.best is None


def test_duplicates_by_operator_id_count_once_and_lists_end_at_ten() -> None:
    crowd = [operator(number, f"Summit {number}") for number in range(1, 31)]
    found = Directory([*crowd, *crowd]).search("summit")
    assert found.total == 30
    assert len(found.matches) == MAX_MATCHES


def test_nearest_for_ids_and_names() -> None:
    target = CROWD[5]
    changed = target.operator_id[:-1] + ("0" if target.operator_id[-1] != "0" else "1")
    assert DIRECTORY.search(changed).matches == ()
    assert DIRECTORY.nearest(changed)[0].operator_id == target.operator_id
    assert DIRECTORY.nearest("%") == ()
    assert len(DIRECTORY.nearest("Harbour Latice Zzz")) <= 3


@pytest.mark.parametrize("more", range(1, 7))
def test_an_id_is_near_another_that_is_a_few_characters_longer_or_shorter(more: int) -> None:
    whole = Candidate(operator_id="operator-00017-of-eight", name="Whole")
    long, short = (
        Directory([whole])._near_ids(whole.operator_id + "x" * more),
        Directory([whole])._near_ids(whole.operator_id[:-more]),
    )
    assert (len(long), len(short)) == ((1, 1) if more <= 3 else (0, 0))
    assert [score for _, score in (*long.values(), *short.values())] == [pytest.approx(0.5 - more / 10)] * (
        len(long) + len(short)
    )


def test_nothing_found_says_why_and_what_next() -> None:
    found = DIRECTORY.search("zzqx wvvk")
    assert found.matches == ()
    assert found.best is None
    assert not found.ambiguous
    assert any("churned" in reason for reason in found.reasons)
    assert any("mistyped" in reason for reason in found.reasons)
    assert any("delay" in reason for reason in found.reasons)
    assert found.next_steps


def test_confirmed_by_a_source() -> None:
    found = DIRECTORY.confirm("QF0012-33", "confirmation", CROWD[0].operator_id)
    assert found.best is not None
    assert found.best.candidate == CROWD[0]
    stranger = DIRECTORY.confirm("ch_3AbCdEfGhIjKl", "charge", UUID.format(200))
    assert stranger.best is not None
    assert stranger.best.operator_id == UUID.format(200)


@given(st.text(max_size=60))
def test_any_term_is_answered_or_refused(term: str) -> None:
    try:
        answer = DIRECTORY.search(term)
    except UsageError:
        return
    assert len({match.operator_id for match in answer.matches}) == len(answer.matches) <= MAX_MATCHES
    assert answer.total >= len(answer.matches)
    if not answer.matches:
        assert answer.reasons
        assert answer.next_steps
    for match in answer.matches:
        assert match.because
        assert 0 < match.confidence <= 1


def test_every_identifier_of_an_operator_known_twice_finds_it() -> None:
    subscribed = Candidate(
        "op-1", "Harbor Lattice", domain="rides.example.com", stripe_account="acct_Live0000000000001"
    )
    own = Candidate(
        "op-1", "Harbor Lattice LLC", domain="harborlattice.example.com", stripe_account="acct_Own00000000000001"
    )
    found = Directory([subscribed, own])

    for term in ("rides.example.com", "harborlattice.example.com", "acct_Live0000000000001", "acct_Own00000000000001"):
        answer = found.search(term)
        assert answer.best is not None
        assert answer.best.candidate is subscribed
    assert len(found) == 1


def test_names_that_look_like_a_known_domain_are_no_matches() -> None:
    meant = Candidate("op-1", "Tidewater & Bell Cars", domain="tidewater-bell-cars.example.com")
    alike = Candidate("op-2", "Tidewater Knot Cars Example Com")

    answer = Directory([meant, alike]).search("tidewater-bell-cars.example.com")

    assert [match.candidate for match in answer.matches] == [meant]
    assert answer.best is answer.matches[0]
