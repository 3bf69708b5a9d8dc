"""The canonical table that Stripe fills; of the card tables, whose home is the warehouse, it is the second source."""

from __future__ import annotations

from customer_research.domain.records import SourceRecords, tables

RECORDS = SourceRecords(
    source="stripe",
    title="Stripe",
    customer_title="Card payments",
    place=8,
    optional=True,
    instead_of=("charge", "dispute"),
    tables=tables(
        "stripe",
        """
        refund [refund_id] one row per refund of a passenger's charge, with its own date: a charge tells how much, and not when
            operator_id text the operator
            refund_id text Stripe id
            charge_id text the charge
            status text succeeded, pending, failed, canceled, requires_action
            reason text duplicate, fraudulent, requested_by_customer, expired_uncaptured_charge; null: none was given
            amount_minor integer refunded amount
            currency text ISO 4217
            created_at timestamp when it was given back
            fetch_id text receipt
        """,
    ),
)

TABLES = RECORDS.tables
