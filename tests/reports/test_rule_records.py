"""The records behind a rule's points: who is a person is masked, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest
from report_accounts import AS_OF, receipt

from customer_research.domain.evidence import Fact
from customer_research.domain.report import Personal
from customer_research.reports.rule_evidence import _evidence_cell

PROOF = receipt("hubspot", "contacts")
RULE = Fact(1, "count", (PROOF,), AS_OF, "contacts", "told by us")
CONTACT: dict[str, Any] = {"contact_id": "7", "name": "Dana Roe", "email": "dana.roe@alder.example", "stage": "lead"}


def kind(record: dict[str, Any], column: str) -> str | None:
    cell = _evidence_cell({"fetch_id": PROOF.id, **record}, column, (PROOF,), RULE)
    value = cell.value if isinstance(cell, Fact) else None
    return value.kind if isinstance(value, Personal) else None


@pytest.mark.parametrize(
    ("column", "expected"), [("name", "person"), ("email", "email"), ("stage", None), ("contact_id", None)]
)
def test_of_a_contact_its_name_and_addresses_are_personal(column: str, expected: str | None) -> None:
    assert kind(CONTACT, column) == expected


@pytest.mark.parametrize("record", [{"plan_id": "p", "name": "Standard"}, {"deal_id": "d", "name": "Renewal"}])
def test_the_name_of_what_is_no_person_is_shown(record: dict[str, Any]) -> None:
    assert kind(record, "name") is None
