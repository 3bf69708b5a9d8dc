"""What was told of alerts: when an alert becomes a message, and when a change of it does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from customer_research.domain.alert import Alert

News = Literal["new", "worse", "better"]
"""An alert that was not told yet; one whose operator stands in a worse or a better band than when it was told last."""

OVER = "over"
"""Instead of a band: nothing is open any more."""

_ORDER = ("healthy", "monitor", "at_risk", "critical")
_AT_RISK = _ORDER.index("at_risk")


@dataclass(frozen=True, slots=True)
class AlertTold:
    """What was told of an operator or a source last: of which alert, in which band (`over`: it was ended), as of when."""

    alert: str
    band: str
    as_of: datetime

    @property
    def occasion(self) -> str:
        """As the occasion of a message."""
        return f"{self.alert} {self.band or '-'} {self.as_of.isoformat()}"

    @classmethod
    def read(cls, occasion: str) -> AlertTold | None:
        """What a message's occasion says; None where it is of another form."""
        parts = occasion.split(" ")
        try:
            alert, band, instant = parts
            return cls(alert, "" if band == "-" else band, datetime.fromisoformat(instant))
        except ValueError:
            return None


def goes_on(alert: Alert, last: AlertTold | None) -> bool:
    """Whether it is the story that was told last: something that was open then is open still."""
    return last is not None and last.band != OVER and any(reason.raised.as_of <= last.as_of for reason in alert.reasons)


def news(alert: Alert, band: str, last: AlertTold | None, *, waits: bool, baseline: str, now: datetime) -> News | None:
    """What of an alert is to be told now; None: nothing.

    Args:
        alert: the alert as it stands.
        band: the band in which its operator stands; empty or no band: not known, which is no change.
        last: what was told of that operator last.
        waits: nothing has to be done about it this week.
        baseline: the first snapshot that was ever judged: what it raised stood already.
        now: the present instant.
    """
    if alert.snoozed(now):
        return None
    if goes_on(alert, last):
        assert last is not None
        return _moved(last.band, band)
    standing = all(reason.raised.snapshot == baseline for reason in alert.reasons)
    seen = all(reason.acknowledged_at is not None for reason in alert.reasons)
    return None if standing or seen or waits else "new"


def _moved(then: str, now: str) -> News | None:
    """The way from one band to another; from none that is known only into those of whom somebody has to know."""
    if now not in _ORDER or then == now:
        return None
    if then not in _ORDER:
        return "worse" if _ORDER.index(now) >= _AT_RISK else None
    return "worse" if _ORDER.index(now) > _ORDER.index(then) else "better"
