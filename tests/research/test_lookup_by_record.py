"""An operator is found by what is its: an invoice's or a ticket's number, a contact's name, telephone or e-mail address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from customer_research.documents.formats import json_, terminal
from customer_research.errors import OperatorNotFound
from customer_research.identity.interpret import interpret
from customer_research_sandbox.serve import Sandbox

FIRST = "00000000-5ce0-11f0-a000-000000000001"


def looked_up(research: Callable[..., Any], term: str) -> tuple[Any, Any]:
    found: tuple[Any, Any] = research(lambda opened: opened.lookup_report(term))
    return found


def test_a_record_of_each_source_finds_its_operator(clean_sandbox: Sandbox, research: Callable[..., Any]) -> None:
    invoice = next(row for row in clean_sandbox.dataset.lago.invoices if row["external_customer_id"] == FIRST)
    terms = {
        invoice["number"]: ("invoice", FIRST),
        invoice["number"].lower(): ("invoice", FIRST),
        "DOOM-700": ("ticket", "00000000-5ce0-11f0-a000-000000000020"),
        "doom-1093": ("ticket", "00000000-5ce0-11f0-a000-000000000033"),
        "+1 213 555-0102": ("contact_phone", FIRST),
        "(213) 555.0102": ("contact_phone", FIRST),
    }
    for term, (how, operator_id) in terms.items():
        report, answer = looked_up(research, term)
        assert answer.best is not None, term
        assert (answer.best.how, answer.best.operator_id) == (how, operator_id)
        ids = {receipt["id"] for receipt in json_.envelope(report)["receipts"]}
        assert set(answer.best.proof) <= ids
        assert answer.best.proof


def test_a_contacts_name_finds_all_whose_contact_is_called_so(
    clean_sandbox: Sandbox, research: Callable[..., Any]
) -> None:
    report, answer = looked_up(research, "  celia   ESKRIDGE ")
    assert answer.total == len(answer.matches) > 2
    assert answer.best is None
    assert [match.how for match in answer.matches] == ["contact_name"] * 2 + ["member_name"] * (answer.total - 2)
    assert FIRST in {match.operator_id for match in answer.matches}
    assert "A contact of this operator has this name." in " ".join(terminal.render(report, width=300).split())


def test_a_members_name_finds_the_operator(clean_sandbox: Sandbox, research: Callable[..., Any]) -> None:
    rows = clean_sandbox.dataset.warehouse["POSTGRES_SWOOP.USER"].rows
    row = next(row for row in rows if row["OPERATOR_ID"] == FIRST)
    _, answer = looked_up(research, f"{row['FIRST_NAME']} {row['LAST_NAME']}".upper())
    assert FIRST in {match.operator_id for match in answer.matches}


def test_a_telephone_is_masked_in_the_answer(clean_sandbox: Sandbox, research: Callable[..., Any]) -> None:
    report, _ = looked_up(research, "+1 213 555-0102")
    for text in (terminal.render(report, width=160), str(json_.envelope(report))):
        assert "555-0102" not in text
        assert "2135550102" not in text


@pytest.mark.parametrize("term", ["MOO-00001-999", "DOOM-99999", "ABC-700", "Celia Nobody", "+1 213 555-9999"])
def test_what_is_nobodys_finds_nobody(term: str, clean_sandbox: Sandbox, research: Callable[..., Any]) -> None:
    _, answer = looked_up(research, term)
    assert not [match for match in answer.matches if match.how != "name_similar"]
    assert answer.best is None


def test_a_source_that_cannot_be_asked_is_named_and_nobody_else_is_taken(
    clean_sandbox: Sandbox, research: Callable[..., Any]
) -> None:
    clean_sandbox.set_faults("notion:auth")
    report, answer = looked_up(research, "DOOM-700")
    assert not answer.matches
    assert report.partial
    assert "Notion" in " ".join(terminal.render(report, width=200).split())
    with pytest.raises(OperatorNotFound) as caught:
        research(lambda opened: opened.report("quick", "DOOM-700"))
    assert "could not be asked" in " ".join(caught.value.reasons)


@pytest.mark.parametrize(
    ("term", "kinds"),
    [
        ("MOO-00003-027", ("confirmation", "invoice", "name")),
        ("LAG-2024-09-001", ("confirmation", "invoice", "name")),
        ("DOOM-12", ("confirmation", "ticket", "name")),
        ("Route-66 Limo", ("name",)),
    ],
)
def test_numbers_are_read_as_what_they_may_be(term: str, kinds: tuple[str, ...]) -> None:
    assert tuple(reading.kind for reading in interpret(term)) == kinds
