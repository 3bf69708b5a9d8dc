"""What `doctor` asks about Lago alone. All checks share one page of customers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from customer_research.connect.source import Check, Subject
from customer_research.domain.check import Diagnosis
from customer_research.sources.lago.session import LagoSession

SCOPES = (
    "read-only API key: customers, subscriptions, plans, invoices, payments, credit notes, coupons, applied coupons",
)

FORMS: tuple[tuple[str, str, str], ...] = (
    ("operator id", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "none"),
    ("operator id in upper case", r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}", "lower-case it"),
    ("operator id without dashes", r"[0-9a-fA-F]{32}", "insert the dashes"),
    ("operator id with a prefix", r"(op|operator)[_-][0-9a-fA-F-]{32,36}", "drop the prefix"),
    ("number", r"[0-9]+", "look it up in the CSM view"),
)
"""Form of an external id: its name, its pattern, and what turns it into an operator id."""


UNCONFIRMED = frozenset({"HUF", "MGA", "MRU"})
"""Currencies whose amounts Lago may count in another minor unit than ISO 4217 says (forint have none there)."""


async def credential(session: LagoSession, _subject: Subject | None) -> Diagnosis:
    """Does the key open the organisation's customers?"""
    sample = await session.sample()
    found = f"{len(sample.records)} customer(s) on the first page"
    if sample.records:
        return Diagnosis("ok", found, "a key that reads customers")
    fix = "Check that the key belongs to the organisation that bills operators, and lago.url to its region."
    return Diagnosis("warn", found, "at least one customer", fix)


async def external_ids(session: LagoSession, _subject: Subject | None) -> Diagnosis:
    """Do the customers' external ids look like operator ids?"""
    sample = await session.sample()
    forms = Counter(form_of(record) for record in sample.records)
    needed = "external_id is the operator id (lower-case UUID with dashes)"
    if not forms:
        return Diagnosis("skipped", "no customers to look at", needed)
    found = ", ".join(f"{count} x {form}" for form, count in forms.most_common())
    others = [form for form in forms if form != FORMS[0][0]]
    if not others:
        return Diagnosis("ok", found, needed)
    remedies = {form: remedy for form, _, remedy in FORMS}
    fix = "; ".join(f"{form}: {remedies.get(form, 'correct the customer in Lago')}" for form in others)
    return Diagnosis("warn", found, needed, f"{fix}.")


async def currencies(session: LagoSession, _subject: Subject | None) -> Diagnosis:
    """In which currencies are operators billed?"""
    sample = await session.sample()
    counted = Counter(str(record.get("currency") or "none yet") for record in sample.records)
    needed = "known currencies; totals are kept per currency and MRR in USD only where all is USD"
    if not counted:
        return Diagnosis("skipped", "no customers to look at", needed)
    found = ", ".join(f"{code}: {count}" for code, count in counted.most_common())
    billed = set(counted) - {"none yet"}
    if billed & UNCONFIRMED:
        fix = f"Compare an invoice in {', '.join(sorted(billed & UNCONFIRMED))} with Lago's own screen before you trust its amounts."
        return Diagnosis("warn", found, "currencies whose minor unit Lago and ISO 4217 share", fix)
    if billed <= {"USD"}:
        return Diagnosis("ok", found, needed)
    return Diagnosis("warn", found, needed, "Nothing to set: read amounts per currency.")


def form_of(record: Mapping[str, Any]) -> str:
    """The name of the form that a customer's external id has."""
    text = str(record.get("external_id") or "")
    return next((name for name, pattern, _ in FORMS if re.fullmatch(pattern, text)), "other")


CHECKS = (
    Check("credential", "Does the API key open the organisation's customers?", credential),
    Check("external_ids", "Does Lago's external_customer_id have the form that operators use?", external_ids),
    Check("currencies", "In which currencies are operators billed?", currencies),
)
