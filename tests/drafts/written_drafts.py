"""Drafts as an assistant writes them from a report, in other words than ours, and the same with one planted error.

A sentence is made of the report's own figures, a piece each; an error changes one piece, so that a test knows what is wrong.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from customer_research.documents.page import Page, Pairs
from customer_research.domain.evidence import Fact
from customer_research.domain.money import Money

NAME = "Alder Chauffeurs"


def figures_of(page: Page) -> dict[str, Any]:
    """The values of a report by metric, as far as they are known."""
    pairs = (pair for part in page.parts for node in part.nodes if isinstance(node, Pairs) for pair in node.pairs)
    facts = (value.cell for _, value in pairs if isinstance(value.cell, Fact) and value.cell.metric)
    return {fact.metric: fact.value for fact in reversed(list(facts))}


@dataclass(frozen=True)
class Sentence:
    """A sentence with the pieces of it that an error may change, by what they are."""

    template: str
    pieces: Mapping[str, str]

    @property
    def text(self) -> str:
        return self.template.format(**self.pieces)

    def with_(self, **pieces: str) -> Sentence:
        return replace(self, pieces={**self.pieces, **pieces})


def amount(value: Any) -> str:
    """The first amount, as people write it; empty where there is none."""
    money = Money("USD", value) if isinstance(value, int) else next((one for one in value if one.minor), None)
    signs = {"USD": "$", "EUR": "€", "GBP": "£", "CAD": "CA$"}
    if money is None or money.currency not in signs:
        return ""
    return f"{signs[money.currency]}{money.minor / 100:,.{0 if money.minor % 100 == 0 else 2}f}"


def percent(value: Any) -> str:
    share = abs(float(value)) * 100
    return f"{share:.0f}%" if share >= 10 else f"{share:.1f}%"


def day(value: Any) -> str:
    on = value.date() if isinstance(value, datetime) else value
    return f"{on.day} {on:%B %Y}"


def _always(_value: Any) -> bool:
    return True


SAID: tuple[tuple[str, str, Callable[[Any], str], Callable[[Any], bool], str], ...] = (
    ("mrr", "money", amount, bool, "They pay us {money} of MRR."),
    ("total_paid", "money", amount, bool, f"So far {NAME} has paid {{money}} in all, their lifetime value."),
    ("outstanding", "money", amount, bool, "{money} is still unpaid and outstanding."),
    ("revenue_12m", "money", amount, bool, "Their trip revenue in 12 months came to {money}."),
    ("next_bill_date", "date", day, _always, "The next bill goes out on {date}."),
    ("subscription_ends_on", "date", day, _always, "Their subscription ends on {date}."),
    ("last_contact_at", "date", day, _always, "Our last contact was on {date}."),
    ("customer_since", "date", day, _always, "A customer since {date}."),
    ("days_since_contact", "days", str, lambda days: days >= 14, "We have not spoken to them for {days} days; the last contact is that old."),
    ("reservations_12m", "count", "{:,}".format, bool, "Over 12 months they ran {count} reservations."),
    ("drivers", "count", str, bool, "{count} drivers work for them."),
    ("vehicles", "count", str, bool, "The fleet has {count} vehicles."),
    ("members", "count", str, bool, "There are {count} team members."),
    ("invoices_paid", "count", str, bool, "{count} invoices were paid."),
    ("overdue_invoices", "count", str, bool, "{count} of their invoices are overdue."),
    ("overdue_invoices", "none", lambda _: "No", lambda count: not count, "{none} invoice is overdue."),
    ("open_tickets", "count", str, bool, "{count} tickets are open."),
    ("open_tickets", "none", lambda _: "no", lambda count: not count, "They have {none} open tickets."),
    ("active_disputes", "count", str, bool, "There are {count} active disputes."),
    ("active_disputes", "none", lambda _: "no", lambda count: not count, "There is {none} active dispute."),
    ("charge_success_rate", "share", percent, lambda rate: 0 < rate < 1, "{share} of card charges succeeded in 90 days, the success rate."),
    ("reservations_30d", "about", lambda count: str(round(count, -1)), lambda count: count > 20, "Roughly {about} reservations came in over the last 30 days."),
)  # fmt: skip
"""Metric, what piece it is, how it is written, when it is said, and the sentence."""


def sentences(figures: Mapping[str, Any]) -> Iterator[Sentence]:
    """What can be said of an operator, a sentence each; what is not known is not said."""
    for metric, piece, written, said, template in SAID:
        value = figures.get(metric)
        if value is not None and said(value) and written(value):
            yield Sentence(template, {piece: written(value)})
    now, before = figures.get("reservations_30d"), figures.get("reservations_prev_30d")
    if now and before and now != before:
        ends = {"from": str(before), "to": str(now), "verb": "fell" if now < before else "grew"}
        yield Sentence("Their trips {verb} from {from} to {to} in the last 30 days.", ends)
        yield Sentence(
            f"{NAME} took {{to}} bookings over the past 30 days, against {{from}} in the 30 before.",
            {**ends, "verb": ""},
        )
    trend = figures.get("trend_30d")
    if trend:
        yield Sentence(
            "The 30 day trend is {verb} {share}.", {"verb": "down" if trend < 0 else "up", "share": percent(trend)}
        )


OPPOSITE = {"fell": "grew", "grew": "fell", "up": "down", "down": "up", "": ""}
INVENTED = (
    "They also asked for a discount of 17.5%.",
    "Their contract is worth $4,321 a year.",
    "The pilot starts on 3 March 2031.",
    "They plan to hire 37 dispatchers.",
)


def _another_count(one: Sentence, rng: random.Random) -> Sentence:
    number = int(one.pieces["count"].replace(",", ""))
    return one.with_(count=f"{number + rng.choice((1, 2, 3, max(4, number // 3))):,}")


def _another_day(one: Sentence, rng: random.Random) -> Sentence:
    on = datetime.strptime(one.pieces["date"], "%d %B %Y")  # noqa: DTZ007 - a day
    return one.with_(date=day(on.date() + timedelta(days=rng.choice((1, 7, 30, 365, -2)))))


def _another_currency(one: Sentence, _rng: random.Random) -> Sentence:
    bare = one.pieces["money"].lstrip("CA$€£")
    return one.with_(money=f"${bare}" if "€" in one.pieces["money"] else f"€{bare}")


def _tenfold(one: Sentence, _rng: random.Random) -> Sentence:
    if "about" in one.pieces:
        return one.with_(about=f"{int(one.pieces['about']) * 10:,}")
    sign = one.pieces["money"].rstrip("0123456789,.")
    return one.with_(money=f"{sign}{float(one.pieces['money'][len(sign) :].replace(',', '')) * 10:,.0f}")


def _exchanged(one: Sentence, _rng: random.Random) -> Sentence:
    return one.with_(**{"from": one.pieces["to"], "to": one.pieces["from"], "verb": OPPOSITE[one.pieces["verb"]]})


def _another_unit(one: Sentence, _rng: random.Random) -> Sentence:
    return replace(
        one, template=one.template.replace(" days;", " weeks;").replace("{share}.", "{share} points.")
    ).with_(**({"share": one.pieces["share"].rstrip("%")} if "share" in one.pieces else {}))


def _denied(one: Sentence, _rng: random.Random) -> Sentence:
    if "none" in one.pieces:
        return one.with_(none="Two" if one.pieces["none"] == "No" else "two")
    return one.with_(count="No" if one.template.startswith("{") else "no")


def _moved_otherwise(one: Sentence, _rng: random.Random) -> Sentence:
    return one.with_(verb=OPPOSITE[one.pieces["verb"]])


def _invented(one: Sentence, rng: random.Random) -> Sentence:
    return replace(one, template=f"{one.template} {rng.choice(INVENTED)}")


Plant = Callable[[Sentence, random.Random], Sentence]
ERRORS: Mapping[str, tuple[Callable[[Sentence], bool], Plant]] = {
    "another count": (lambda one: "count" in one.pieces, _another_count),
    "another day": (lambda one: "date" in one.pieces, _another_day),
    "another currency": (lambda one: "money" in one.pieces, _another_currency),
    "ten times as much": (lambda one: "money" in one.pieces or "about" in one.pieces, _tenfold),
    "two exchanged": (lambda one: "from" in one.pieces, _exchanged),
    "another unit": (lambda one: "days" in one.pieces or "trend" in one.template, _another_unit),
    "none for some": (
        lambda one: (
            "none" in one.pieces or ("count" in one.pieces and one.template.startswith(("{count} t", "There are")))
        ),
        _denied,
    ),
    "rose for fell": (lambda one: bool(one.pieces.get("verb")), _moved_otherwise),
    "invented": (lambda one: not {"money", "date"} & one.pieces.keys(), _invented),
}
"""What is planted → where it can be, and how."""


def draft(said: list[Sentence]) -> str:
    return "\n".join(f"- {one.text}" for one in said)


def planted(said: list[Sentence], error: str, rng: random.Random) -> tuple[str, str] | None:
    """A draft with an error, and the sentence that has it; None where the error has no place in it."""
    fits, plant = ERRORS[error]
    places = [at for at, one in enumerate(said) if fits(one)]
    if not places:
        return None
    at = rng.choice(places)
    wrong = plant(said[at], rng)
    return draft([*said[:at], wrong, *said[at + 1 :]]), wrong.text
