"""Writes a scenario's operator by hand: a quiet operator by default, changed only where the scenario is about something.

Times are days before the as-of (negative: after it). A *quiet* operator is on Pro for 720 days, has paid its 24 invoices of
199 USD two days after issue (term 30 days), books one trip a day since 210 days (90 % collected, driver app on 40 %), had
30 plain card charges of 100 USD in 90 days, two members and four drivers since 400 days, two contacts, a call 10 days ago,
no ticket and no survey. By the canonical rules that is payment 100, engagement 100, support 100, growth 50.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta

from customer_research_sandbox import vocabulary as words
from customer_research_sandbox.months import midnight
from customer_research_sandbox.population import phone_of, slug_of
from customer_research_sandbox.project_lago import derived_uuid
from customer_research_sandbox.state import (
    Answer,
    Charge,
    Contact,
    Coupon,
    Deal,
    Dispute,
    Driver,
    Engagement,
    Invoice,
    LogEntry,
    Member,
    Operator,
    OperatorLife,
    Subscription,
    Ticket,
    Trip,
    Vehicle,
)

PARTS = ("billing", "usage", "cards", "staff", "relations")
_INDEX_BASE = 900_003
_TICKETS_FROM, _TICKETS_EACH = 100, 30
TERM_DAYS = 30


def scenario_id(number: int, variant: int = 0) -> str:
    """The reserved operator id of a scenario; `variant` 1, 2 … for its further operators."""
    return f"{words.SCENARIO_IDS}0000000{variant:03d}{number:02d}"


class Script:
    """One scenario operator under construction; `life` is the result."""

    def __init__(
        self,
        as_of: datetime,
        number: int,
        scenario: str,
        name: str,
        *,
        variant: int = 0,
        plan: str | None = "pro-monthly",
    ) -> None:
        self.as_of = as_of
        self._key = f"S{number:02d}.{variant}"
        self._number = number
        self._trips = 0
        segment = words.SEGMENT_OF_PLAN.get(plan, "Free") if plan is not None else "Free"
        city = words.CITIES[(number + variant * 7) % 50]
        index = _INDEX_BASE + number * 10 + variant
        slug = f"{slug_of(name)[:40].strip('-')}-s{number:02d}{variant or ''}"
        account = f"acct_5ce{self._token('account', 13)}"
        self.operator = Operator(
            operator_id=scenario_id(number, variant),
            index=index,
            name=name,
            slug=slug,
            legal_name=f"{name} LLC",
            email=f"office@{slug}.example.com",
            phone=phone_of(city, number),
            city=city,
            latitude=city.latitude,
            longitude=city.longitude,
            signed_up=self.ago(730),
            segment=segment,
            size=segment,
            app_plan=words.APP_PLAN[segment],
            vehicles=5,
            drivers=4,
            members=2,
            setup_score=25,
            stripe_account=account,
            stripe_account_in_app=account,
            stripe_in_model=True,
            stripe_customer=None,
            charge_currency="usd",
            lago_customer_id=self.uuid("customer"),
            currency="USD",
            net_payment_term=TERM_DAYS,
            tax_rate=0.0,
            hubspot_id=10_000_000_000 + index * 1_000,
            hubspot_holds_operator_id=True,
            custom_domain=None,
            website=f"https://www.{slug}.example.com",
            domain=f"{slug}.example.com",
            size_label="Medium",
            fleet_bucket="5-10",
            employees=8,
        )
        self.life = OperatorLife(self.operator, scenario=scenario)

    # -- times and ids ---------------------------------------------------------------------------------------------

    def ago(self, days: float) -> datetime:
        """The instant `days` before the as-of, to the second."""
        return self.as_of - timedelta(seconds=round(days * 86_400))

    def day(self, days: float) -> date:
        """The calendar day of that instant."""
        return self.ago(days).date()

    def uuid(self, *parts: object) -> str:
        """An id that is a function of the scenario and the parts."""
        return derived_uuid(self._key, *map(str, parts))

    def _token(self, kind: str, length: int) -> str:
        return hashlib.sha256(f"{self._key}/{kind}".encode()).hexdigest()[:length]

    # -- quiet parts -----------------------------------------------------------------------------------------------

    def quiet(self, skip: Collection[str] = ()) -> Script:
        """Fill in every part of the quiet operator but those to skip."""
        if "billing" not in skip:
            self.bill(self.subscribe("pro-monthly", 720), range(24))
        if "usage" not in skip:
            self.trips(210, 210, 0)
        if "cards" not in skip:
            self.charges(30, 88, 2)
        if "staff" not in skip:
            self.staff(400)
        if "relations" not in skip:
            self.relations()
        return self

    # -- billing ---------------------------------------------------------------------------------------------------

    def subscribe(
        self,
        plan: str,
        since: float,
        *,
        until: float | None = None,
        event: str = "new",
        price: int | None = None,
        first: bool = True,
        previous: str | None = None,
    ) -> Subscription:
        """A subscription that began `since` days ago; with `until` it ended that many days ago.

        The current billing period began on the 12th last day, 18 days are left.
        """
        ended = self.ago(until) if until is not None else None
        number = len(self.life.subscriptions)
        subscription = Subscription(
            lago_id=self.uuid("subscription", number),
            external_id=f"sub_{self.operator.operator_id}_{number}",
            plan_code=plan,
            amount_cents=price if price is not None else words.PLANS[plan].amount_cents,
            status="active" if ended is None else "terminated",
            subscription_at=self.ago(since),
            started_at=self.ago(since),
            event=event,
            event_at=ended or self.ago(since),
            overridden=price is not None,
            terminated_at=ended,
            ending_at=ended,
            billing_time="anniversary",
            first=first,
            previous_plan=previous,
            period=(self.ago(12), self.ago(-18) - timedelta(seconds=1)) if ended is None else None,
        )
        self.life.subscriptions.append(subscription)
        self._log(subscription)
        return subscription

    def _log(self, item: Subscription) -> None:
        plan = words.PLANS[item.plan_code]
        previous = words.PLANS[item.previous_plan].name if item.previous_plan is not None else None
        happened = [(item.started_at or item.subscription_at, "new" if item.terminated_at is not None else item.event)]
        happened += [(item.terminated_at, item.event)] if item.terminated_at is not None else []
        for at, event in happened:
            number = len(self.life.log)
            self.life.log.append(
                LogEntry(
                    self.uuid("log", number),
                    plan.code,
                    event,
                    plan.name,
                    previous,
                    item.amount_cents / 100,
                    at,
                    None,
                    at,
                )
            )

    def bill(self, subscription: Subscription, periods: Iterable[int], *, paid: bool = True) -> list[Invoice]:
        """Invoices of 30-day periods: period k was issued 12 + 30 k days ago, and paid two days later unless told."""
        return [self.invoice(12 + 30 * k, subscription.amount_cents, on=[subscription], paid=paid) for k in periods]

    def invoice(
        self,
        issued: float,
        cents: int,
        *,
        on: list[Subscription] | None = None,
        paid: bool = True,
        kind: str = "subscription",
        status: str = "finalized",
        failed: bool = False,
        currency: str | None = None,
        coupon: int = 0,
        days: int = 30,
    ) -> Invoice:
        """One invoice issued `issued` days ago on a 30-day term; paid two days after issue, or pending, or failed."""
        number = len(self.life.invoices) + 1
        created = self.ago(issued)
        due = created.date() + timedelta(days=TERM_DAYS)
        settled = paid and not failed and status == "finalized"
        invoice = Invoice(
            lago_id=self.uuid("invoice", number),
            number=f"MOO-S{self._number:02d}-{number:03d}",
            kind=kind,
            status=status,
            payment_status="succeeded" if settled else "failed" if failed else "pending",
            currency=currency or self.operator.currency,
            net_cents=cents,
            tax_cents=0,
            issued_on=created.date(),
            due_on=due,
            created_at=created,
            coupon_cents=coupon,
            period=(created, created + timedelta(days=days)) if on else None,
            subscriptions=on if on is not None else [],
            paid_at=created + timedelta(days=2) if settled and cents > 0 else None,
            attempts=[created + timedelta(hours=2)] if failed else [],
        )
        invoice.overdue = status == "finalized" and not settled and midnight(due) < self.as_of
        self.life.invoices.append(invoice)
        return invoice

    def coupon(self, percentage: float, since: float) -> None:
        """A percentage coupon for ever, applied `since` days ago."""
        self.life.coupons.append(
            Coupon(
                self.uuid("coupon", "applied"),
                self.uuid("coupon"),
                f"partner-{percentage:.0f}",
                percentage,
                None,
                None,
                "active",
                self.ago(since),
            )
        )

    # -- usage -----------------------------------------------------------------------------------------------------

    def trips(
        self,
        count: int,
        oldest: float,
        newest: float,
        *,
        paid: float = 0.90,
        app: int = 4,
        status: str = "completed",
        pickup_after: float = 0.25,
        cents: int = 12_000,
    ) -> None:
        """`count` trips booked at even steps between `oldest` and `newest` days ago, in the middle of each step.

        The ride is `pickup_after` days after booking, at most halfway to the as-of when the status is of the past; `app`
        of ten trips use the driver app, `paid` of each amount is collected.
        """
        step = (oldest - newest) / count
        for place in range(count):
            days = oldest - (place + 0.5) * step
            created = self.ago(days)
            delay = pickup_after if status in {"pending", "confirmed"} else min(pickup_after, days / 2)
            self._trips += 1
            self.life.trips.append(
                Trip(
                    self.operator,
                    self._trips,
                    status,
                    created,
                    created + timedelta(seconds=int(delay * 86_400)),
                    created if status == "cancelled" else None,
                    cents,
                    round(cents * paid) if status == "completed" else 0,
                    "one-way",
                    "airport",
                    None,
                    place % max(1, self.operator.drivers) if status == "completed" else None,
                    place % 10 < app if status == "completed" else None,
                    None,
                    None,
                    None,
                    (self._trips * 2_654_435_761) % 2**32,
                )
            )

    # -- cards -----------------------------------------------------------------------------------------------------

    def charges(
        self,
        count: int,
        oldest: float,
        newest: float,
        *,
        minor: int = 10_000,
        failed: bool = False,
        card: str | None = None,
        risk: tuple[str, int] = ("normal", 12),
        dispute: tuple[str, float] | None = None,
    ) -> None:
        """`count` charges at even steps between `oldest` and `newest` days ago, each on its own card unless told.

        `dispute` is (status, days ago it was opened) and applies to each of them.
        """
        account = self.operator.stripe_account
        if account is None:
            raise ValueError("A charge needs a processor account: give the scenario's operator one first.")
        step = (oldest - newest) / count
        for place in range(count):
            number = len(self.life.charges)
            at = self.ago(oldest - (place + 0.5) * step)
            opened = (
                Dispute(
                    f"dp_5ce{self._token(f'dispute{number}', 21)}",
                    minor,
                    dispute[0],
                    "fraudulent",
                    self.ago(dispute[1]),
                )
                if dispute is not None
                else None
            )
            self.life.charges.append(
                Charge(
                    self.operator,
                    account,
                    f"ch_5ce{self._token(f'charge{number}', 21)}",
                    at,
                    "failed" if failed else "succeeded",
                    minor,
                    0,
                    self.operator.charge_currency,
                    f"card_{card or self._token(f'card{number}', 14)}",
                    risk[0],
                    risk[1],
                    "generic_decline" if failed else None,
                    number,
                    opened,
                    None,
                    self.operator.stripe_in_model,
                )
            )

    # -- people and talk -------------------------------------------------------------------------------------------

    def staff(self, since: float) -> None:
        """The operator's members, drivers and vehicles, all there since `since` days ago; last log-in a day ago."""
        for place in range(self.operator.members):
            first, last = words.GIVEN_NAMES[place], words.SURNAMES[self._number % 30]
            role = "owner" if place == 0 else "dispatcher"
            self.life.members.append(
                Member(self.uuid("member", place), first, last, role, self.ago(since), self.ago(1 + place))
            )
        for place in range(self.operator.drivers):
            first, last = words.GIVEN_NAMES[(place + 5) % 30], words.SURNAMES[(self._number + place) % 30]
            self.life.drivers.append(Driver(self.uuid("driver", place), first, last, self.ago(since)))
        for place in range(self.operator.vehicles):
            kind, capacity = words.VEHICLE_TYPES[place % 2]
            name = f"{kind} {place + 1:02d}"
            self.life.vehicles.append(
                Vehicle(self.uuid("vehicle", place), name, kind, capacity, "Black", self.ago(since))
            )

    def contacts(self, count: int, *, left: float | None = None) -> None:
        """`count` contacts; with `left`, the first was marked as having left that many days ago."""
        for place in range(count):
            first, last = (
                words.GIVEN_NAMES[(self._number + place) % 30],
                words.SURNAMES[(self._number + place * 3) % 30],
            )
            gone = self.ago(left) if left is not None and place == 0 else None
            self.life.contacts.append(
                Contact(
                    number=place,
                    first=first,
                    last=last,
                    email=f"{first.lower()}.{last.lower()}@{self.operator.domain}",
                    phone=phone_of(self.operator.city, self._number + place),
                    title="Owner" if place == 0 else "Dispatcher",
                    created_at=self.operator.signed_up,
                    modified_at=gone or self.operator.signed_up,
                    left_at=gone,
                )
            )

    def relations(self, *, contacts: int = 2, contacted: float = 10, left: float | None = None) -> None:
        """Contacts, the won deal and one call `contacted` days ago."""
        self.contacts(contacts, left=left)
        won = self.operator.signed_up
        segment = {"SMB": "smb", "Free": "smb", "Mid-Market": "mid", "Enterprise": "enterprise"}[self.operator.segment]
        name = f"{self.operator.name} - new"
        self.life.deals.append(
            Deal(0, name, segment, f"{segment}_paid", "newbusiness", 199.0, won, won, plan=self.operator.app_plan)
        )
        self.engage("call", contacted, "Monthly check-in", "Spoke about the monthly check-in.", duration_ms=540_000)

    def engage(self, kind: str, days: float, title: str, body: str, *, duration_ms: int | None = None) -> None:
        """One logged engagement."""
        number = len(self.life.engagements)
        self.life.engagements.append(Engagement(number, kind, self.ago(days), title, body, duration_ms))

    # -- tickets and answers ---------------------------------------------------------------------------------------

    def ticket(
        self,
        opened: float,
        *,
        title: str = "Driver app loses position",
        priority: str = "Low",
        tags: Collection[str] = (),
        operator_id: str | None = None,
        description: str = "",
        done: float | None = None,
    ) -> None:
        """A ticket opened `opened` days ago; `done` is how many days ago it was resolved."""
        place = len(self.life.tickets)
        self.life.tickets.append(
            Ticket(
                page_id=self.uuid("ticket", place),
                number=_TICKETS_FROM + self._number * _TICKETS_EACH + place,
                title=title,
                status="In progress" if done is None else "Done",
                stage=["In Development"] if done is None else ["Deployed / Done"],
                priority=priority,
                types=["Bug"],
                created_at=self.ago(opened),
                edited_at=self.ago(opened if done is None else done),
                tags=list(tags),
                operator_id=operator_id,
                team=["Support"],
                description=description,
            )
        )

    def answer(self, days: float, *, score: int | None = None, csat: int | None = None) -> None:
        """A survey answer."""
        place = len(self.life.answers)
        self.life.answers.append(Answer(self.uuid("answer", place), self.ago(days), score, csat, None, "quarterly"))
