"""The charts that kinds of reports share: drawn of facts and gaps only, each with what it says in a sentence."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from customer_research.domain.evidence import Fact, Figure, Gap, Receipt, merge_basis
from customer_research.domain.health import BAND_LABELS
from customer_research.domain.history import ScoreHistory
from customer_research.domain.money import Money, totals
from customer_research.domain.report import Chart, Event, Mark, Prose
from customer_research.domain.words import counted, shortened, value_words
from customer_research.reports import days, judgement
from customer_research.reports.figure_lines import figure
from customer_research.reports.record_rows import day_of, known_rows, newest, records
from customer_research.reports.tones import BAND_TONES

if TYPE_CHECKING:
    from customer_research.domain.account import Account
    from customer_research.domain.portfolio import Portfolio

YEAR = 12
SCORE_HISTORY = "Health score over time"
DIMENSIONS = "Dimensions of the score"
WATERFALL = "What makes up the score"
RESERVATIONS = "Reservations by month, with the year before"
REVENUE = "Trip revenue by month, with the year before"
BILLS = "Invoices and payments"
CHARGES = "Card charges by month"
BANDS = "Operators by band"
QUADRANT = "Change of usage against payment"

TOTAL = "total"
"""The series of a waterfall's marks that stand on zero."""

_Month = tuple[date, Figure | None]
"""A month and its figure; None before the first booking."""

_EVENTS = 6
_BILLS = 36
_EVENT_WORDS = 60


# -- the score -----------------------------------------------------------------------------------------------------------


def score_history(account: Account) -> Chart | None:
    """The health score day by day up to now, with what happened; None where there is no earlier one."""
    history, score = account.history, account.score
    if not isinstance(history, ScoreHistory) or score is None:
        return None
    marks = [Mark(day_of(past.as_of), _past_score(history, past.as_of, past.score)) for past in history.past]
    now = judgement.score_figure(account, score)
    marks.append(Mark(day_of(account.as_of), now, tone=judgement.band_tone(score)))
    known = [past.score for past in history.past if past.score is not None]
    if not known:
        return None
    first = history.past[0].as_of
    extremes = tuple(
        Fact(value, "points", (history.receipt,), account.as_of, name)
        for name, value in (("lowest_score", min(known)), ("highest_score", max(known)))
    )
    says = f"Between {min(known)} and {max(known)} since {first:%Y-%m-%d}"
    says += f", {now.value} now." if isinstance(now, Fact) else "; not known now."
    facts = (*extremes, now) if isinstance(now, Fact) else extremes
    events = tuple(_events(account, day_of(first)))
    return Chart("history", SCORE_HISTORY, Prose(says, facts), tuple(marks), "Day", "Health score (of 100)", events)


def _past_score(history: ScoreHistory, as_of: Any, value: int | None) -> Figure:
    if value is None:
        return Gap("score history", "unavailable", "too little was known to score")
    return Fact(value, "points", (history.receipt,), as_of, "health_score")


def _events(account: Account, since: date) -> Iterator[Event]:
    """What happened that people remember: plan changes and ends, reviews and meetings, alerts; the newest few."""
    found = sorted(_happenings(account, since), key=lambda event: event.on)
    yield from found[-_EVENTS:]


def _happenings(account: Account, since: date) -> Iterator[Event]:
    today = day_of(account.as_of)
    for row in known_rows(account, "subscription"):
        for field, word in (("started_at", "begins"), ("terminated_at", "ends")):
            at = row.get(field)
            if row.get("is_base") and at and since <= day_of(at) <= today:
                yield _event(account, "subscription", day_of(at), f"Plan {row['plan_name']} {word}")
    for row in known_rows(account, "engagement"):
        at = row.get("occurred_at")
        if row.get("type") == "meeting" and at and since <= day_of(at) <= today:
            yield _event(account, "engagement", day_of(at), f"Meeting: {row['title'] or 'without a title'}")
    if not isinstance(account.alerts, Gap):
        for episode in account.alerts.episodes:
            if episode.severity in {"critical", "high"} and since <= day_of(episode.raised.as_of) <= today:
                proof = Fact(episode.title, "text", (account.alerts.receipt,), account.as_of)
                yield Event(day_of(episode.raised.as_of), Prose(f"Alert: {episode.title}", (proof,), "watch"))


def _event(account: Account, table: str, on: date, words: str) -> Event:
    text = shortened(words, _EVENT_WORDS)
    receipts = records(account, table).receipts
    facts = (Fact(text, "text", receipts, account.as_of),) if receipts else ()
    return Event(on, Prose(text, facts))


