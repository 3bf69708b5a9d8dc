"""Who is it, when the lookup directory is out of reach: billing knows operators by their id."""

from __future__ import annotations

from customer_research.connect.concurrent import together
from customer_research.connect.http import segment
from customer_research.connect.source import Found
from customer_research.domain.evidence import Receipt
from customer_research.domain.identity import Candidate, Interpretation
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


async def _customer(session: LagoSession, operator_id: str) -> tuple[Candidate | None, Receipt]:
    recording = session.http.recording("find")
    path = f"/customers/{segment(operator_id.removeprefix('legacy:'))}"
    record = await session.one(path, "customer", recording)
    if record is None:
        return None, recording.receipt([])
    row = normalise.customer(record, operator_id)
    receipt = recording.receipt([row])
    name = row["name"] or ""
    return Candidate(operator_id, name, row["email"], row["phone"], city=row["city"], proof=(receipt.id,)), receipt
