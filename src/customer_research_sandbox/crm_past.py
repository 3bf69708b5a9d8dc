"""How HubSpot's records came to be what they are: each property that changes, with its values and their instants, newest first.

Deals pass through the stages of their pipeline, contacts are marked as left on the day, a contract's end moves on by a year when
the contract is renewed, a lead becomes a customer with its first subscription. Draws are of a stream of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from customer_research_sandbox import vocabulary as words
from customer_research_sandbox.dataset import Row
from customer_research_sandbox.draws import instant_between, iso_ms, stream
from customer_research_sandbox.months import add_months
from customer_research_sandbox.servers.hubspot_schema import HISTORY_MOST, is_closed, version
from customer_research_sandbox.state import Contact, Deal, OperatorLife

Past = Mapping[str, Sequence[Row]]
_Values = Sequence[tuple[datetime, str | None]]


def _told(**properties: _Values) -> Past:
    return {name: [version(value, iso_ms(at)) for at, value in reversed(found)] for name, found in properties.items()}


def company_past(life: OperatorLife, as_of: datetime) -> Past:
    """What changes of a company: its stage of life, its contract, and when it was last spoken to."""
    operator, made = life.operator, life.operator.signed_up
    paying = min((item.started_at or item.subscription_at for item in life.subscriptions), default=None)
    customer = [] if paying is None else [(max(paying, made), "customer")]
    lead = [(made, "lead")] if not customer or customer[0][0] > made else []
    touches = sorted(item.at for item in life.engagements)[-HISTORY_MOST:]
    spoken = [(at, iso_ms(at)) for at in touches]
    return _told(
        lifecyclestage=[*lead, *customer],
        hs_lead_status=[(made, "NEW"), *((max(at, made), "CONNECTED") for at in touches[:1])],
        notes_last_updated=spoken,
        notes_last_contacted=spoken,
        contract_end_date=_contracts(life, as_of) if operator.contract_end is not None else [],
    )


def _contracts(life: OperatorLife, as_of: datetime) -> _Values:
    """The ends that a contract of a year has had, each since the one before was over."""
    end = life.operator.contract_end
    assert end is not None
    over, made = datetime(end.year, end.month, end.day, 9, tzinfo=UTC), life.operator.signed_up
    found: list[tuple[datetime, str | None]] = []
    while True:
        agreed = add_months(over, -12)
        found.insert(0, (max(min(agreed, as_of - timedelta(days=1)), made), over.date().isoformat()))
        if agreed <= made or agreed >= as_of:
            return found
        over = agreed


def contact_past(contact: Contact) -> Past:
    """When a contact was marked as having left."""
    active = (contact.created_at, "active")
    if contact.left_at is None:
        return _told(contact_status=[active])
    left = contact.left_at
    return _told(contact_status=[active, (left, "left")], left_company_date=[(left, left.date().isoformat())])


def deal_past(index: int, deal: Deal, as_of: datetime) -> Past:
    """The stages that a deal of the operator of this index has passed through, and what follows from them."""
    stages = list(words.PIPELINES[deal.pipeline][1].items())
    names = [name for name, _ in stages]
    closed = is_closed(dict(stages)[deal.stage])
    made = min(deal.created_at, as_of)
    ended = min(max(deal.close_at or made, made), as_of) if closed else as_of
    before = [name for name, label in stages[: names.index(deal.stage)] if not is_closed(label) and made < ended]
    rng = stream(0, index, f"past of deal {deal.number} of {iso_ms(made)}")
    path = [*before, deal.stage]
    days = sorted(instant_between(rng, made, ended) for _ in before)
    at = [made, *([*days[1:], ended] if closed and before else days)]
    won = closed and deal.stage.endswith("_paid") and "_lost" not in deal.stage
    close = iso_ms(deal.close_at) if deal.close_at is not None else None
    first = [(made, "false")] if at[-1] > made else []
    return _told(
        dealstage=list(zip(at, path, strict=True)),
        closedate=[(at[-1] if closed else made, close)] if close is not None else [],
        hs_is_closed=[*first, (at[-1], "true")] if closed else [(made, "false")],
        hs_is_closed_won=[*first, (at[-1], "true")] if won else [(made, "false")],
    )
