"""How our own people want to be told, as the store keeps it."""

from __future__ import annotations

from collections.abc import Callable

from customer_research.domain.person import Person
from customer_research.settings import Settings
from customer_research.store.database import open_store, open_to_read
from customer_research.store.people import People, folded


def of(settings: Settings, email: str) -> Person:
    """How a person wants to be told; of whom nothing is kept, by e-mail and in UTC.

    Raises:
        StoreError: the store cannot be read.
    """
    with open_to_read(settings.store_url) as store:
        return People(store).find(email) or Person(folded(email))


def everybody(settings: Settings) -> tuple[Person, ...]:
    """Everybody of whom something is kept, by e-mail address.

    Raises:
        StoreError: the store cannot be read.
    """
    with open_to_read(settings.store_url) as store:
        return People(store).all()


def change(settings: Settings, email: str, changed: Callable[[Person], Person]) -> Person:
    """Change how a person wants to be told; as it is now.

    Raises:
        StoreError: the store cannot be written to.
    """
    with open_store(settings.store_url) as store:
        return People(store).change(email, changed)


def forget(settings: Settings, email: str) -> bool:
    """Forget a person; whether anything was kept.

    Raises:
        StoreError: the store cannot be written to.
    """
    with open_store(settings.store_url) as store:
        return People(store).forget(email)