def dimension_bars(account: Account) -> Chart | None:
    """A bar a dimension; an unknown one is drawn as unknown. None where nothing was scored."""
    score = account.score
    if score is None or not score.dimensions:
        return None
    marks = tuple(
        Mark(
            judgement.dimension_title(dimension.name),
            judgement.dimension_score(account, dimension),
            tone=judgement.standing(dimension).tone,
        )
        for dimension in score.dimensions
    )
    known = [(d, d.score) for d in score.dimensions if d.score is not None and d.highest is None]
    if not known:
        return None
    worst, value = min(known, key=lambda pair: pair[1])
    facts = tuple(mark.figure for mark in marks if isinstance(mark.figure, Fact))
    text = f"The weakest is {judgement.dimension_title(worst.name).lower()} with {value} of 100."
    return Chart("dimensions", DIMENSIONS, Prose(text, facts), marks, "Dimension", "Of 100")


def contributions_waterfall(account: Account) -> Chart | None:
    """From the bases of the dimensions to the score, rule by rule, each with its weight. None where there is no score."""
    score = account.score
    total = judgement.score_figure(account, score)
    if score is None or score.score is None or not isinstance(total, Fact) or not score.contributions:
        return None
    if score.highest is not None:  # what is open has no place among steps
        return None
    known = [dimension for dimension in score.dimensions if dimension.score is not None]
    weight = math.fsum(dimension.weight for dimension in known)
    base = math.fsum(dimension.base * dimension.weight for dimension in known) / weight
    steps = [
        (dimension, c, c.points * dimension.weight / weight)
        for dimension in known
        for c in dimension.contributions
        if c.points
    ]
    marks = [Mark("Start", Fact(round(base, 1), "number", total.basis, account.as_of), TOTAL, label="bases, weighted")]
    marks += [
        Mark(
            judgement.in_short(c),
            Fact(round(points, 2), "number", c.fact.basis, account.as_of, "contribution_points"),
            tone="good" if points > 0 else "bad",
        )
        for dimension, c, points in sorted(steps, key=lambda step: step[2])
    ]
    before = score.score if score.uncapped is None else score.uncapped
    rounding = before - base - math.fsum(points for *_, points in steps)
    if abs(rounding) >= _ROUNDED:
        marks.append(Mark("Rounding", Fact(round(rounding, 2), "number", total.basis, account.as_of)))
    if before != score.score:
        marks.append(
            Mark("Cap", Fact(score.score - before, "number", total.basis, account.as_of), tone="bad", label="by a cap")
        )
    whole = Fact(
        score.score, "number", total.basis, account.as_of, "health_score"
    )  # of the steps' unit: one axis for all
    marks.append(Mark("Score", whole, TOTAL, judgement.band_tone(score)))
    text = f"{counted(len(steps), 'step')} from {base:.0f} to {score.score}, each with its dimension's weight."
    return Chart("waterfall", WATERFALL, Prose(text, (total,)), tuple(marks), "Step", "Points of the score")


_ROUNDED = 0.05


# -- usage ---------------------------------------------------------------------------------------------------------------


def reservations_by_month(account: Account) -> Chart | None:
    """Reservations booked in each of the last 12 months, and a year before."""
    return _by_month(account, RESERVATIONS, "Reservations booked", "booked", "reservations")


def revenue_by_month(account: Account) -> Chart | None:
    """Revenue of completed trips in each of the last 12 months, and a year before; None with several currencies."""
    return _by_month(account, REVENUE, "Trip revenue", "", "of trip revenue")


def _by_month(account: Account, title: str, height: str, column: str, what: str) -> Chart | None:
    began = days.began(account)
    if began is None:
        return None
    months = [
        (month, days.counted(account, window, column) if column else days.earned(account, window), window.end <= began)
        for month, window in days.by_month(account, 2 * YEAR)
    ]
    found = [value for _, value, early in months if isinstance(value, Fact) and not early]
    if not found or any(len(_amounts(value)) > 1 for value in found):
        return None
    currency = next((money.currency for value in found for money in _amounts(value)), "USD")
    told = [(month, None if early else _single(value, currency)) for month, value, early in months]
    then, now = told[:YEAR], told[YEAR:]
    pairs = zip(then, now, strict=True)  # both years stand over the same months
    marks = [Mark(later, value, "Year before") for (_, value), (later, _) in pairs if value is not None]
    marks += [Mark(month, value, "Last 12 months") for month, value in now if value is not None]
    title = title if any(value is not None for _, value in then) else title.partition(",")[0]
    return Chart("months", title, _months_words(then, now, what), tuple(marks), "Month", height)


