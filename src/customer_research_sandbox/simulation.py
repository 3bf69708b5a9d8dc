"""The life of one operator, month by month: usage, billing, tickets, people, and the true hazard of leaving.

Decision 13 (`docs/decisions`) tells the whole. Each month draws its covariates, then, for paying operators, the
decision to leave from `HAZARD`; the vendors' records are projected afterwards from what happened here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from customer_research_sandbox.billing import Billing
from customer_research_sandbox.draws import Weighted, instant_between, lognormal, poisson, stream
from customer_research_sandbox.months import add_months, months_between
from customer_research_sandbox.population import Profile
from customer_research_sandbox.state import Month, OperatorLife

SEASONS = {
    "standard": (0.82, 0.85, 0.95, 1.02, 1.15, 1.18, 1.00, 0.95, 1.05, 1.10, 1.00, 0.93),
    "wedding": (0.45, 0.55, 0.75, 1.00, 1.45, 1.75, 1.25, 1.15, 1.50, 1.20, 0.60, 0.50),
    "ski": (1.60, 1.60, 1.60, 1.00, 0.75, 0.60, 0.50, 0.60, 0.75, 0.85, 1.10, 1.60),
    "university": (1.10, 1.15, 1.15, 1.20, 1.00, 0.35, 0.35, 0.35, 1.25, 1.25, 1.15, 0.90),
}
"""Monthly factors on usage, January to December, by kind of business."""

BASE_HAZARD = {"SMB": 0.019, "Mid-Market": 0.0095, "Enterprise": 0.0055}
HAZARD = {
    "drop": 1.6,
    "zero": 1.5,
    "fail": 0.9,
    "over": 0.7,
    "disp": 0.35,
    "tick": 0.45,
    "setup": 0.7,
    "champ": 1.0,
    "ten_new": 0.7,
    "ten_old": -0.5,
    "grow": -0.6,
    "app": -0.35,
}
"""The true coefficients of the monthly logit of leaving (decision 13)."""

_MIN_BASE_DROP, _MIN_BASE_ZERO = 5.0, 3.0
_HIGH = 0.20
_DISTRESSED_TICKETS = 2.0
"""Further tickets a month of an operator with whom everything goes wrong; most of them are never resolved."""

_REASONS = {
    "drop": Weighted([("business_closed", 1.0), ("product_fit", 1.0)]),
    "none": Weighted([("price", 3.0), ("competitor", 2.0)]),
}


@dataclass(slots=True)
class TicketSpan:
    """When a ticket was opened, when it was resolved (if ever), and how it is filed."""

    opened: datetime
    resolved: datetime | None
    kind: str
    priority: str

    def open_at(self, instant: datetime) -> bool:
        """Whether it was open at an instant."""
        return self.opened < instant and (self.resolved is None or self.resolved >= instant)


_KINDS = Weighted([("Bug", 45.0), ("Request", 25.0), ("Issue", 18.0), ("Feature", 9.0), ("Insight", 3.0)])
_PRIORITIES = Weighted([("Low", 35.0), ("Medium", 45.0), ("High", 20.0)])


class Regime:
    """The slow movement of an operator's business: steady, declining, growing or stopped, as a factor on its level."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._left = 0
        self.kind = "steady"
        self.factor = 1.0

    def step(self) -> float:
        """Advance a month; returns the factor on usage (0 while stopped)."""
        if self._left == 0:
            self._choose()
        if self.kind == "steady":
            self.factor = self.factor**0.85
            return self.factor
        self._left -= 1
        if self.kind == "stop":
            return 0.0
        self.factor *= 0.72 if self.kind == "decline" else 1.08
        return self.factor

    def stop(self) -> None:
        """Stop for good: an operator that has decided to leave and works no more."""
        self.kind, self._left = "stop", 10_000

    def resume(self) -> None:
        """Work again at the usual level."""
        self.kind, self._left, self.factor = "steady", 0, 1.0

    def _choose(self) -> None:
        drawn = self._rng.random()
        if drawn < 0.006:
            self.kind, self._left = "stop", self._rng.randint(2, 5)
        elif drawn < 0.041:
            self.kind, self._left = "decline", self._rng.randint(3, 6)
        elif drawn < 0.061:
            self.kind, self._left = "growth", self._rng.randint(3, 7)
        else:
            self.kind, self._left = "steady", 0


@dataclass(slots=True)
class Story:
    """What the simulation hands to the projections that fill in rows: the life so far and its loose threads."""

    life: OperatorLife
    profile: Profile
    tickets: list[TicketSpan]
    champion_left: list[datetime]
    surveys: list[tuple[datetime, int]]


