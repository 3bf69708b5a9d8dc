"""Whose operators are whose, for who may see one account owner's alone: by the newest snapshot that was scored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from customer_research.errors import NotAllowed
from customer_research.research.portfolio.books import looking
from customer_research.settings import Settings
from customer_research.store.books import Books


@dataclass(frozen=True, slots=True)
class OwnBook:
    """An account owner's operators, customers or not. `namesakes`: another owner has the same name."""

    owner_id: str
    name: str
    operators: frozenset[str]
    namesakes: bool = False

    def holds(self, operator_id: str) -> bool:
        """Whether an operator is in it; one that came after the snapshot is in nobody's."""
        return operator_id in self.operators

    def is_called(self, owner: str) -> bool:
        """Whether an id or a name is this owner's."""
        return owner.strip().casefold() in {self.owner_id.casefold(), self.name.casefold()}

    def name_alone(self) -> str:
        """The owner's name, for lists that choose by it.

        Raises:
            NotAllowed: another owner has it, too, so that such a list would show that one's.
        """
        if self.namesakes:
            raise NotAllowed(
                f"Two account owners are called {self.name}: a list by name would show both books.",
                hint="Ask for `today` or `renewals`, which go by the owner's id, or name an operator.",
            )
        return self.name


def own_book(settings: Settings, owner_id: str, now: datetime) -> OwnBook:
    """The book of an account owner.

    Raises:
        NotAllowed: the newest snapshot has no operator of theirs.
        UsageError: there is no snapshot yet.
        StoreError: the store cannot be read.
    """
    with looking(settings, now) as (store, ready):
        books = Books(store)
        people = books.people(ready)
        name = next((called for owner, called in people if owner == owner_id), None)
        if name is None:
            raise NotAllowed(
                f"No operator has the account owner {owner_id[:40]}.", hint="Give the token another owner's id."
            )
        namesakes = sum(called.casefold() == name.casefold() for _, called in people) > 1
        return OwnBook(owner_id, name, books.owned(ready, [(owner_id, name)]), namesakes)
