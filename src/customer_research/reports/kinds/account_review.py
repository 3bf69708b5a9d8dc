"""Account review (QBR): what the operator got since the last one, how it stands, and what comes next.

For the operator itself the same review is made of an account without anything internal (`documents.audience`): sections that
speak of the score, of risks or of deals then have nothing to say and are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact
from customer_research.domain.occasion import Occasion
from customer_research.domain.report import Block, Bullets, Figures, Prose, Report, Section
from customer_research.domain.words import counted, value_words
from customer_research.reports import days, judgement, pictures, progress, tables, value
from customer_research.reports.build import (
    INTERNALLY,
    STREAMS,
    Kind,
    bullets,
    known_rows,
    last_review,
    lines,
    present,
    proven_prose,
    records,
    section,
    sections,
    since_of,
)
from customer_research.reports.days import LISTING, Window
from customer_research.reports.frame import frame
from customer_research.reports.recommend import action_table

_RENEWAL_DAYS = 120
_LONG_TALK, _SHORT_TALK = 60, 30
_RISKS = 2


def build(account: Account, occasion: Occasion = INTERNALLY) -> Report:
    """The review of an account for one of the two audiences."""
    window = days.window_since(account, since_of(account, occasion))
    internal = occasion.audience == "internal"
    return frame(
        account,
        "account-review",
        "Account review",
        sections(
            _summary(account, window, internal=internal),
            section("Value delivered", *_value(account, window, occasion), id="value"),
            _wins(account, window),
            _health(account, window.first) if internal else None,
            _adoption(account),
            _risks(account) if internal else None,
            _tickets(account, internal=internal),
            _billing(account),
            _expansion(account) if internal else None,
            section("Agenda", _agenda(account, internal=internal), id="agenda"),
            _next_steps(account, internal=internal),
        ),
    )


# -- in short ------------------------------------------------------------------------------------------------------------


def _summary(account: Account, window: Window, *, internal: bool) -> Section | None:
    items = [value.value_words_of(account, window), *_money_words(account)]
    if internal:
        items += [item for item in (progress.trend_words(account),) if item]
        items += list(_first(account))
    else:
        items += list(value.wins(account, window)[:1])
    return section("In short", bullets(items), id="summary")


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


def _value(account: Account, window: Window, occasion: Occasion) -> Iterator[Block | None]:
    if occasion.audience == "internal":
        yield _since_words(account, window, occasion)
    yield value.value_table(account, window)
    yield pictures.reservations_by_month(account)
    yield pictures.revenue_by_month(account)


def _since_words(account: Account, window: Window, occasion: Occasion) -> Prose:
    """Since when the review looks back, and why."""
    review = last_review(account)
    if occasion.since is not None:
        return Prose(f"Looks back to {window.first.isoformat()}, as asked.")
    if review is not None:
        text = f"Looks back to the last review, “{review['title']}” on {window.first.isoformat()}."
        return proven_prose(text, records(account, "engagement").receipts, account.as_of)
    found = records(account, "engagement")
    why = "no earlier review is recorded" if found.known else "earlier reviews are not known"
    return Prose(f"Looks back 90 days: {why} (--since gives another day).")


def _wins(account: Account, window: Window) -> Section | None:
    found = value.wins(account, window)
    none = Prose("No win stands out in the figures known.", (), "unknown")
    return section("Wins", bullets(found) or none, id="wins")


# -- health --------------------------------------------------------------------------------------------------------------


def _health(account: Account, since: date) -> Section | None:
    return section(
        "Health trend, and what moved it",
        pictures.score_history(account),
        progress.changes(account),
        *progress.moved_table(account, since),
        pictures.dimension_bars(account),
        pictures.contributions_waterfall(account),
        id="health",
    )


def _adoption(account: Account) -> Section | None:
    found = value.adoption_gaps(account)
    none = _none_unused(account, "Nothing in the figures known is left unused.")
    return section("Not used to the full", bullets(found) or none, id="adoption")


def _none_unused(account: Account, sentence: str) -> Prose:
    """A sentence that there is none of something, or that too little is known to tell; it speaks of no score."""
    known = [
        fact for name in ("driver_app_rate", "setup_completion", "charge_attempts") if (fact := account.fact(name))
    ]
    return Prose(sentence, tuple(known)) if known else Prose("Too little is known to tell.", (), "unknown")


def _risks(account: Account) -> Section | None:
    found = judgement.risks(account, _RISKS)
    none = Prose(judgement.nothing_found(account, "No risk in the figures known."))
    return section("Risks", bullets(found) or none, id="findings")


# -- tickets, bills, expansion -------------------------------------------------------------------------------------------


def _tickets(account: Account, *, internal: bool) -> Section | None:
    figures: Figures | None = None
    if internal:
        figures = present(
            lines(
                account,
                """
            open_tickets: Open tickets
            oldest_open_days: Oldest open ticket
            resolved_90d: Resolved, 90 days
            commitments_open: Enterprise commitments
            commitments_at_risk: Commitments at risk
            feature_requests_open: Open feature requests
            """,
            )
        )
    shown = tables.tickets(account, only_open=True) if internal else tables.own_tickets(account)
    return section("Tickets and commitments", figures, shown, id="tickets")


def _billing(account: Account) -> Section | None:
    found = lines(
        account,
        """
        base_plan_name: Plan
        next_bill_date: Next bill
        renewal_date: Renewal
        outstanding: Outstanding
        overdue_invoices: Overdue invoices
        charge_volume_90d: Charged by card, 90 days
        charge_success_rate: Card charges that succeed, 90 days
        """,
    )
    return section("Bills and card payments", present(found), pictures.bills(account), id="billing")


def _expansion(account: Account) -> Section | None:
    """The one opportunity that is best founded, and the open deals that are about more business."""
    found = judgement.findings(account, "opportunity")
    first = Bullets(found.items[:1]) if found else None
    deals = [row for row in known_rows(account, "deal") if row["is_open"] and row.get("is_expansion")]
    none = Prose(judgement.nothing_found(account, "No figure known speaks for more business now."))
    listed = tables.deals(account, deals) if deals else None
    return section("Expansion", first or (none if listed is None else None), listed, id="expansion")


# -- what comes next -----------------------------------------------------------------------------------------------------


def _agenda(account: Account, *, internal: bool) -> Block | None:
    """The talk's points; with minutes for those who lead it (30 minutes, Enterprise 60)."""
    points = list(_points(account))
    if not internal:
        return bullets((Prose(text, facts) for text, facts in points), ordered=True)
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
    tickets = [row for row in known_rows(account, "ticket") if row["is_open"] and row.get("is_certain")]
    receipts = records(account, "ticket").receipts
    if tickets and receipts:
        fact = Fact(len(tickets), "count", receipts, account.as_of)
        yield f"{counted(len(tickets), 'open ticket')}: where each stands", (fact,)
    late = account.fact("overdue_invoices")
    if late is not None and late.value:
        yield f"Bills: {counted(late.value, 'invoice')} overdue", (late,)
    renewal, left = account.fact("renewal_date"), account.fact("days_to_renewal")
    if renewal is not None and 0 <= (renewal.value - account.as_of.date()).days <= _RENEWAL_DAYS:
        facts = (renewal,) if left is None else (renewal, left)
        yield f"Renewal on {value_words(renewal)}", facts
    yield "Plans for the coming quarter, and what they need", ()
    yield "Next steps, each with a name and a day", ()


