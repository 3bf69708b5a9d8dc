"""Which open alerts are wanted: as it is asked for, and as alerts are chosen by it."""

from __future__ import annotations

from collections.abc import Collection

from customer_research.domain.alert import Alert, Episode
from customer_research.domain.line import Need
from customer_research.domain.vocabularies import Severity
from customer_research.errors import UsageError
from customer_research.research import options
from customer_research.research.request import option, request


@request
class AlertChoice:
    """Which open alerts are wanted; each part that is empty lets all through."""

    severities: tuple[Severity, ...] = option("Only these (repeatable).", (), flags=("--severity",))
    rule: str = option("Only this rule's.", "")
    assignee: str = option("Only those assigned to this person.", "")
    owner: str = option("Only of accounts of this HubSpot owner: id, name, or a part of it.", "")
    mine: bool = option("Only of your own accounts (setting owner).", False)
    all: bool = option("Snoozed ones and those that can wait, too.", False)
    limit: int = options.limit()

    def book(self, owner: str) -> str:
        """Whose accounts they are of, where the settings' owner is *owner*; empty: anybody's.

        Raises:
            UsageError: one's own are asked for, and the settings name no owner.
        """
        if self.mine and not owner:
            raise UsageError(
                "Nobody said whose accounts are yours.", hint="Set owner to your HubSpot owner id or name."
            )
        return owner if self.mine else self.owner.strip()

    def takes(self, alert: Alert, need: Need | None, owners: Collection[str] | None, *, alone: bool = False) -> bool:
        """Whether an alert is wanted, snoozed or not: one of its reasons is, and one of the owners (None: anybody) has its operator.

        One of an operator of whom nothing is known is wanted, too, unless the owners' are wanted `alone`.
        """
        if not any(map(self._takes, alert.reasons)):
            return False
        if owners is None or alert.reasons[0].source:
            return True  # of a source: nobody may take it for another's
        if need is None:
            return not alone
        return (need.owner_id or need.owner) in owners

    def _takes(self, episode: Episode) -> bool:
        return (
            (not self.severities or episode.severity in self.severities)
            and self.rule.strip().lower() in {"", episode.rule.lower()}
            and self.assignee.strip().lower() in episode.assignee.lower()
        )

    def words(self, book: str) -> str:
        """The choice in words; empty when all are wanted."""
        named = {"rule": self.rule.strip(), "assigned to": self.assignee.strip(), "owner": book}
        parts = [f"severity {' or '.join(self.severities)}"] if self.severities else []
        return ", ".join((*parts, *(f"{name} {text}" for name, text in named.items() if text)))
