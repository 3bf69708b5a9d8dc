"""Who is it: billing knows operators by their id when the lookup directory is out of reach, and whose an invoice is."""

from __future__ import annotations

from collections.abc import Sequence

from customer_research.connect.concurrent import together
from customer_research.connect.http import segment
from customer_research.connect.source import Found, Whose
from customer_research.domain import values
from customer_research.domain.evidence import Receipt
from customer_research.domain.identity import Candidate, Interpretation
from customer_research.domain.values import LEGACY
from customer_research.sources.lago import normalise
from customer_research.sources.lago.session import LagoSession

BY_ID = frozenset({"operator_id", "legacy_id"})


async def find(session: LagoSession, readings: tuple[Interpretation, ...]) -> Found:
    """The billing customers of operator ids; nothing for other kinds of terms (Lago searches no names exactly)."""
    ids = [reading.value for reading in readings if reading.kind in BY_ID]
    found = await together(*(_customer(session, operator_id) for operator_id in ids))
    return Found(
        tuple(candidate for candidate, _ in found if candidate is not None), tuple(receipt for _, receipt in found)
    )


async def whose(
    session: LagoSession, readings: tuple[Interpretation, ...], _directory: Sequence[Candidate] = ()
) -> Whose:
    """The customers of the invoices of this very number; nothing for other kinds of terms."""
    number = next((reading.value for reading in readings if reading.kind == "invoice"), None)
    if number is None:
        return Whose()
    recording = session.http.recording("find_invoice")
    page = await session.page("/invoices", "invoices", recording, {"search_term": number}, 1)
    named = [row for row in (page.records if page is not None else ()) if str(row.get("number")).upper() == number]
    ids = [values.operator_id((row.get("customer") or {}).get("external_id")) for row in named]
    return Whose(tuple(("invoice", one) for one in ids if one is not None), (recording.receipt(named),))


async def _customer(session: LagoSession, operator_id: str) -> tuple[Candidate | None, Receipt]:
    recording = session.http.recording("find")
    path = f"/customers/{segment(operator_id.removeprefix(LEGACY))}"
    record = await session.one(path, "customer", recording)
    if record is None:
        return None, recording.receipt([])
    row = normalise.customer(record, operator_id)
    receipt = recording.receipt([row])
    name = row["name"] or ""
    return Candidate(operator_id, name, row["email"], row["phone"], city=row["city"], proof=(receipt.id,)), receipt
