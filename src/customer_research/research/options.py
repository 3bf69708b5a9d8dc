"""Fields that several requests share: the same name, help text and bounds everywhere; and what their texts mean."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from customer_research.domain import parsing
from customer_research.errors import UsageError
from customer_research.research.request import argument, option

if TYPE_CHECKING:
    from customer_research.domain.delivery import Address

LONGEST_EMAIL = 200
"""Characters of an e-mail address."""


def operator(default: Any = ...) -> Any:
    """The operator that a request is about."""
    return argument("Operator id, Stripe account, HubSpot id, e-mail, domain, phone, name or a part of it.", default)


def scorecard() -> Any:
    """The scorecard to judge by; None: the settings'."""
    return option("canonical (default), guide or billing_guide, or a TOML file.", None, or_file=True)


def card() -> Any:
    """The scorecard that a request is about; empty: the settings'."""
    return argument("A scorecard.", "", or_file=True)


def audience() -> Any:
    """For whom a report is."""
    return option("For whom: `customer` shows nothing internal.", "internal")


def since() -> Any:
    """The day since which a report looks back."""
    text = "Look back to this day; default: the last recorded review, else 90 days."
    return option(text, None, metavar="DATE", formats=("%Y-%m-%d",))


def meeting() -> Any:
    """Before which kind of talk a report is read."""
    return option("Before which kind of talk.", "check-in")


def personal(text: str = "Show e-mail addresses, phones and names unmasked.") -> Any:
    """Whether personal data are shown."""
    return option(text, False)


def limit() -> Any:
    """How many lines a list has."""
    return option("How many lines; 0: all.", 25, ge=0)


def instant(text: str) -> Any:
    """A day (its midnight) or an instant, UTC, as text."""
    return option(text, None, metavar="DATE")


def instant_of(text: str) -> datetime:
    """A day (its midnight) or an instant, UTC unless it names its own zone.

    Raises:
        UsageError: it is neither.
    """
    try:
        return parsing.instant(text)
    except ValueError:
        raise UsageError(
            f"{text[:40]!r} is neither a day nor an instant.", hint="Write 2026-11-01 or 2026-11-01T08:30:00Z."
        ) from None


def email_of(text: str, hint: str) -> str:
    """An e-mail address; `hint` says what to write where it is none.

    Raises:
        UsageError: it is none.
    """
    email = text.strip()
    user, at, domain = email.partition("@")
    if not (user and at and domain) or len(email) > LONGEST_EMAIL or not email.isprintable() or " " in email:
        raise UsageError(f"{email[:60]!r} is no e-mail address.", hint=hint)
    return email


def address_of(text: str) -> Address:
    """Where messages go, as `slack:C0123`.

    Raises:
        UsageError: it is no address.
    """
    from customer_research.domain.delivery import Address  # noqa: PLC0415 - start-up time

    try:
        return Address.read(text)
    except ValueError as error:
        raise UsageError(str(error)) from None


def zone_of(text: str) -> str:
    """The name of a time zone.

    Raises:
        UsageError: there is none of that name.
    """
    from customer_research.domain.zones import known  # noqa: PLC0415 - start-up time

    name = text.strip()
    if not known(name):
        hint = "Give one as IANA names them: Europe/London, America/New_York."
        raise UsageError(f"There is no time zone {name[:60]!r}.", hint=hint)
    return name
