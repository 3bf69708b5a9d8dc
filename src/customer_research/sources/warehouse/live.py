"""One operator's rows of the CSM view, and the app's operator table: it also has operators without a subscription."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from customer_research.connect.source import Batch, Candidates, RecordOwners, Subject
from customer_research.domain.identity import Candidate, Interpretation
from customer_research.domain.values import LEGACY
from customer_research.errors import SchemaChanged

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


_MEMBER_NAMED = (
    "SELECT DISTINCT u.OPERATOR_ID AS operator_id FROM {member} AS u "
    "WHERE LOWER(TRIM(u.FIRST_NAME) || ' ' || TRIM(u.LAST_NAME)) = $name LIMIT 11"
)


async def whose(
    session: WarehouseSession, readings: tuple[Interpretation, ...], _directory: Sequence[Candidate] = ()
) -> RecordOwners:
    """The operators on whose team somebody has this very full name; nobody, where the deployment has no names of members.

    Raises:
        SourceError: as the runner.
    """
    words = next((reading.value.split() for reading in readings if reading.kind == "name"), [])
    if len(words) < _FULL_NAME or not session.own.member.strip():
        return RecordOwners()
    try:
        answer = await session.run(_MEMBER_NAMED, {"name": " ".join(words).lower()}, stream="find_member")
    except SchemaChanged:
        return RecordOwners()
    ids = dict.fromkeys(str(row["operator_id"]).strip().lower() for row in answer.rows if row["operator_id"])
    return RecordOwners(tuple(("member_name", one) for one in ids), (answer.receipt,))


_FULL_NAME = 2
"""How many words a name has that is looked for among members."""


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
