"""`why` as text and as JSON: the records behind a figure show no personal data, unless the reader asks for them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from customer_research.documents.formats.agent_others import of_explanation
from customer_research.documents.formats.explanation import as_json, as_text
from customer_research.domain.evidence import Evidence, Fact, Receipt
from customer_research.domain.explanation import Explanation

AT = datetime(2026, 11, 1, tzinfo=UTC)
RECEIPT = Receipt("r1", "hubspot", "relationship", "POST /contacts", AT, 1, "d" * 64)
NAME, EMAIL, PHONE = "Ada Marchetti", "ada@limo.example.com", "+1 312 555 0142"
PERSONAL = {"name": NAME, "email": EMAIL, "phone": PHONE}


def explained(**columns: object) -> Explanation:
    rows = (tuple(columns.values()),)
    return Explanation(
        operator_id="op-1",
        operator_name="Silver Limo",
        metric="contacts",
        label="Contacts",
        formula="contacts of the company",
        healthy="",
        tables=("contact",),
        sql="SELECT 1",
        figure=Fact(1, "count", (RECEIPT,), AT, "contacts"),
        evidence=Evidence(tuple(columns), rows, 1, (RECEIPT,)),
        personal_columns=frozenset(PERSONAL),
        people=(NAME,),
    )


@pytest.mark.parametrize("shown", [False, True])
def test_personal_columns_are_masked_unless_they_are_asked_for(shown: bool) -> None:
    found = explained(contact_id="1001", title=f"Spoke with {NAME}", **PERSONAL)
    row = as_json(found, show_personal=shown)["evidence"]["rows"][0]
    text = as_text(found, show_personal=shown)
    for column, value in PERSONAL.items():
        assert (row[column] == value) is shown
        assert (value in text) is shown
    assert row["contact_id"] == "1001"
    assert (NAME in row["title"]) is shown


def test_what_is_unknown_stays_unknown() -> None:
    found = explained(contact_id=None, name=None)
    assert as_json(found, show_personal=False)["evidence"]["rows"] == [{"contact_id": None, "name": None}]
    assert "(none) | (none)" in as_text(found, show_personal=False)
    assert json.loads(json.dumps(as_json(found, show_personal=False)))["metric"] == "contacts"


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"total_minor": 26_900, "currency": "CAD"}, "CA$269.00"),
        ({"mrr_minor": 26_900}, "$269.00"),
        ({"total_minor": 26_900, "currency": None}, "currency not recorded"),
        ({"total_minor": None, "currency": "CAD"}, "(none)"),
    ],
)
def test_an_amount_whose_record_names_no_currency_is_not_taken_for_dollars(
    columns: dict[str, object], told: str
) -> None:
    found = explained(record="7", **columns)
    assert as_text(found, show_personal=False).splitlines()[-2].endswith(f"| {told}")
    small = of_explanation(found).fitted()
    (rows,) = (one["rows"] for one in small["statements"] if one["part"] == "records")
    assert ("$" in json.dumps(rows)) == ("$" in told)
