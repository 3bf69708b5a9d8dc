"""CSM rows (one per base-plan subscription) collapsed to one candidate per operator."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from customer_research.domain.collapse import preference
from customer_research.domain.identity import Candidate
from customer_research.errors import UsageError
from customer_research.identity.normalise import is_free_mail, normalize_domain, normalize_email, normalize_operator_id

Row = Mapping[str, Any]


def collapse(rows: Sequence[Row]) -> Candidate:
    """One operator's CSM rows as a candidate: the preferred row, MRR summed over active rows.

    A field that the preferred row lacks is taken from the next one that has it.

    Raises:
        UsageError: without rows.
    """
    if not rows:
        raise UsageError("There is no CSM row to make an operator of.")
    ordered = sorted(rows, key=preference)
    first = ordered[0]

    def value(column: str) -> Any:
        return next((row[column] for row in ordered if row.get(column) not in (None, "")), None)

    return Candidate(
        operator_id=_canonical(str(first["operator_id"])),
        name=str(value("name") or ""),
        email=value("email"),
        phone=value("phone"),
        domain=_domain(value("custom_domain"), value("email")),
        stripe_account=value("stripe_account"),
        hubspot_id=value("hubspot_company_id"),
        plan_code=first.get("plan_code"),
        plan_name=first.get("plan_name"),
        status=first.get("status"),
        churned=_churned(rows),
        mrr_minor=_active_mrr(rows),
        rows=len(rows),
        proof=tuple(dict.fromkeys(str(row["fetch_id"]) for row in rows if row.get("fetch_id"))),
    )


def _canonical(operator_id: str) -> str:
    """The normalised id; one that cannot be normalised is kept as it stands, so that its operator can still be named."""
    try:
        return normalize_operator_id(operator_id)
    except UsageError:
        return operator_id.strip()


def _domain(custom_domain: str | None, email: str | None) -> str | None:
    """The web domain, else the e-mail's; never a public mail provider's."""
    for text, normal in ((custom_domain, normalize_domain), (email, normalize_email)):
        if text is None:
            continue
        try:
            domain = normal(text).rpartition("@")[2]
        except UsageError:
            continue
        if not is_free_mail(domain):
            return domain
    return None


def _active_mrr(rows: Sequence[Row]) -> int | None:
    active = [row.get("mrr_minor") for row in rows if row.get("status") == "active"]
    known = [mrr for mrr in active if mrr is not None]
    return sum(known) if known or not active else None


def _churned(rows: Sequence[Row]) -> bool:
    """Churned by the CSM view: no active or pending row, something had started, and the last event is churn."""
    statuses = {row.get("status") for row in rows}
    if statuses & {"active", "pending"} or "terminated" not in statuses:
        return False
    dated = [row for row in rows if row.get("event_date") is not None]
    last = max(dated or rows, key=lambda row: (row.get("event_date") or date.min, -preference(row)[0]))
    return last.get("waterfall_event") == "churn"


def candidates(rows: Iterable[Row]) -> list[Candidate]:
    """All operators of the CSM view, one candidate each, in first-seen order."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[_canonical(str(row["operator_id"]))].append(row)
    return [collapse(group) for group in groups.values()]
