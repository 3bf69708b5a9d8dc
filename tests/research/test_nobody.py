"""Who a report is about: an id that no source knows is nobody, and which of several names is told."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from customer_research.connect.source import Batch
from customer_research.domain.account import Records
from customer_research.domain.evidence import Gap, Receipt
from customer_research.domain.identity import Candidate, Interpretation, LookupAnswer, Match
from customer_research.errors import OperatorNotFound
from customer_research.research.one.dossier import Dossier
from customer_research.research.one.operators import Operators, _refuse_nobody, name_of
from customer_research.research.one.resolve import Resolution
from customer_research.settings import load_settings

ID = "00000000-5ce0-11f0-a000-0000000000ff"
AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
RECEIPT = Receipt("r", "lago", "customers", "GET /customers", AS_OF, 0, "ab" * 32)


def resolution(name: str = "") -> Resolution:
    match = Match(Candidate(operator_id=ID, name=name), "operator_id", "It is an operator id.", 1.0)
    return Resolution(LookupAnswer(ID, (Interpretation("operator_id", ID),), (match,), match, 1), (RECEIPT,))


def gathered(**tables: list[dict[str, Any]]) -> Dossier:
    records = {name: Records(name, tuple(rows), (RECEIPT,)) for name, rows in {"csm": [], **tables}.items()}
    return Dossier(ID, AS_OF, records)


def test_an_id_that_only_stands_for_itself_and_that_no_source_knows_is_nobody() -> None:
    """Also when the warehouse is out, whose tables are then missing: the others answered, and have nobody."""
    out = Records("csm", (), (), Gap("warehouse", "unavailable", "down"))
    for answered in (
        gathered(),
        gathered(customer=[], subscription=[], company=[], ticket=[]),
        Dossier(ID, AS_OF, {"csm": out, "customer": Records("customer", (), (RECEIPT,))}),
    ):
        with pytest.raises(OperatorNotFound, match="No source knows"):
            _refuse_nobody(answered, resolution())


def test_no_report_is_made_of_nobody_while_the_warehouse_is_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the warehouse the lookup lets an id stand for itself: only what was fetched tells that it is nobody's."""
    opened = Operators(load_settings())
    opened._connections.sources = {}
    out = Gap("warehouse", "unavailable", "down")

    async def stands_for_itself(_term: str) -> Resolution:
        return replace(resolution(), csm=Batch({"csm": []}, (), {"csm": out}), gaps=(out,))

    monkeypatch.setattr(opened._resolver, "resolve", stands_for_itself)
    with pytest.raises(OperatorNotFound, match="No source knows"):
        asyncio.run(opened._gather(ID, frozenset(), frozenset()))


def test_one_record_or_a_name_found_by_the_lookup_is_somebody() -> None:
    _refuse_nobody(gathered(customer=[{"name": "Ace"}]), resolution())
    _refuse_nobody(gathered(customer=[], ticket=[{"title": "x"}]), resolution())
    _refuse_nobody(gathered(customer=[]), resolution("Ace"))


def test_the_name_is_the_csm_views_then_the_matchs_then_billings_then_the_crms_then_the_id() -> None:
    csm = [{"operator_id": ID, "name": "View", "is_current": True}]
    customer, company = [{"name": "Billing"}], [{"name": "Crm"}]
    everywhere = gathered(csm=csm, customer=customer, company=company)
    assert name_of(everywhere, resolution("Match")) == "View"
    assert name_of(gathered(customer=customer, company=company), resolution("Match")) == "Match"
    assert name_of(gathered(customer=customer, company=company), resolution()) == "Billing"
    assert name_of(gathered(customer=[{"name": None}], company=company), resolution()) == "Crm"
    assert name_of(gathered(company=[{"name": ""}]), resolution()) == ID