def _lead(text: str) -> str:
    """The first half of `what: do`, as a point of an agenda."""
    lead = text.partition(":")[0]
    return f"{lead[0].lower()}{lead[1:]}"


def _next_steps(account: Account, *, internal: bool) -> Section | None:
    if internal:
        return section("Next steps", action_table(account), id="next_steps")
    steps = list(value.adoption_gaps(account))
    late = account.fact("overdue_invoices")
    if late is not None and late.value:
        steps.insert(0, Prose(f"Settle {counted(late.value, 'overdue invoice')}.", (late,)))
    day = (account.as_of + timedelta(days=90)).date()
    steps.append(Prose(f"Next review: around {day.isoformat()}."))
    return section("Next steps", bullets(steps), id="next_steps")


KIND = Kind(
    "account-review",
    "Account review (QBR)",
    STREAMS | {LISTING},
    build,
    occasional=True,
    past=True,
    for_customers=True,
    answers="What did the operator get since the last review, how does it stand, what comes next?",
    charts=(
        pictures.RESERVATIONS,
        pictures.REVENUE,
        pictures.SCORE_HISTORY,
        pictures.DIMENSIONS,
        pictures.WATERFALL,
        pictures.BILLS,
    ),
    parts=(
        "In short",
        "Value delivered",
        "Wins",
        "Health trend, and what moved it",
        "Not used to the full",
        "Risks",
        "Tickets and commitments",
        "Bills and card payments",
        "Expansion",
        "Agenda",
        "Next steps",
    ),
)
