"""What to tell when a lookup finds nobody: likely reasons and next steps, by how the term was read."""

from __future__ import annotations

from collections.abc import Sequence

from customer_research.domain.identity import IdKind, Interpretation
from customer_research.identity.normalise import is_free_mail

_WAYS: dict[IdKind, str] = {
    "operator_id": "an operator id",
    "legacy_id": "a legacy (old style) number",
    "stripe_account": "a Stripe account",
    "hubspot_id": "a HubSpot company id",
    "email": "an e-mail address",
    "domain": "a web domain",
    "phone": "a telephone number",
    "name": "a company or contact name",
    "confirmation": "a trip confirmation number",
    "charge": "a card charge id",
    "invoice": "an invoice number",
    "ticket": "a ticket number",
}

_REASONS: dict[IdKind, tuple[str, ...]] = {
    "operator_id": ("The operator may never have had a subscription: the CSM view lists subscriptions only.",),
    "legacy_id": ("The number has not the form of an operator id, and no operator is filed under it.",),
    "domain": ("The operator may be filed under another web domain.",),
    "stripe_account": (
        "The account may be of Stripe's test mode, which is a separate account space.",
        "The account may not be entered in the CSM view.",
    ),
    "hubspot_id": ("The company may not be linked to an operator, or the id may be of a contact or deal.",),
    "email": ("The operator may be filed under another e-mail address.",),
    "phone": ("The operator may be filed under another telephone number.",),
    "name": ("The name may be mistyped, or the company is filed under another (legal or former) name.",),
}

_STEPS: dict[IdKind, tuple[str, ...]] = {
    "stripe_account": ("Check each letter's case, and that the id was copied from live mode, not test mode.",),
    "email": ("Try the company's name or web domain.",),
    "name": ("Try one characteristic word of the name, the e-mail domain or the operator id.",),
    "hubspot_id": ("Copy the id from the address of the company's page in HubSpot.",),
}


def reasons(readings: Sequence[Interpretation]) -> tuple[str, ...]:
    """Why nobody was found, the particular reasons first."""
    read_as = " or ".join(_WAYS[kind] for kind in dict.fromkeys(reading.kind for reading in readings))
    particular = [reason for reading in readings for reason in _particular(reading)]
    general = (
        "The operator may have churned before the CSM view begins.",
        "A new operator may not have arrived yet: the view is refreshed with a delay.",
    )
    return (f"Nobody is known by this term, read as {read_as}.", *dict.fromkeys(particular), *general)


def _particular(reading: Interpretation) -> tuple[str, ...]:
    if reading.kind == "domain" and is_free_mail(reading.value):
        return (f"{reading.value} is a public (free-mail) provider's domain, which never identifies a company.",)
    return _REASONS.get(reading.kind, ())


def next_steps(readings: Sequence[Interpretation]) -> tuple[str, ...]:
    """What to try next."""
    particular = [step for reading in readings for step in _STEPS.get(reading.kind, ())]
    general = (
        "Try another identifier: operator id, name, e-mail, phone, Stripe account, HubSpot id.",
        "For a new sign-up, try again after the next refresh of the CSM view.",
    )
    return (*dict.fromkeys(particular), *general)
