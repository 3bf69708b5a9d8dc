"""Drafts about the sandbox's scenarios as people write them: numbers in words, rounded, as ranges and bounds, dates in any form.

Each sentence comes with ways in which it could be wrong, by the kind of error.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact
from customer_research.domain.money import Money

WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "CAD": "CA$", "JPY": "¥"}
EXPONENT = {"JPY": 0}


@dataclass(frozen=True)
class Saying:
    """A true sentence, and the same with an error, by its kind."""

    text: str
    wrong: Mapping[str, str]


def figures_of(account: Account) -> dict[str, Any]:
    """What is known of an account in numbers."""
    found = {name: fact.value for name, fact in account.figures.items() if isinstance(fact, Fact)}
    if account.score is not None and account.score.score is not None:
        found["score"] = account.score.score
    return found


def _money(value: Any) -> tuple[str, float]:
    """The sign of the first amount that is not 0, and how much it is; of several currencies, and of none, nothing."""
    amounts = [Money("USD", value)] if isinstance(value, int) else [one for one in value or () if one.minor]
    if len(amounts) != 1 or amounts[0].currency not in SIGNS or amounts[0].minor <= 0:
        return "", 0.0
    return SIGNS[amounts[0].currency], amounts[0].minor / 10 ** EXPONENT.get(amounts[0].currency, 2)


def _plain(amount: float) -> str:
    return f"{amount:,.0f}" if amount == int(amount) else f"{amount:,.2f}"


def _thousands(amount: float) -> str:
    return f"{amount / 1000:.1f}k"


def _count(number: int) -> str:
    return WORDS[number] if 1 < number < len(WORDS) else f"{number:,}"


def _day(value: Any) -> date:
    return value.date() if isinstance(value, datetime) else value


def _ordinal(on: date) -> str:
    ending = "th" if 10 < on.day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(on.day % 10, "th")
    return f"the {on.day}{ending} of {on:%B} {on.year}"


def _short(on: date) -> str:
    return f"{on:%b}. {on.day}, {on.year}" if on.month != 5 else f"May {on.day}, {on.year}"


def _other(sign: str) -> str:
    return "€" if sign != "€" else "£"


def sayings(known: Mapping[str, Any], rng: random.Random) -> Iterator[Saying]:
    """All that can be said of an account."""
    yield from _of_money(known)
    yield from _of_use(known, rng)
    yield from _of_days(known)
    yield from _of_counts(known)
    yield from _of_shares(known)


def _of_money(known: Mapping[str, Any]) -> Iterator[Saying]:
    sign, amount = _money(known.get("mrr"))
    if amount:
        for text in (
            "Monthly recurring revenue stands at {}.",
            "What they are worth to us (MRR): {}.",
            "With {} of MRR this is not a small account.",
        ):
            yield Saying(
                text.format(f"{sign}{_plain(amount)}"),
                {
                    "another currency": text.format(f"{_other(sign)}{_plain(amount)}"),
                    "ten times as much": text.format(f"{sign}{_plain(amount * 10)}"),
                    "another number": text.format(f"{sign}{_plain(amount + 50)}"),
                },
            )
        low, high = round(amount * 0.9), round(amount * 1.1)
        yield Saying(
            f"MRR lies between {sign}{low:,} and {sign}{high:,}.",
            {"a range beside it": f"MRR lies between {sign}{high:,} and {sign}{high * 2:,}."},
        )
    sign, amount = _money(known.get("total_paid"))
    if amount > 1500:
        text = "Over the years they have paid us roughly {}, which is their lifetime value."
        yield Saying(
            text.format(sign + _thousands(amount)),
            {
                "ten times as much": text.format(sign + _thousands(amount * 10)),
                "another currency": text.format(_other(sign) + _thousands(amount)),
            },
        )
    sign, amount = _money(known.get("outstanding"))
    if amount:
        text = "There is an open balance of {} outstanding."
        yield Saying(
            text.format(f"{sign}{_plain(amount)}"),
            {
                "another number": text.format(f"{sign}{_plain(amount + 31)}"),
                "none for some": "There is no open balance outstanding.",
            },
        )
    sign, amount = _money(known.get("revenue_12m"))
    if amount > 1500:
        text = "Their passengers brought in trip revenue of about {} over 12 months."
        yield Saying(
            text.format(sign + _thousands(amount)),
            {"ten times as much": text.format(sign + _thousands(amount * 10))},
        )


def _of_use(known: Mapping[str, Any], rng: random.Random) -> Iterator[Saying]:
    now, before = known.get("reservations_30d"), known.get("reservations_prev_30d")
    if now:
        yield Saying(
            f"At least {max(1, int(now * 0.9)):,} rides were booked in the past 30 days.",
            {"a bound beyond it": f"At least {int(now * 1.5) + 2:,} rides were booked in the past 30 days."},
        )
        low, high = int(now * 0.9), int(now * 1.1) + 1
        yield Saying(
            f"In the last 30 days they booked {low:,} to {high:,} trips.",
            {"a range beside it": f"In the last 30 days they booked {high + 5:,} to {high * 2 + 5:,} trips."},
        )
    if now and before and now != before:
        fell = now < before
        verb, other = ("slid", "climbed") if fell else ("climbed", "slid")
        yield Saying(
            f"Bookings {verb} from {before:,} to {now:,} within 30 days.",
            {
                "two exchanged": f"Bookings {other} from {now:,} to {before:,} within 30 days.",
                "rose for fell": f"Bookings {other} from {before:,} to {now:,} within 30 days.",
                "another number": f"Bookings {verb} from {before:,} to {now + rng.choice((3, 7)):,} within 30 days.",
            },
        )
        yield Saying(
            f"{now:,} reservations in 30 days, compared with {before:,} in the 30 days before that.",
            {"two exchanged": f"{before:,} reservations in 30 days, compared with {now:,} in the 30 days before that."},
        )
    trend = known.get("trend_30d")
    if trend and abs(trend) >= 0.1:
        how = {0.25: "a quarter", 0.5: "half", 0.667: "two thirds"}.get(round(abs(trend), 3), "")
        much = how if how and how != "half" else f"{abs(trend) * 100:.0f} percent"
        verb, other = ("shrunk", "grown") if trend < 0 else ("grown", "shrunk")
        yield Saying(
            f"Compared with the 30 days before, the 30 day trend has {verb} by {much}.",
            {"rose for fell": f"Compared with the 30 days before, the 30 day trend has {other} by {much}."},
        )


def _of_days(known: Mapping[str, Any]) -> Iterator[Saying]:
    for metric, text in (
        ("next_bill_date", "Mark {} in the calendar: the next bill goes out."),
        ("renewal_date", "Their renewal is due on {}."),
        ("customer_since", "They have been a customer since {}."),
        ("last_contact_at", "Somebody of ours last spoke to them on {}, our last contact."),
    ):
        if known.get(metric) is not None:
            on = _day(known[metric])
            for written in (_ordinal, _short):
                wrong = {"another day": text.format(written(on + timedelta(days=9)))}
                if metric != "last_contact_at":
                    wrong["another year"] = text.format(written(date(on.year + 1, on.month, min(on.day, 28))))
                yield Saying(text.format(written(on)), wrong)
    since = known.get("days_since_contact")
    if since and since >= 14 and since % 7 == 0:
        yield Saying(
            f"The last contact was {_count(since // 7)} weeks ago.",
            {
                "another unit": f"The last contact was {_count(since // 7)} days ago.",
                "another number": f"The last contact was {_count(since // 7 + 2)} weeks ago.",
            },
        )
    late = known.get("oldest_overdue_days")
    if late:
        yield Saying(
            f"The oldest overdue invoice has waited for {late} days.",
            {
                "another unit": f"The oldest overdue invoice has waited for {late} weeks.",
                "another number": f"The oldest overdue invoice has waited for {late + 13} days.",
            },
        )


def _of_counts(known: Mapping[str, Any]) -> Iterator[Saying]:
    for metric, some, none in (
        ("open_tickets", "{} of their tickets are still open.", "Not a single ticket is open."),
        ("overdue_invoices", "{} invoices are past due.", "None of their invoices is overdue."),
        ("active_disputes", "{} active disputes wait for us.", "They are without any active dispute."),
    ):
        number = known.get(metric)
        if number is None:
            continue
        if number > 1:
            yield Saying(
                some.format(_count(number).capitalize()),
                {"another number": some.format(_count(number + 3).capitalize()), "none for some": none},
            )
        elif number == 0:
            yield Saying(none, {"some for none": some.format("Four")})
    paid = known.get("invoices_paid")
    if paid and paid > 3:
        yield Saying(
            f"So far {paid} invoices have been paid.",
            {"another number": f"So far {paid + 6} invoices have been paid."},
        )
    for metric, noun in (("drivers", "chauffeurs"), ("vehicles", "cars in the fleet")):
        number = known.get(metric)
        if number and number > 1:
            yield Saying(
                f"They work with {_count(number)} {noun}.",
                {"another number": f"They work with {_count(number + 5)} {noun}."},
            )
    score = known.get("score")
    if score is not None:
        yield Saying(
            f"Their health score is {score} out of 100.",
            {"another number": f"Their health score is {(score + 17) % 100} out of 100."},
        )


def _of_shares(known: Mapping[str, Any]) -> Iterator[Saying]:
    rate = known.get("driver_app_rate")
    if rate and 0.1 < rate < 1:
        yield Saying(
            f"The driver app is in use on {rate * 100:.0f} per cent of the trips in 90 days (adoption).",
            {
                "another number": f"The driver app is in use on {rate * 100 + 22:.0f} per cent of the trips in 90 days (adoption).",
                "another unit": f"The driver app is in use on ${rate * 100:.0f} of the trips in 90 days (adoption).",
            },
        )
    rate = known.get("invoice_success_rate")
    if rate and 0.1 < rate < 1:
        yield Saying(
            f"Invoice success is under {rate * 100 + 5:.0f}%.",
            {"a bound beyond it": f"Invoice success is under {rate * 100 - 12:.0f}%."},
        )


INVENTED = (
    "They asked for a rebate of 18.5%.",
    "A pilot with 37 dispatchers starts soon.",
    "The new contract is worth $8,765 a year.",
    "The workshop is on 3 March 2031.",
)


def true_draft(said: Sequence[Saying], rng: random.Random) -> str:
    """Some of the sentences, as a list or as running text."""
    chosen = [one.text for one in rng.sample(list(said), min(len(said), 6))]
    return "\n".join(f"* {one}" for one in chosen) if rng.random() < 0.5 else " ".join(chosen)


def planted_draft(said: Sequence[Saying], kind: str, rng: random.Random) -> tuple[str, str] | None:
    """A draft with one error of this kind, and the sentence that has it; None where it has no place."""
    places = [one for one in said if kind in one.wrong]
    if kind == "invented":
        wrong, rest = rng.choice(INVENTED), list(said)
    elif places:
        chosen = rng.choice(places)
        wrong, rest = chosen.wrong[kind], [one for one in said if one is not chosen]
    else:
        return None
    lines = [one.text for one in rng.sample(rest, min(len(rest), 4))]
    lines.insert(rng.randrange(len(lines) + 1), wrong)
    return " ".join(lines), wrong


ERRORS = (
    "another number", "ten times as much", "another currency", "another day", "another year", "another unit", "two exchanged",
    "rose for fell", "none for some", "some for none", "a range beside it", "a bound beyond it", "invented",
)  # fmt: skip
