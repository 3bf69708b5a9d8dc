"""Before a review (QBR): value delivered, wins, what moved the score, agenda, next steps.

For the operator itself it is another talk, made of an account without anything internal (`documents.audience`): value, goals,
adoption beside similar operators, wins, plan. What has nothing to show is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact
from customer_research.domain.occasion import Occasion
from customer_research.domain.report import Block, Bullets, Prose
from customer_research.domain.words import counted, value_words
from customer_research.reports import adoption, days, judgement, pictures, progress, shared_tables, value
from customer_research.reports.blocks import bullets, proven_prose
from customer_research.reports.days import LISTING, Window
from customer_research.reports.figure_lines import figures, present
from customer_research.reports.kind import STREAMS, Kind, section
from customer_research.reports.looking_back import last_review, since_of
from customer_research.reports.recommend import action_table
from customer_research.reports.record_rows import known_rows, records

_RENEWAL_DAYS = 120
_LONG_TALK, _SHORT_TALK = 60, 30
_RISKS, _STEPS = 2, 2


@dataclass(frozen=True, slots=True)
class Review:
    """A review of an account for an occasion, looking back over a window."""

    account: Account
    occasion: Occasion
    window: Window

    @property
    def internal(self) -> bool:
        """Whether it is for our own people."""
        return self.occasion.audience == "internal"


def review(account: Account, occasion: Occasion) -> Review:
    """The review of an account that an occasion asks for."""
    return Review(account, occasion, days.window_since(account, since_of(account, occasion)))


# -- in short ------------------------------------------------------------------------------------------------------------


def _summary(review: Review) -> Bullets | None:
    if not review.internal:
        return None
    account, window = review.account, review.window
    trend = progress.trend_words(account)
    items = [value.value_words_of(account, window), *_money_words(account), *([trend] if trend else [])]
    return bullets([*items, *_first(account)])


def _first(account: Account) -> Iterator[Prose]:
    """The gravest risk, and the first thing to do."""
    risks = judgement.risks(account, 1)
    if risks:
        yield Prose(f"Risk: {risks[0].text}", risks[0].facts, risks[0].tone)
    todo = account.advice
    if todo:
        yield Prose(f"Bring home: {todo[0].action}", todo[0].facts)


def _money_words(account: Account) -> Iterator[Prose]:
    """How the bills stand, in a sentence."""
    late, due = account.fact("overdue_invoices"), account.fact("invoices_due")
    amount = account.fact("overdue_amount")
    if late is None or due is None:
        return
    if late.value:
        of = f", {value_words(amount)}" if amount else ""
        facts = (late, due) if amount is None else (late, due, amount)
        verb = "is" if late.value == 1 else "are"
        yield Prose(f"{counted(late.value, 'invoice')} {verb} overdue{of}.", facts, "bad")
    elif due.value:
        yield Prose("No invoice is overdue.", (late, due), "good")


# -- value ---------------------------------------------------------------------------------------------------------------


def _value(review: Review) -> Iterator[Block | None]:
    if review.internal:
        yield _since_words(review)
        yield value.value_table(review.account, review.window)
    else:
        yield _delivered(review)
    yield pictures.reservations_by_month(review.account)
    yield pictures.revenue_by_month(review.account)


def _delivered(review: Review) -> Block | None:
    """What a customer got, in a sentence, where it is known and there is any."""
    told = value.value_words_of(review.account, review.window)
    return told if any(fact.value for fact in told.facts) else None


def _since_words(review: Review) -> Prose:
    """Since when the review looks back, and why."""
    account, window = review.account, review.window
    last = last_review(account)
    if review.occasion.since is not None:
        return Prose(f"Looks back to {window.first.isoformat()}, as asked.")
    if last is not None:
        text = f"Looks back to the last review, “{last['title']}” on {window.first.isoformat()}."
        return proven_prose(text, records(account, "engagement").receipts, account.as_of)
    found = records(account, "engagement")
    why = "no earlier review is recorded" if found.known else "earlier reviews are not known"
    return Prose(f"Looks back 90 days: {why}.")


def _wins(review: Review) -> Block | None:
    found = bullets(value.wins(review.account, review.window))
    if found is None and review.internal:
        return Prose("No win stands out in the figures known.", (), "unknown")
    return found


# -- health --------------------------------------------------------------------------------------------------------------


def _health(review: Review) -> Iterator[Block | None]:
    account = review.account
    if review.internal:
        yield pictures.score_history(account)
        yield from progress.changes(account)
        yield from progress.moved_table(account, review.window.first)
        yield pictures.dimension_bars(account)
        yield pictures.contributions_waterfall(account)


def _adoption(review: Review) -> Block | None:
    if not review.internal:  # what a customer is told of it stands in the plan
        return None
    none = _none_unused(review.account, "Nothing in the figures known is left unused.")
    return bullets(value.adoption_gaps(review.account)) or none


def _none_unused(account: Account, sentence: str) -> Prose:
    """A sentence that there is none of something, or that too little is known to tell; it speaks of no score."""
    known = [
        fact for name in ("driver_app_rate", "setup_completion", "charge_attempts") if (fact := account.fact(name))
    ]
    return Prose(sentence, tuple(known)) if known else Prose("Too little is known to tell.", (), "unknown")


def _risks(review: Review) -> Block | None:
    if not review.internal:
        return None
    none = Prose(judgement.nothing_found(review.account, "No risk in the figures known."))
    return bullets(judgement.risks(review.account, _RISKS)) or none


# -- tickets, bills, expansion -------------------------------------------------------------------------------------------


_TICKETS = present(
    figures("open_tickets oldest_open_days resolved_90d commitments_open commitments_at_risk feature_requests_open")
)


def _tickets(review: Review) -> Iterator[Block | None]:
    if review.internal:
        yield _TICKETS(review.account)
        yield shared_tables.open_tickets(review.account)


_BILLS = present(
    figures(
        """
        base_plan_name next_bill_date renewal_date outstanding overdue_invoices
        charge_volume_90d: Charged by card, 90 days
        charge_success_rate: Card charges that succeed, 90 days
        """
    )
)


def _bills(review: Review) -> Iterator[Block | None]:
    if review.internal:
        yield _BILLS(review.account)
        yield pictures.bills(review.account)


def _expansion(review: Review) -> Iterator[Block | None]:
    """The one opportunity that is best founded, and the open deals that are about more business."""
    account = review.account
    if not review.internal:
        return
    found = judgement.findings(account, "opportunity")
    deals = any(row["is_open"] and row.get("is_expansion") for row in known_rows(account, "deal"))
    if found:
        yield Bullets(found.items[:1])
    elif not deals:
        yield Prose(judgement.nothing_found(account, "No figure known speaks for more business now."))
    if deals:
        yield shared_tables.deals(lambda row: row["is_open"] and row.get("is_expansion"))(account)


# -- what comes next -----------------------------------------------------------------------------------------------------


def _agenda(review: Review) -> Block | None:
    """The talk's points with their minutes (30 minutes, Enterprise 60), for those who lead it."""
    if not review.internal:
        return None
    account = review.account
    points = list(_points(account))
    segment = account.fact("segment")
    whole = _LONG_TALK if segment is not None and segment.value == "Enterprise" else _SHORT_TALK
    share, rest = divmod(whole // 5, len(points))
    minutes = [5 * (share + (at < rest)) for at in range(len(points))]
    timed = (Prose(f"{text} ({least} min)", facts) for (text, facts), least in zip(points, minutes, strict=True))
    return bullets(timed, ordered=True)


def _points(account: Account) -> Iterator[tuple[str, tuple[Fact[Any], ...]]]:
    yield "Value since the last review", ()
    gaps = value.adoption_gaps(account)
    if gaps:
        yield f"What is not used to the full: {_lead(gaps[0].text)}", gaps[0].facts
    for tickets in _open_tickets(account):
        yield f"{counted(tickets.value, 'open ticket')}: where each stands", (tickets,)
    late = account.fact("overdue_invoices")
    if late is not None and late.value:
        yield f"Bills: {counted(late.value, 'invoice')} overdue", (late,)
    for renewal in _near_renewal(account):
        yield f"Renewal on {value_words(renewal)}", (renewal,)
    yield "Plans for the coming quarter, and what they need", ()
    yield "Next steps, each with a name and a day", ()


def _open_tickets(account: Account) -> Iterator[Fact[Any]]:
    """How many tickets of the operator's own are open, where any is."""
    tickets = [row for row in known_rows(account, "ticket") if row["is_open"] and row.get("is_certain")]
    receipts = records(account, "ticket").receipts
    if tickets and receipts:
        yield Fact(len(tickets), "count", receipts, account.as_of)


def _near_renewal(account: Account) -> Iterator[Fact[Any]]:
    """The day of the renewal, where it is near."""
    renewal = account.fact("renewal_date")
    if renewal is not None and 0 <= (renewal.value - account.as_of.date()).days <= _RENEWAL_DAYS:
        yield renewal


def _lead(text: str) -> str:
    """The first half of `what: do`, as a point of an agenda."""
    lead = text.partition(":")[0]
    return f"{lead[0].lower()}{lead[1:]}"


def _next_steps(review: Review) -> Block | None:
    account = review.account
    return (
        action_table(account)
        if review.internal
        else bullets((replace(step, tone="neutral") for step in _plan(account)), ordered=True)
    )


def _plan(account: Account) -> Iterator[Prose]:
    """What is to be done together until the next review: at most six steps."""
    late = account.fact("overdue_invoices")
    if late is not None and late.value:
        yield Prose(f"Settle {counted(late.value, 'overdue invoice')}.", (late,))
    yield from value.adoption_gaps(account)[:_STEPS]
    for tickets in _open_tickets(account):
        are = "is" if tickets.value == 1 else "are"
        yield Prose(f"Agree on when {counted(tickets.value, 'open ticket')} {are} solved.", (tickets,))
    for renewal in _near_renewal(account):
        yield Prose(f"Talk about the renewal on {value_words(renewal)}.", (renewal,))
    yield Prose("Set the goals of the coming quarter together.")
    day = (account.as_of + timedelta(days=90)).date()
    yield Prose(f"Next review: around {day.isoformat()}.")


KIND = Kind(
    "account-review",
    "Account review",
    lambda review: judgement.head(review.account),
    (
        section("summary", "In short", _summary, weight=3),
        section("value", "Value delivered", _value, weight=1),
        section("goals", "Goals", lambda review: adoption.goals(review.account), weight=1),
        section("peers", "Against similar operators", lambda review: adoption.against_peers(review.account), weight=1),
        section("wins", "Wins", _wins),
        section("health", "Health trend, and what moved it", _health, weight=1),
        section("adoption", "Not used to the full", _adoption, weight=1),
        section("findings", "Risks", _risks),
        section("tickets", "Tickets and commitments", _tickets, weight=1),
        section("billing", "Bills and card payments", _bills, weight=1),
        section("expansion", "Expansion", _expansion, weight=1),
        section("agenda", "Agenda", _agenda, weight=1),
        section(
            "next_steps", "Next steps", _next_steps, titled=lambda review: "Next steps" if review.internal else "Plan"
        ),
    ),
    listed="Account review (QBR)",
    answers="What did the operator get since the last review, how does it stand, what comes next?",
    place=20,
    prepare=review,
    options=("audience", "since"),
    needs=STREAMS | {LISTING},
    past=True,
    charts=(
        pictures.RESERVATIONS,
        pictures.REVENUE,
        adoption.GOALS,
        adoption.PEERS,
        pictures.SCORE_HISTORY,
        pictures.DIMENSIONS,
        pictures.WATERFALL,
        pictures.BILLS,
    ),
)