class Simulation:
    """One operator's forward run over the month windows; `run` gives its story."""

    def __init__(self, seed: int, profile: Profile, edges: list[datetime], *, rows: bool) -> None:
        self._profile = profile
        self._edges = edges
        self._as_of = edges[-1]
        self._rng = stream(seed, profile.operator.index, "months")
        self._regime = Regime(self._rng)
        self._distress_at = profile.distress_at if rows else None
        self._batch = profile.batch(rows=rows)
        self._billing = Billing(profile, stream(seed, profile.operator.index, "billing"), self._as_of, edges[0])
        self._adjusted: list[float] = []
        self._carry = 0.0
        self._tickets: list[TicketSpan] = []
        self._champion: list[datetime] = []
        self._surveys: list[tuple[datetime, int]] = []
        self._months: list[Month] = []
        self._paid_since = profile.started
        self._leaves_at: datetime | None = None
        self._returns_at: datetime | None = None

    def run(self) -> Story:
        """Simulate every month and collect the story."""
        self._billing.open()
        for start, end in zip(self._edges, self._edges[1:], strict=False):
            if end > self._profile.operator.signed_up:
                self._months.append(self._month(start, end))
        self._billing.draft()
        self._billing.downgrade()
        operator = self._profile.operator
        life = OperatorLife(
            operator=operator,
            frailty=self._profile.frailty,
            months=self._months,
            subscriptions=self._billing.subscriptions,
            invoices=self._billing.invoices,
            credit_notes=self._billing.credit_notes,
            coupons=self._billing.coupons,
            terminated_at=self._leaves_at,
        )
        return Story(life, self._profile, self._tickets, self._champion, self._surveys)

    # -- a month ---------------------------------------------------------------------------------------------------

    def _month(self, start: datetime, end: datetime) -> Month:
        self._come_back(end)
        season = SEASONS[self._profile.season][(start + (end - start) / 2).month - 1]
        trips = self._usage(start, end, season)
        rows = self._rows(trips)
        distressed = self._distressed(end) > 0
        declining = self._regime.kind == "decline" or distressed
        failed, overdue = self._billing.bill(start, end, declining=declining, distressed_at=self._distress_at)
        disputes = poisson(self._rng, rows * 0.9 * self._profile.charge_share * self._profile.dispute_rate)
        self._open_tickets(start, end, declining=declining, distressed=distressed)
        self._people(start, end)
        self._survey(start, end, declining=declining)
        covariates = self._covariates(end, trips / season, failed, overdue, disputes)
        month = Month(start, end, trips, rows, season, self._regime.kind, covariates, self._decoys(end), None)
        self._decide(month)
        self._adjusted.append(trips / season)
        return month

    def _distressed(self, end: datetime) -> int:
        """Months since everything went wrong, counting the month in which it did; 0 before."""
        if self._distress_at is None or self._distress_at >= end:
            return 0
        return 1 + int(months_between(self._distress_at, end))

    def _usage(self, start: datetime, end: datetime, season: float) -> int:
        factor = self._regime.step()
        if self._leaves_at is not None and self._returns_at is None and start >= self._leaves_at:
            return 0
        born = self._profile.operator.signed_up
        share = 1.0 if born <= start else (end - born) / (end - start)
        factor *= (1.0, 0.5, 0.15)[self._distressed(end)] if self._distressed(end) < 3 else 0.0
        noise = math.exp(self._rng.gauss(0.0, 0.12))
        return poisson(self._rng, self._profile.level * factor * season * noise * share)

    def _rows(self, trips: int) -> int:
        """Reservation rows of a month: trips over the batch, the rest carried so that sums stay true."""
        self._carry += trips / self._batch
        rows = int(self._carry)
        self._carry -= rows
        return rows

    def _open_tickets(self, start: datetime, end: datetime, *, declining: bool, distressed: bool) -> None:
        worry = _DISTRESSED_TICKETS if distressed else 0.0
        mean = 0.03 + 0.004 * self._profile.operator.members + (0.05 if declining else 0.0) + worry
        for _ in range(poisson(self._rng, mean)):
            opened = instant_between(self._rng, max(start, self._profile.operator.signed_up), end)
            days = lognormal(self._rng, 5.0, 1.1)
            resolved = None if self._rng.random() < (0.7 if distressed else 0.10) else opened + timedelta(days=days)
            self._tickets.append(TicketSpan(opened, resolved, _KINDS.draw(self._rng), _PRIORITIES.draw(self._rng)))

    def _people(self, start: datetime, end: datetime) -> None:
        if self._rng.random() < 0.008:
            self._champion.append(instant_between(self._rng, start, end))

    def _survey(self, start: datetime, end: datetime, *, declining: bool) -> None:
        """Once a quarter 35 % answer: 8 on average, less while declining and for each open high-priority ticket."""
        if end.month % 3 or self._rng.random() >= 0.35:
            return
        high = sum(ticket.open_at(end) and ticket.priority == "High" for ticket in self._tickets)
        mean = 8.0 - (2.5 if declining else 0.0) - high
        score = min(10, max(0, round(self._rng.gauss(mean, 1.5))))
        self._surveys.append((instant_between(self._rng, start, end), score))

    # -- hazard ----------------------------------------------------------------------------------------------------

    def _covariates(self, end: datetime, adjusted: float, failed: int, overdue: int, disputes: int) -> dict[str, float]:
        """The twelve covariates of the true hazard, each known at the month's end."""
        recent = self._adjusted[-3:]
        base = sum(recent) / len(recent) if len(recent) == 3 else 0.0
        ratio = adjusted / base if base >= _MIN_BASE_DROP else 1.0
        tenure = months_between(self._paid_since, end) if self._paid_since is not None else 0.0
        week = end - timedelta(days=7)
        return {
            "drop": round(min(1.0, max(0.0, 1.0 - ratio)), 6),
            "zero": float(adjusted == 0 and base >= _MIN_BASE_ZERO),
            "fail": float(failed > 0),
            "over": float(overdue > 0),
            "disp": float(disputes > 0),
            "tick": float(any(ticket.open_at(end) and ticket.opened < week for ticket in self._tickets)),
            "setup": float(self._profile.operator.setup_score < 15 and tenure < 6),
            "champ": float(any(add_months(end, -4) <= left < end for left in self._champion)),
            "ten_new": float(tenure < 3),
            "ten_old": float(tenure >= 24),
            "grow": float(ratio > 1.2),
            "app": float(self._profile.app_rate > 0.5),
            "disputes": float(disputes),
        }

    def _decoys(self, end: datetime) -> dict[str, float]:
        """Planted facts without any effect on the hazard."""
        features = sum(ticket.kind == "Feature" and ticket.open_at(end) for ticket in self._tickets)
        return {
            "feature_requests": float(features),
            "decline_rate": round(self._profile.decline_rate, 6),
            "vehicles": float(self._profile.operator.vehicles),
            "farm_rate": self._profile.farm_rate,
            "name_length": float(self._profile.name_length),
            "signup_weekday": float(self._profile.signup_weekday),
        }

    def _pays(self, end: datetime) -> bool:
        since = self._paid_since
        return since is not None and since < end and self._leaves_at is None

    def _decide(self, month: Month) -> None:
        """Draw the decision to leave from the true hazard; it takes effect at the end of the paid period."""
        if not self._pays(month.end):
            return
        base = BASE_HAZARD[self._profile.operator.segment]
        logit = math.log(base / (1 - base)) + self._profile.frailty
        logit += sum(beta * month.covariates[name] for name, beta in HAZARD.items())
        month.hazard = 1 / (1 + math.exp(-logit))
        if self._rng.random() >= month.hazard:
            return
        month.churned = True
        month.reason = self._reason(month)
        recent = [*self._months[-2:], month]
        month.involuntary = len(recent) == 3 and all(item.covariates["fail"] for item in recent)
        self._leave(month.end)

    def _leave(self, decided: datetime) -> None:
        self._leaves_at = self._billing.period_end(decided)
        self._billing.end(self._leaves_at)
        if self._leaves_at > decided + timedelta(days=40) and self._rng.random() < 0.6:
            self._regime.stop()
        if self._rng.random() < 0.06:
            self._returns_at = self._leaves_at + timedelta(days=30 * self._rng.randint(1, 6))

    def _come_back(self, end: datetime) -> None:
        """A leaver in seventeen returns within six months, with a new tenure."""
        if self._returns_at is None or self._returns_at >= end or self._leaves_at is None:
            return
        if self._leaves_at < self._as_of:
            self._billing.reactivate(self._returns_at)
            self._paid_since, self._leaves_at, self._returns_at = self._returns_at, None, None
            self._regime.resume()

    def _reason(self, month: Month) -> str:
        """A reason that follows from the state: usage, payment, people, support, else price or a competitor."""
        facts = month.covariates
        if facts["zero"] or facts["drop"] > 0.4:
            return _REASONS["drop"].draw(self._rng)
        if facts["fail"]:
            return "budget"
        if facts["champ"]:
            return "internal"
        if facts["tick"]:
            return "support"
        return _REASONS["none"].draw(self._rng)
