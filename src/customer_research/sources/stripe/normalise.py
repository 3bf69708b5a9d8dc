"""Stripe's JSON as canonical rows; pure. Instants are Unix seconds; a promised field that is absent is never guessed.

A charge is one attempt: of a payment intent that was tried three times there are three. What stands on the connected account
as the other side of a transfer (`source_transfer`) is no charge of its own, for the platform has the charge.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from customer_research.connect.source import Row
from customer_research.domain import values
from customer_research.domain.money import CURRENCY, digits, to_minor
from customer_research.domain.values import UnreadableError
from customer_research.errors import SchemaChanged

SOURCE_NAME = "stripe"
STREAM = "cards"

STATUSES = frozenset({"succeeded", "failed", "pending"})
INQUIRY = "warning_"
"""What the statuses of an inquiry begin with: the bank asks, and no money has been taken back."""

ACTIVE = frozenset({"warning_needs_response", "warning_under_review", "needs_response", "under_review"})
"""Statuses of a dispute or inquiry that somebody has to answer, or that is not decided."""

STRIPE_DIGITS: Mapping[str, int] = {"ISK": 2, "UGX": 2, "MGA": 0}
"""Currencies whose amounts Stripe counts otherwise than the project does (`domain.money.digits`): decimal digits at Stripe."""

_LATEST_SECONDS = 10_000_000_000
"""Beyond it a number is no Unix time in seconds."""

Record = Mapping[str, Any]


def changed(sentence: str) -> SchemaChanged:
    """The failure of a record that is not what the contract says."""
    hint = "Report it, with what `customer-research doctor --online` says of Stripe."
    return SchemaChanged(sentence, source=SOURCE_NAME, stream=STREAM, hint=hint)


def identifier(record: Record, what: str) -> str:
    """A record's own id.

    Raises:
        SchemaChanged: it has none.
    """
    found = record.get("id")
    if not isinstance(found, str) or not found:
        raise changed(f"A Stripe {what} has no id.")
    return found


def reference(value: Any) -> str | None:
    """The id that a field names, whether it holds the id or the whole object; None: it names nothing."""
    found = value.get("id") if isinstance(value, Mapping) else value
    return values.text(found) if isinstance(found, str) else None


def inside(record: Record, name: str) -> Record:
    """An object within a record; an empty one where it is null or absent."""
    found = record.get(name)
    return found if isinstance(found, Mapping) else {}


def moment(record: Record, what: str) -> datetime:
    """When a record was made, UTC.

    Raises:
        SchemaChanged: that is no Unix time in seconds.
    """
    value = record.get("created")
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < _LATEST_SECONDS:
        raise changed(f"A Stripe {what}'s created is no Unix time in seconds.")
    return datetime.fromtimestamp(value, UTC)


def currency(record: Record, what: str) -> str:
    """A record's currency, ISO 4217.

    Raises:
        SchemaChanged: it is none.
    """
    found = str(record.get("currency") or "").upper()
    if not CURRENCY.fullmatch(found):
        raise changed(f"A Stripe {what} has no currency.")
    return found


def minor(record: Record, name: str, what: str) -> int:
    """An amount of a record in minor units as the project counts them.

    Raises:
        SchemaChanged: it is no whole number.
    """
    value = record.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise changed(f"A Stripe {what}'s {name} is no whole number.")
    code = currency(record, what)
    if STRIPE_DIGITS.get(code, digits(code)) == digits(code):
        return value
    return to_minor(Decimal(value).scaleb(-STRIPE_DIGITS[code]), code)


def word(record: Record, name: str, what: str) -> str:
    """A code word that every record has.

    Raises:
        SchemaChanged: it has none.
    """
    value = record.get(name)
    found = values.enumerated(value) if isinstance(value, str) else None
    if found is None:
        raise changed(f"A Stripe {what} has no {name}.")
    return found


# -- whose it is ------------------------------------------------------------------------------------------------------


def made_for(charge: Record) -> str | None:
    """The connected account that a charge of the platform is made for; None: it is the platform's own.

    Who gets the money counts (`transfer_data.destination`); where nothing is sent on by itself, on whose behalf it is taken.
    """
    return reference(inside(charge, "transfer_data").get("destination")) or reference(charge.get("on_behalf_of"))


def is_mirror(charge: Record) -> bool:
    """Whether a connected account's charge is the other side of a transfer, whose charge the platform has."""
    return reference(charge.get("source_transfer")) is not None


# -- rows -------------------------------------------------------------------------------------------------------------


def charge_row(charge: Record, account: str) -> Row:
    """The `charge` row but for the operator; *account*: the connected account whose it is.

    Raises:
        SchemaChanged: a promised field is absent.
    """
    status = word(charge, "status", "charge")
    if status not in STATUSES:
        raise changed(f"A Stripe charge has the status {status!r}, which is not known.")
    outcome = inside(charge, "outcome")
    return {
        "charge_id": identifier(charge, "charge"),
        "stripe_account": account,
        "status": status,
        "created_at": moment(charge, "charge"),
        "amount_minor": minor(charge, "amount", "charge"),
        "refunded_minor": minor(charge, "amount_refunded", "charge"),
        "currency": currency(charge, "charge"),
        "card_id": reference(charge.get("payment_method")) or reference(charge.get("source")),
        "failure_reason": _failure(charge, outcome) if status == "failed" else None,
        "risk_level": values.enumerated(outcome.get("risk_level")),
        "risk_score": _score(outcome.get("risk_score")),
        "cardholder": values.text(inside(charge, "billing_details").get("name")),
    }


def _failure(charge: Record, outcome: Record) -> str | None:
    told = (
        outcome.get("reason"),
        outcome.get("seller_message"),
        charge.get("failure_code"),
        charge.get("failure_message"),
    )
    return next((found for one in told if (found := values.text(one)) is not None), None)


def _score(value: Any) -> float | None:
    """The risk score, 0 to 100; only accounts with Radar for Fraud Teams have one.

    Raises:
        SchemaChanged: it is no number.
    """
    try:
        found = values.number(value)
    except UnreadableError as error:
        raise changed("A Stripe charge's risk_score is no number.") from error
    return None if found is None else float(found)


def dispute_row(dispute: Record) -> Row:
    """The `dispute` row but for the operator.

    Raises:
        SchemaChanged: a promised field is absent.
    """
    charge = reference(dispute.get("charge"))
    if charge is None:
        raise changed("A Stripe dispute names no charge.")
    status = word(dispute, "status", "dispute")
    return {
        "dispute_id": identifier(dispute, "dispute"),
        "charge_id": charge,
        "status": status,
        "is_active": status in ACTIVE,
        "reason": values.text(dispute.get("reason")),
        "amount_minor": minor(dispute, "amount", "dispute"),
        "currency": currency(dispute, "dispute"),
        "created_at": moment(dispute, "dispute"),
    }


def refund_row(refund: Record) -> Row:
    """A refund with its own date: the charge tells how much was given back, and not when.

    Raises:
        SchemaChanged: a promised field is absent.
    """
    return {
        "refund_id": identifier(refund, "refund"),
        "charge_id": reference(refund.get("charge")),
        "status": values.enumerated(refund.get("status")),
        "reason": values.text(refund.get("reason")),
        "amount_minor": minor(refund, "amount", "refund"),
        "currency": currency(refund, "refund"),
        "created_at": moment(refund, "refund"),
    }
