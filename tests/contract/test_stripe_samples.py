"""Stripe's published sample objects are read as rows, and the sandbox's objects have no field that these have not.

The samples (stripe/openapi, `fixtures3.json`, MIT) are not in the repository; see CONTRIBUTING.md, *Contracts*.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from specs import SPECS

from customer_research.sources.stripe import normalise
from customer_research_sandbox.dataset import Relation
from customer_research_sandbox.servers.stripe_ledger import Ledger, account_row, dispute_row, refund_row

NOW = datetime(2026, 11, 1, tzinfo=UTC)
OPTIONAL = {"risk_level", "risk_score"}
"""Fields of a charge's outcome that Stripe's schema has and its sample leaves out: only scored charges have them."""


@pytest.fixture(scope="module")
def samples() -> Mapping[str, Any]:
    file = SPECS / "stripe-fixtures3.json"
    if not file.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{file.name} is missing: CONTRIBUTING.md says where the vendors' contracts come from")
        pytest.skip(f"{file.name} is missing: CONTRIBUTING.md says where the vendors' contracts come from")
    found: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))["resources"]
    return found


def test_the_samples_are_rows(samples: Mapping[str, Any]) -> None:
    charge = normalise.charge_row(samples["charge"], "acct_A")
    assert charge["charge_id"] == samples["charge"]["id"]
    assert (charge["amount_minor"], charge["refunded_minor"], charge["currency"]) == (100, 0, "USD")
    assert charge["created_at"] == datetime.fromtimestamp(1_234_567_890, UTC)
    assert charge["cardholder"] == "Jenny Rosen"
    assert normalise.made_for(samples["charge"]) == "obj_123"
    assert not normalise.is_mirror(samples["charge"])
    dispute = normalise.dispute_row(samples["dispute"])
    assert (dispute["charge_id"], dispute["is_active"]) == (samples["charge"]["id"], True)
    assert dispute["status"].startswith(normalise.INQUIRY)
    assert normalise.identifier(samples["account"], "account").startswith("acct_")


def test_the_sandboxs_objects_have_the_fields_of_the_samples_and_their_types(samples: Mapping[str, Any]) -> None:
    ledger = Ledger(dict[str, Relation](), NOW)
    charge = ledger.own[0]
    made = {
        "charge": charge,
        "refund": refund_row("re_1", charge, 5, NOW),
        "dispute": dispute_row("dp_1", charge, "warning_needs_response", NOW),
        "account": account_row("acct_1", NOW),
    }
    for name, found in made.items():
        assert not list(_strange(found, samples[name], name))


def _strange(found: Mapping[str, Any], sample: Mapping[str, Any], path: str) -> Iterator[str]:
    for name, value in found.items():
        place, known = f"{path}.{name}", sample.get(name)
        if name not in sample:
            if name not in OPTIONAL:
                yield f"{place} is no field of the sample"
        elif isinstance(value, dict) and isinstance(known, dict):
            yield from _strange(value, known, place)
        elif value is not None and known is not None and type(value) is not type(known):
            yield f"{place} is {type(value).__name__}, the sample's {type(known).__name__}"
