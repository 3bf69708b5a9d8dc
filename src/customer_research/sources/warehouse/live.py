"""One operator's rows of the CSM view, and the app's operator table: it also has operators without a subscription."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from customer_research.connect.source import Batch, Candidates, Subject
from customer_research.domain.identity import Candidate
from customer_research.domain.values import LEGACY

if TYPE_CHECKING:
    from customer_research.sources.warehouse.session import WarehouseSession

_COLUMNS = """SELECT o.OPERATOR_ID AS operator_id, o.NAME AS name, COALESCE(o.GENERAL_EMAIL, o.EMAIL) AS email,
    o.PHONE AS phone, o.WEBSITE_URL AS website, o.STRIPE_ACCOUNT AS stripe_account, COUNT(*) OVER () AS rows_in_all
    FROM {operator} AS o"""


async def csm(session: WarehouseSession, subject: Subject) -> Batch:
    """The CSM view's rows of the operator.

    Raises:
        SourceError: as `WarehouseSession.csm_by_operator`.
    """
    return await session.csm_by_operator(subject.operator_id)


async def operators(session: WarehouseSession, operator_id: str | None = None) -> Candidates:
    """One operator of the app database, or all of them (without a row cap); one request.

    Raises:
        SourceError: as the runner.
    """
    if operator_id is None:
        answer = await session.whole(_COLUMNS, stream="operators")
    else:
        plain = operator_id.removeprefix(LEGACY)
        answer = await session.run(
            f"{_COLUMNS} WHERE o.OPERATOR_ID = $operator_id", {"operator_id": plain}, stream="operators"
        )
    found = tuple(_candidate(row, answer.receipt.id) for row in answer.rows if row["operator_id"])
    return Candidates(found, (answer.receipt,))


def _candidate(row: Mapping[str, Any], fetch_id: str) -> Candidate:
    return Candidate(
        operator_id=str(row["operator_id"]).strip().lower(),
        name=row["name"] or "",
        email=row["email"],
        phone=row["phone"],
        domain=_domain(row["website"]),
        stripe_account=row["stripe_account"],
        proof=(fetch_id,),
    )


def _domain(website: str | None) -> str | None:
    """The host of a web address, without `www.`."""
    if not website:
        return None
    host = website.split("://")[-1].split("/")[0].split(":")[0].strip().lower()
    return host.removeprefix("www.") or None