def _amounts(fact: Fact[Any]) -> tuple[Money, ...]:
    return tuple(money for money in fact.value if money.minor) if fact.unit == "money" else ()


def _single(value: Figure, currency: str) -> Figure:
    """An amount of a month without any as zero of the currency."""
    if isinstance(value, Gap) or value.unit != "money":
        return value
    amounts = _amounts(value) or (Money(currency, 0),)
    return Fact(amounts, "money", value.basis, value.as_of)


def _months_words(then: Sequence[_Month], now: Sequence[_Month], what: str) -> Prose:
    after = _sum([value for _, value in now if value is not None])
    if after is None:
        return Prose("Some months are not known.", (), "unknown")
    months = sum(value is not None for _, value in now)
    when = "in the last 12 months" if months == YEAR else f"in {counted(months, 'month')}, since the first"
    earlier = [value for _, value in then if value is not None]
    before = _sum(earlier) if len(earlier) == YEAR else None
    if before is None:
        began = f"; the year before is known from {_first_of(then)} on" if earlier else ""
        return Prose(f"{value_words(after)} {what} {when}{began}.", (after,))
    return Prose(f"{value_words(after)} {what} {when}, {value_words(before)} in the 12 before.", (after, before))


def _first_of(months: Sequence[_Month]) -> str:
    return next(f"{month:%Y-%m}" for month, value in months if value is not None)


def _sum(values: Sequence[Figure]) -> Fact[Any] | None:
    facts = [value for value in values if isinstance(value, Fact)]
    if not facts or len(facts) < len(values):
        return None
    basis = merge_basis(facts)
    if facts[0].unit != "money":
        return Fact(sum(fact.value for fact in facts), facts[0].unit, basis, facts[0].as_of)
    amounts = [money for fact in facts for money in fact.value]
    whole = Money(amounts[0].currency, sum(money.minor for money in amounts))
    return Fact((whole,), "money", basis, facts[0].as_of)


# -- billing -------------------------------------------------------------------------------------------------------------


def bills(account: Account) -> Chart | None:
    """Invoices on the day of issue and payments on their day, of the last 12 months; None without any invoice."""
    found, paid = records(account, "invoice"), records(account, "payment")
    if found.gap is not None or not found.receipts:
        return None
    since = (account.as_of - timedelta(days=365)).date()
    issued = [
        row
        for row in newest(known_rows(account, "invoice"), "issuing_date", "invoice_id")
        if row.get("issuing_date") and row["issuing_date"] >= since and _counts(row)
    ]
    if not issued:
        return None
    marks = [_bill(account, row, found.receipts) for row in issued[:_BILLS]]
    payments = [
        row
        for row in known_rows(account, "payment")
        if row.get("paid_at")
        and day_of(row["paid_at"]) >= since
        and row.get("status") == "succeeded"
        and row["currency"]
    ]
    marks += [
        Mark(day_of(row["paid_at"]), _money(account, row, "amount_minor", paid.receipts), "Payment", "good")
        for row in newest(payments, "paid_at", "payment_id")[:_BILLS]
        if row.get("amount_minor") is not None
    ]
    marks.sort(key=lambda mark: (str(mark.at), mark.series))
    says = _bills_words(account, issued, found.receipts)
    return Chart("timeline", BILLS, says, tuple(marks), "Day", "Amount")


def _counts(row: Any) -> bool:
    owed = row["status"] == "finalized" and not row.get("is_self_billed")
    return bool(owed and row["total_minor"] and row["total_minor"] > 0 and row["currency"])


def _bill(account: Account, row: Any, receipts: tuple[Receipt, ...]) -> Mark:
    state = {"succeeded": "Invoice paid", "failed": "Invoice failed"}.get(str(row["payment_status"]), "Invoice unpaid")
    tone = {"Invoice paid": "neutral", "Invoice failed": "bad"}.get(state, "watch")
    amount = _money(account, row, "total_minor", receipts)
    return Mark(row["issuing_date"], amount, state, tone)  # type: ignore[arg-type]


def _money(account: Account, row: Any, field: str, receipts: tuple[Receipt, ...]) -> Figure:
    return Fact(Money(row["currency"], row[field]), "money", receipts, account.as_of)


