"""Reservation rows and card charges, drawn from the months of an operator's life."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import accumulate
from random import Random

from customer_research_sandbox import vocabulary as words
from customer_research_sandbox.draws import Weighted, base62, lognormal, stream
from customer_research_sandbox.population import Profile
from customer_research_sandbox.simulation import Story
from customer_research_sandbox.state import Charge, Dispute, Month, Operator, Trip

_WEEKDAYS = (1.0, 1.0, 1.05, 1.1, 1.3, 1.25, 0.9)
_TRIP_TYPE = Weighted([("one-way", 58.0), ("hourly", 27.0), ("round-trip", 15.0)])
_ORDER_TYPE = Weighted(
    [("airport", 46.0), ("corporate", 22.0), ("wedding", 10.0), ("event", 7.0), ("point-to-point", 15.0)]
)
_HOURS = Weighted([(hour, 0.3 if hour < 4 else 1.6 if hour in {5, 6, 7, 16, 17, 18} else 1.0) for hour in range(24)])
_DECLINE = Weighted(
    [
        ("insufficient_funds", 38.0),
        ("generic_decline", 30.0),
        ("do_not_honor", 14.0),
        ("expired_card", 9.0),
        ("incorrect_cvc", 5.0),
        ("fraudulent", 4.0),
    ]
)
_DISPUTE_REASON = Weighted(
    [
        ("fraudulent", 48.0),
        ("product_not_received", 22.0),
        ("credit_not_processed", 12.0),
        ("duplicate", 8.0),
        ("unrecognized", 10.0),
    ]
)
_YOUNG_DISPUTE = Weighted([("needs_response", 60.0), ("under_review", 40.0)])
_OLD_DISPUTE = Weighted([("won", 35.0), ("lost", 60.0), ("warning_closed", 5.0)])
_SALT = 2**32


def fill_activity(seed: int, story: Story, as_of: datetime) -> None:
    """Write the trips and charges of a story into its life."""
    index = story.life.operator.index
    story.life.trips = _Trips(story.profile, stream(seed, index, "trips"), as_of).draw(story.life.months)
    story.life.charges = _Charges(story.profile, stream(seed, index, "charges"), as_of).draw(story)


class _Trips:
    """Draws reservation rows: bookings within each month, rides some days after, as far as the as-of knows."""

    def __init__(self, profile: Profile, rng: Random, as_of: datetime) -> None:
        self._profile = profile
        self._operator: Operator = profile.operator
        self._rng = rng
        self._as_of = as_of
        self._number = 0
        batch = profile.batch(rows=True)
        self._value_cents = profile.trip_value * batch * 100
        clients = 3 + int(rng.random() * 10)
        first = int(rng.random() * len(words.CORPORATE_CLIENTS))
        names = [words.CORPORATE_CLIENTS[(first + rank) % len(words.CORPORATE_CLIENTS)] for rank in range(clients)]
        self._clients = Weighted([(name, 1 / (rank + 1)) for rank, name in enumerate(names)])
        self._drivers = max(1, self._operator.drivers)

    def draw(self, months: list[Month]) -> list[Trip]:
        """All rows of the months, in order of booking."""
        trips: list[Trip] = []
        for month in months:
            if not month.rows:
                continue
            start = max(month.start, self._operator.signed_up)
            days = _day_weights(start, month.end)
            instants = sorted(self._instant(start, month.end, days) for _ in range(month.rows))
            trips.extend(map(self._trip, instants))
        return trips

    def _instant(self, start: datetime, end: datetime, edges: list[float]) -> datetime:
        """A booking instant: weekdays as people book, hours as they are awake, never outside the window."""
        day = self._pick_day(edges)
        at = start + timedelta(days=day, hours=_HOURS.draw(self._rng), seconds=int(self._rng.random() * 3600))
        return at if at < end else start + (end - start) * self._rng.random()

    def _pick_day(self, edges: list[float]) -> int:
        target, low = self._rng.random() * edges[-1], 0
        while edges[low] < target:
            low += 1
        return low

    def _trip(self, created: datetime) -> Trip:
        rng, profile = self._rng, self._profile
        self._number += 1
        created = created.replace(microsecond=0)
        pickup = created + timedelta(minutes=int(lognormal(rng, 5.0, 1.0) * 1440))
        status = self._status(pickup)
        total = max(2_500, round(lognormal(rng, self._value_cents, profile.value_sigma)))
        order = _ORDER_TYPE.draw(rng)
        farmed = words.FARM_PARTNERS[int(rng.random() * 5)] if rng.random() < profile.farm_rate else None
        driver = int(rng.random() * self._drivers) if status != "cancelled" and farmed is None else None
        return Trip(
            self._operator,
            self._number,
            status,
            created,
            pickup,
            self._cancelled_at(created, pickup) if status == "cancelled" else None,
            total,
            self._paid(status, total),
            _TRIP_TYPE.draw(rng),
            order,
            self._clients.draw(rng) if order == "corporate" else None,
            driver,
            self._app_used(driver, pickup),
            self._rating(status),
            farmed,
            round(total * rng.uniform(0.70, 0.85)) if farmed else None,
            int(rng.random() * _SALT),
        )

    def _status(self, pickup: datetime) -> str:
        drawn, cancel = self._rng.random(), self._profile.cancel_rate
        if pickup >= self._as_of:
            return "cancelled" if drawn < cancel / 3 else "pending" if drawn < 0.5 else "confirmed"
        if drawn < cancel:
            return "cancelled"
        return "pending" if drawn > 0.988 else "in progress" if drawn > 0.980 else "completed"

    def _cancelled_at(self, created: datetime, pickup: datetime) -> datetime:
        latest = min(pickup, self._as_of)
        return created + (latest - created) * self._rng.random()

    def _paid(self, status: str, total: int) -> int:
        drawn = self._rng.random()
        if status == "cancelled" or drawn >= 0.96:
            return 0
        if status != "completed":
            return total if drawn < 0.30 else 0
        return total if drawn < 0.91 else round(total * self._rng.uniform(0.2, 0.9))

    def _app_used(self, driver: int | None, pickup: datetime) -> bool | None:
        if driver is None or pickup >= self._as_of:
            return None
        return self._rng.random() < self._profile.app_rate

    def _rating(self, status: str) -> float | None:
        if status != "completed" or self._rng.random() >= 0.12:
            return None
        return float(min(5.0, max(1.0, round(self._rng.gauss(4.7, 0.4) * 2) / 2)))


def _day_weights(start: datetime, end: datetime) -> list[float]:
    """Cumulative weekday weights of the whole days of a window."""
    days = max(1, (end - start).days)
    return list(accumulate(_WEEKDAYS[(start.weekday() + day) % 7] for day in range(days)))


class _Charges:
    """Draws card charges for completed trips, with retries, refunds, risk and disputes."""

    def __init__(self, profile: Profile, rng: Random, as_of: datetime) -> None:
        self._profile = profile
        self._rng = rng
        self._as_of = as_of
        self._cards = [f"card_{base62(rng, 14)}" for _ in range(24)]
        self._scale = 0.01 if profile.operator.charge_currency.upper() in words.ZERO_DECIMAL else 1.0

    def draw(self, story: Story) -> list[Charge]:
        """All charges until the as-of, in order of time; none for an operator without a processor account."""
        operator = story.life.operator
        if operator.stripe_account is None:
            return []
        charges: list[Charge] = []
        for trip in story.life.trips:
            if trip.status == "completed" and self._rng.random() < self._profile.charge_share:
                at = min(trip.pickup_at, self._as_of - timedelta(hours=1)) - timedelta(
                    seconds=int(self._rng.random() * 3600)
                )
                self._attempts(operator.stripe_account, trip, max(at, trip.created_at), charges)
            elif trip.status in {"pending", "confirmed"} and trip.paid_cents > 0:
                self._attempts(operator.stripe_account, trip, trip.created_at, charges)
        charges.sort(key=lambda charge: charge.created_at)
        return self._disputed(charges, story.life.months)

    def _attempts(self, account: str, trip: Trip, at: datetime, charges: list[Charge]) -> None:
        """One charge (of a ride, or a deposit on one to come), and after a decline a retry in 60 % of cases that succeeds in 55 %."""
        rng = self._rng
        amount = max(1, round((trip.paid_cents or trip.total_cents) * self._scale))
        card = self._cards[int(rng.random() ** 2 * 24)]
        distressed = self._profile.distress_at is not None and at >= self._profile.distress_at
        declined = rng.random() < (0.4 if distressed else self._profile.decline_rate)
        charges.append(self._charge(account, trip.operator, at, amount, card, declined=declined))
        if declined and rng.random() < 0.60:
            again = at + timedelta(minutes=5 + int(rng.random() * 600))
            if again < self._as_of:
                failed = rng.random() >= 0.55
                charges.append(self._charge(account, trip.operator, again, amount, card, declined=failed))

    def _charge(
        self, account: str, operator: Operator, at: datetime, amount: int, card: str, *, declined: bool
    ) -> Charge:
        rng = self._rng
        refunded, refunded_at = 0, None
        if not declined and rng.random() < 0.03:
            refunded_at = at + timedelta(days=rng.random() * 10)
            if refunded_at < self._as_of:
                refunded = round(amount * rng.uniform(0.2, 1.0))
            else:
                refunded_at = None
        level, score = self._risk()
        in_model = operator.stripe_in_model and at < self._as_of - timedelta(days=1)
        return Charge(
            operator,
            account,
            f"ch_{base62(rng, 24)}",
            at,
            "failed" if declined else "succeeded",
            amount,
            refunded,
            operator.charge_currency,
            card if rng.random() < 0.97 else None,
            level,
            score,
            _DECLINE.draw(rng) if declined else None,
            int(rng.random() * _SALT),
            None,
            refunded_at,
            in_model,
        )

    def _risk(self) -> tuple[str | None, int | None]:
        """Risk level and score: mostly normal around 14, elevated 1.5 %, highest 0.2 %, not scored 10 %."""
        drawn = self._rng.random()
        if drawn < 0.002:
            return "highest", 75 + int(self._rng.random() * 25)
        if drawn < 0.017:
            return "elevated", 65 + int(self._rng.random() * 10)
        if drawn < 0.117:
            return "not_assessed", None
        return "normal", min(64, int(self._rng.betavariate(1.6, 9.8) * 100))

    def _disputed(self, charges: list[Charge], months: list[Month]) -> list[Charge]:
        """Attach the disputes that the months know of: each opened in its month on a charge five to sixty days older."""
        for month in months:
            for _ in range(int(month.covariates["disputes"])):
                opened = month.start + (month.end - month.start) * self._rng.random()
                self._attach(charges, opened.replace(microsecond=0))
        return charges

    def _attach(self, charges: list[Charge], opened: datetime) -> None:
        oldest, newest = opened - timedelta(days=60), opened - timedelta(days=5)
        candidates = [
            place
            for place, charge in enumerate(charges)
            if charge.status == "succeeded" and charge.dispute is None and oldest <= charge.created_at < newest
        ]
        if not candidates:
            return
        place = candidates[int(self._rng.random() * len(candidates))]
        charge = charges[place]
        young = (self._as_of - opened).days < 20
        status = (_YOUNG_DISPUTE if young else _OLD_DISPUTE).draw(self._rng)
        reason = _DISPUTE_REASON.draw(self._rng)
        dispute = Dispute(f"dp_{base62(self._rng, 24)}", charge.amount, status, reason, opened)
        charges[place] = charge._replace(dispute=dispute)
