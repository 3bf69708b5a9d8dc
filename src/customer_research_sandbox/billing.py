"""What an operator pays Moovs: subscriptions, invoices and how they were paid (decision 13)."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from random import Random

from customer_research_sandbox import vocabulary as words
from customer_research_sandbox.draws import uuid_text
from customer_research_sandbox.months import add_months, midnight, period_starts
from customer_research_sandbox.population import Profile
from customer_research_sandbox.state import Coupon, CreditNote, Invoice, Operator, Subscription

_RETRIES = ((3, 0.45), (7, 0.35), (14, 0.25))
_STAYS_OVERDUE = 0.35
_GRACE = timedelta(days=3)
_PREVIOUS_PLAN = {
    "pro-monthly": "standard-monthly",
    "vip-monthly": "pro-monthly",
    "standard-monthly": "pro-monthly",
    "pro-annual": "pro-monthly",
    "standard-annual": "standard-monthly",
}


def currency_units(cents: int, currency: str) -> int:
    """A price of the list in minor units of another billing currency (the list's figure, rounded to its unit)."""
    return cents if currency not in words.ZERO_DECIMAL else round(cents / 100) * 100


def monthly_cents(subscription: Subscription) -> float:
    """A subscription's price per month, before coupons."""
    return subscription.amount_cents / words.PLANS[subscription.plan_code].months


def monthly_usd(subscriptions: Iterable[Subscription], currency: str) -> float:
    """MRR in USD of the subscriptions given, at the warehouse's own fixed rates."""
    digits = 1 if currency in words.ZERO_DECIMAL else 100
    return sum(map(monthly_cents, subscriptions)) / digits * words.USD_PER_UNIT[currency]


def tax_of(cents: int, rate: float) -> int:
    """Tax in whole minor units, half up."""
    return int(cents * rate + 0.5)


class Billing:
    """One operator's account in Lago, forward in time.

    Call `open` once, then `bill` for each month window in order; `end` terminates everything at an instant. The
    outcome of an invoice is drawn when it is issued and cut at the as-of.
    """

    def __init__(self, profile: Profile, rng: Random, as_of: datetime, window_start: datetime) -> None:
        self.profile = profile
        self.operator: Operator = profile.operator
        self.as_of = as_of
        self.window_start = window_start
        self.subscriptions: list[Subscription] = []
        self.invoices: list[Invoice] = []
        self.credit_notes: list[CreditNote] = []
        self.coupons: list[Coupon] = []
        self._rng = rng
        self._numbers = 0
        self._change_at: datetime | None = None

    # -- subscriptions ---------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Create the subscriptions the operator starts with, its history before, its coupon and its set-up fee."""
        profile, started = self.profile, self.profile.started
        if profile.plan is None or started is None:
            self._never_started()
            return
        if profile.reactivated:
            self._former(started)
        event = "reactivation" if profile.reactivated else "new"
        if profile.plan_change_at is not None and profile.plan in _PREVIOUS_PLAN and not profile.reactivated:
            self._start(_PREVIOUS_PLAN[profile.plan], started, event)
            self._change_at = profile.plan_change_at
        else:
            self._start(profile.plan, started, event, override=profile.override_cents, first=not profile.reactivated)
        for code in profile.addons:
            room = min(60, max(1, (self.as_of - started).days))
            self._start(code, started + timedelta(days=self._rng.randrange(room)), "new", first=False)
        self._apply_coupon(started)
        self._setup_fee(started)

    def _start(
        self, code: str, at: datetime, event: str, *, override: int | None = None, first: bool = True
    ) -> Subscription:
        price = words.PLANS[code].amount_cents if override is None else override
        subscription = Subscription(
            lago_id=uuid_text(self._rng),
            external_id=f"sub_{self.operator.operator_id}_{int(at.timestamp() * 1000)}"
            if self._rng.random() < 0.5
            else uuid_text(self._rng),
            plan_code=code,
            amount_cents=currency_units(price, self.operator.currency),
            status="active",
            subscription_at=at,
            started_at=at,
            event=event,
            event_at=at,
            overridden=override is not None,
            billing_time="calendar" if self.profile.calendar_billing else "anniversary",
            first=first,
        )
        self.subscriptions.append(subscription)
        return subscription

    def _never_started(self) -> None:
        """A third of the free operators once ordered a plan and canceled it first; a few have one that begins soon."""
        drawn = self._rng.random()
        if drawn > 0.96:
            self._pending("standard-monthly", self.as_of + timedelta(days=3 + self._rng.randrange(20)), "new")
        if drawn >= 0.35:
            return
        at = self.operator.signed_up + timedelta(days=1 + self._rng.randrange(20))
        if at + timedelta(days=10) >= self.as_of:
            return
        subscription = self._start("standard-monthly", at, "churn")
        subscription.status, subscription.started_at = "canceled", None
        subscription.canceled_at = subscription.event_at = at + timedelta(days=7)

    def _pending(self, code: str, at: datetime, event: str) -> Subscription:
        """A subscription agreed upon that has not begun."""
        subscription = self._start(code, at, event, first=event == "new")
        subscription.status, subscription.started_at, subscription.event_at = "pending", None, self.as_of
        return subscription

    def downgrade(self) -> None:
        """2 % of monthly payers have a cheaper plan waiting for the end of the current period."""
        base, drawn = self.base(), self._rng.random()
        cheaper = _PREVIOUS_PLAN.get(base.plan_code) if base is not None else None
        if base is None or cheaper is None or drawn >= 0.02 or base.ending_at is not None:
            return
        if words.PLANS[base.plan_code].months > 1 or base.plan_code == "standard-monthly":
            return
        at = self.period_end(self.as_of + timedelta(seconds=1))
        after = self._pending(cheaper, at, "contraction_moovs")
        base.next_plan, base.downgrade_on = after.plan_code, at.date()
        after.previous_plan = base.plan_code
        after.mrr_change = round((monthly_cents(after) - monthly_cents(base)) / 100, 2)

    def _former(self, started: datetime) -> None:
        """An earlier life of a reactivated operator: a plan that ended two to eight months before the return."""
        ended = started - timedelta(days=self._rng.randrange(60, 240))
        begun = ended - timedelta(days=self._rng.randrange(90, 500))
        former = self._start("standard-monthly", begun, "churn")
        self._terminate(former, ended, "churn")
        self.operator.signed_up = min(self.operator.signed_up, begun)

    def _change_plan(self, until: datetime) -> None:
        """Carry out the planned plan change once its time has come, unless the operator is leaving."""
        before, change, plan = self.base(), self._change_at, self.profile.plan
        if before is None or change is None or plan is None or change >= until or before.ending_at is not None:
            return
        self._change_at = None
        self._terminate(before, change, "plan_change")
        before.next_plan = plan
        after = self._start(plan, change, "plan_change", override=self.profile.override_cents, first=False)
        gain = monthly_cents(after) - monthly_cents(before)
        after.event = "expansion_moovs" if gain >= 0 else "contraction_moovs"
        after.previous_plan, after.subscription_at = before.plan_code, change
        after.mrr_change = round(gain / 100, 2)

    @staticmethod
    def _terminate(subscription: Subscription, at: datetime, event: str) -> None:
        subscription.status, subscription.terminated_at = "terminated", at
        subscription.event, subscription.event_at, subscription.ending_at = event, at, at

    def active(self, at: datetime) -> list[Subscription]:
        """Subscriptions that run at an instant."""
        return [
            item
            for item in self.subscriptions
            if item.started_at is not None
            and item.started_at <= at
            and (item.terminated_at is None or at < item.terminated_at)
        ]

    def base(self) -> Subscription | None:
        """The latest base-plan subscription that is not over, if any."""
        live = [item for item in self.subscriptions if item.status == "active" and words.PLANS[item.plan_code].base]
        return live[-1] if live else None

    def period_end(self, at: datetime) -> datetime:
        """The end of the base plan's paid period that contains `at`: when a leaver's subscription ends."""
        base = self.base()
        if base is None or base.started_at is None:
            return at
        begun = self._starts_of(base, at)[-1]
        months = words.PLANS[base.plan_code].months
        if begun == at:
            return at
        if months == 1 and base.billing_time == "calendar":
            begun = midnight(begun.date().replace(day=1))
        return add_months(begun, months)

    def end(self, at: datetime) -> None:
        """End every running subscription at the period end `at`; in the future it is a pending cancellation."""
        for subscription in self.subscriptions:
            if subscription.status != "active":
                continue
            if at > self.as_of:
                subscription.ending_at = at
            else:
                self._terminate(subscription, max(at, subscription.started_at or at), "churn")

    def reactivate(self, at: datetime) -> None:
        """Come back on the same plan."""
        if self.profile.plan is not None:
            self._start(self.profile.plan, at, "reactivation", override=self.profile.override_cents, first=False)

    # -- invoices --------------------------------------------------------------------------------------------------

    def _starts_of(self, subscription: Subscription, until: datetime, since: datetime | None = None) -> list[datetime]:
        """Billing period starts up to `until` and not before `since`, the first of all being the start itself."""
        begun = subscription.started_at or subscription.subscription_at
        months = words.PLANS[subscription.plan_code].months
        if subscription.billing_time == "anniversary" or months > 1:
            return period_starts(begun, months, until, since)
        first = midnight(date(begun.year, begun.month, 1))
        regular = [start for start in period_starts(first, 1, until, since) if start > begun]
        return [begun, *regular] if begun <= until and (since is None or begun >= since) else regular

    def bill(
        self, start: datetime, end: datetime, *, declining: bool, distressed_at: datetime | None = None
    ) -> tuple[int, int]:
        """Issue the invoices of the window [start, end); returns (invoices that failed at first, overdue at its end).

        From `distressed_at` on no attempt to collect succeeds.
        """
        self._change_plan(end)
        failed = 0
        for at, subscriptions in self._bills(start, end):
            invoice = self._subscription_invoice(at, subscriptions)
            if distressed_at is not None and at >= distressed_at:
                self._never_paid(invoice, at)
            else:
                self._pay(invoice, at, declining=declining)
            failed += bool(invoice.attempts)
        overdue = sum(
            midnight(item.due_on) < end and (item.paid_at is None or item.paid_at >= end)
            for item in self.invoices
            if item.status == "finalized" and item.total_cents > 0
        )
        return failed, overdue

    def _bills(self, start: datetime, end: datetime) -> list[tuple[datetime, list[Subscription]]]:
        """Billing instants of a window with what is billed at each, the monthly ones together."""
        bills: dict[datetime, list[Subscription]] = {}
        for subscription in self.subscriptions:
            if subscription.started_at is None:
                continue
            for at in self._starts_of(subscription, end - timedelta(seconds=1), start):
                ended = subscription.terminated_at
                if ended is None or at < ended:
                    bills.setdefault(at, []).append(subscription)
        return sorted(bills.items(), key=lambda item: item[0])

    def _subscription_invoice(self, at: datetime, subscriptions: list[Subscription]) -> Invoice:
        months = max(words.PLANS[item.plan_code].months for item in subscriptions)
        calendar_month = months == 1 and subscriptions[0].billing_time == "calendar"
        until = add_months(midnight(at.date().replace(day=1)) if calendar_month else at, months)
        net = sum(item.amount_cents for item in subscriptions)
        if calendar_month and at.day > 1:
            days = monthrange(at.year, at.month)[1]
            net = int(net * (days - at.day + 1) / days)
        return self._invoice("subscription", at, net, period=(at, until), subscriptions=list(subscriptions))

    def _invoice(
        self,
        kind: str,
        at: datetime,
        net: int,
        *,
        period: tuple[datetime, datetime] | None = None,
        subscriptions: list[Subscription] | None = None,
    ) -> Invoice:
        self._numbers += 1
        coupon = self._coupon_part(net, at)
        invoice = Invoice(
            lago_id=uuid_text(self._rng),
            number=f"MOO-{self.operator.index:05d}-{self._numbers:03d}",
            kind=kind,
            status="finalized",
            payment_status="pending",
            currency=self.operator.currency,
            net_cents=net,
            coupon_cents=coupon,
            tax_cents=tax_of(net - coupon, self.operator.tax_rate),
            issued_on=at.date(),
            due_on=at.date() + timedelta(days=self.operator.net_payment_term),
            created_at=at,
            period=period,
            subscriptions=subscriptions if subscriptions is not None else [],
        )
        self.invoices.append(invoice)
        return invoice

    def _pay(self, invoice: Invoice, at: datetime, *, declining: bool) -> None:
        """Draw how the invoice was paid: void, failed attempts with retries, or a normal delay; cut at the as-of."""
        drawn = self._rng.random()
        if drawn < 0.01:
            invoice.status = "voided"
            return
        if self._rng.random() < (0.09 if declining else 0.03):
            paid = self._retry(invoice, at)
        else:
            term = self.operator.net_payment_term
            mean = 1.5 if term == 0 else 0.8 * term + 4
            paid = at + timedelta(days=self._rng.gammavariate(4.0, mean / 4.0))
        settle(invoice, paid, self.as_of)
        if drawn > 0.985 and invoice.payment_status == "succeeded":
            self._credit(invoice)

    def _never_paid(self, invoice: Invoice, at: datetime) -> None:
        invoice.attempts = [at + timedelta(days=day, hours=2) for day in (0, 3, 7, 14)]
        settle(invoice, self.as_of + timedelta(days=1), self.as_of)

    def _retry(self, invoice: Invoice, at: datetime) -> datetime:
        """Failed attempts on days 0, 3, 7 and 14 until one succeeds; after that each month end clears it with 65 %."""
        invoice.attempts.append(at + timedelta(hours=2))
        for day, chance in _RETRIES:
            instant = at + timedelta(days=day, hours=2)
            if self._rng.random() < chance:
                return instant
            invoice.attempts.append(instant)
        months = 1
        while self._rng.random() < _STAYS_OVERDUE:
            months += 1
        return add_months(at, months) + timedelta(days=self._rng.random() * 25)

    def _credit(self, invoice: Invoice) -> None:
        """Half of the corrections are credit notes, half negative invoices."""
        at = (invoice.paid_at or invoice.created_at) + timedelta(days=2)
        amount = round(invoice.total_cents * self._rng.uniform(0.1, 0.5))
        if at >= self.as_of or amount <= 0:
            return
        if self._rng.random() < 0.5:
            negative = self._invoice("credit", at, -amount)
            negative.coupon_cents = negative.tax_cents = 0
            negative.payment_status, negative.paid_at = "succeeded", None
            return
        note = CreditNote(
            uuid_text(self._rng), f"{invoice.number}-CN", invoice, "order_change", amount, 0, at.date(), at
        )
        self.credit_notes.append(note)

    def draft(self) -> None:
        """The invoices of the period that begins at the as-of, and of the last three days, are still drafts."""
        for at, subscriptions in self._bills(self.as_of, self.as_of + timedelta(seconds=1)):
            self._subscription_invoice(at, subscriptions)
        for invoice in self.invoices:
            if invoice.kind == "subscription" and invoice.created_at > self.as_of - _GRACE:
                invoice.status, invoice.payment_status, invoice.paid_at = "draft", "pending", None
                invoice.attempts.clear()

    # -- coupon and fee --------------------------------------------------------------------------------------------

    def _apply_coupon(self, started: datetime) -> None:
        if self.profile.coupon is None:
            return
        percentage, months = self.profile.coupon
        at = max(started, self.window_start + timedelta(days=self._rng.randrange(600)))
        if at >= self.as_of:
            return
        end = add_months(at, months)
        over = end <= self.as_of
        left = 0 if over else max(1, round((end - self.as_of).days / 30.4))
        self.coupons.append(
            Coupon(
                lago_id=uuid_text(self._rng),
                coupon_id=uuid_text(self._rng),
                code=f"welcome-{percentage}",
                percentage=float(percentage),
                months=months,
                months_left=left,
                status="terminated" if over else "active",
                created_at=at,
                terminated_at=end if over else None,
            )
        )

    def _coupon_part(self, net: int, at: datetime) -> int:
        part = 0
        for coupon in self.coupons:
            live = coupon.created_at <= at and (coupon.terminated_at is None or at < coupon.terminated_at)
            part += round(net * coupon.percentage / 100) if live and net > 0 else 0
        return part

    def _setup_fee(self, started: datetime) -> None:
        """The one-off set-up fee of Starter and Pro, for 80 %, where the start lies in the window."""
        paid = self._rng.random() < 0.8
        if not paid or started < self.window_start or self.profile.plan == "vip-monthly" or self.profile.reactivated:
            return
        fee = currency_units(words.SETUP_FEE_CENTS, self.operator.currency)
        invoice = self._invoice("one_off", started, fee)
        settle(invoice, started + timedelta(days=self._rng.random() * 3), self.as_of)


def settle(invoice: Invoice, paid_at: datetime, as_of: datetime) -> None:
    """Cut an invoice's payments at the as-of and set its statuses accordingly."""
    invoice.attempts = [instant for instant in invoice.attempts if instant < as_of]
    invoice.paid_at = paid_at if paid_at < as_of else None
    if invoice.paid_at is not None:
        invoice.payment_status = "succeeded"
    elif invoice.attempts:
        invoice.payment_status = "failed"
    invoice.overdue = invoice.paid_at is None and midnight(invoice.due_on) < as_of