def _bills_words(account: Account, issued: Sequence[Any], receipts: tuple[Receipt, ...]) -> Prose:
    paid = sum(row["payment_status"] == "succeeded" for row in issued)
    count = Fact(len(issued), "count", receipts, account.as_of)
    text = f"{paid} of {counted(len(issued), 'invoice')} of the last 12 months {'is' if paid == 1 else 'are'} paid"
    outstanding = figure(account, "outstanding")
    facts: tuple[Fact[Any], ...] = (count,)
    if isinstance(outstanding, Fact):
        facts += (outstanding,)
        text += f"; outstanding of all invoices, whenever issued: {value_words(outstanding)}"
    if len(issued) > _BILLS:
        text += f"; the newest {_BILLS} are drawn"
    return Prose(f"{text}.", facts, "neutral" if paid == len(issued) else "watch")


def charges_by_month(account: Account) -> Chart | None:
    """Card charges that succeeded and that failed, by month; None without any."""
    found = records(account, "card_monthly")
    if found.gap is not None or not found.receipts or not found.rows:
        return None
    months: dict[date, list[int]] = {}
    for row in found.rows:
        month = date.fromisoformat(str(row["month"])[:10])
        succeeded, failed = months.get(month, [0, 0])
        months[month] = [succeeded + int(row["succeeded"]), failed + int(row["failed"])]
    marks = [
        Mark(month, Fact(counts[at], "count", found.receipts, account.as_of), series, "bad" if at else "good")
        for at, series in enumerate(("Succeeded", "Failed"))
        for month, counts in sorted(months.items())
    ]
    succeeded, failed = (sum(counts[at] for counts in months.values()) for at in (0, 1))
    whole = Fact(succeeded + failed, "count", found.receipts, account.as_of)
    lost = Fact(failed, "count", found.receipts, account.as_of)
    text = f"{failed} of {counted(succeeded + failed, 'charge')} in {counted(len(months), 'month')} failed."
    return Chart("months", CHARGES, Prose(text, (lost, whole)), tuple(marks), "Month", "Charges")


# -- everybody -----------------------------------------------------------------------------------------------------------


def by_band(found: Portfolio) -> Chart | None:
    """How many operators stand in each band."""
    counts = {group.name: group for group in found.bands}
    marks = tuple(
        Mark(
            BAND_LABELS[band],
            Fact(counts[band].operators, "count", (found.receipt,), found.snapshot.as_of),
            tone=BAND_TONES[band],
        )
        for band in BAND_LABELS
        if band in counts
    )
    if not marks:
        return None
    whole = sum(group.operators for group in found.bands)
    unknown = sum(group.mrr_unknown for group in found.bands)
    sums = totals(money for group in found.bands for money in group.mrr)
    mrr = Fact(sums, "money", (found.receipt,), found.snapshot.as_of)
    known = f"{value_words(mrr)} of MRR" if unknown < whole else "MRR not known"
    of = f" (known of {whole - unknown} of them)" if 0 < unknown < whole else ""
    text = f"{counted(whole, 'operator')} with {known}{of}."
    count = Fact(whole, "count", (found.receipt,), found.snapshot.as_of)
    facts: tuple[Fact[Any], ...] = (count, mrr) if unknown < whole else (count,)
    return Chart("bands", BANDS, Prose(text, facts), marks, "Band", "Operators")


def usage_against_payment(found: Portfolio, accounts: Sequence[Account]) -> Chart | None:
    """Each operator by its change of usage and its payment score: who pays well and uses less stands apart."""
    marks = []
    for account in accounts:
        score = account.score
        payment = judgement.payment_dimension(score)
        if score is None or payment is None:
            continue
        paid, usage = judgement.dimension_score(account, payment), figure(account, "usage_trend")
        if isinstance(paid, Fact) and isinstance(usage, Fact):
            marks.append(Mark(usage, paid, label=account.name, tone=judgement.band_tone(score)))
    if not marks:
        return None
    silent = [
        mark
        for mark in marks
        if isinstance(mark.at, Fact)
        and isinstance(mark.figure, Fact)
        and mark.at.value <= _FALLING
        and mark.figure.value >= _PAYS_WELL
    ]
    count = Fact(len(silent), "count", (found.receipt,), found.snapshot.as_of)
    text = f"{len(silent)} of {counted(len(marks), 'operator')} drawn pay well while their usage falls by a quarter or more."
    says = Prose(text, (count,), "watch" if silent else "neutral")
    return Chart("quadrant", QUADRANT, says, tuple(marks), "Change of usage, 30 days", "Payment score (of 100)")


_FALLING, _PAYS_WELL = -0.25, 80
