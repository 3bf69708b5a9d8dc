"""Drafts as an assistant writes them from a report, in other words than ours, and the same with one planted error.

A sentence is made of the report's own figures; what is planted is written down, so that a test knows which number is wrong.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from customer_research.documents.page import Page, Pairs
from customer_research.domain.evidence import Fact
from customer_research.domain.money import Money

Figures = Mapping[str, Any]


def figures_of(page: Page) -> dict[str, Any]:
    """The values of a report by metric, as far as they are known."""
    found: dict[str, Any] = {}
    for part in page.parts:
        for node in part.nodes:
            if isinstance(node, Pairs):
                for _, value in node.pairs:
                    if isinstance(value.cell, Fact) and value.cell.metric:
                        found.setdefault(value.cell.metric, value.cell.value)
    return found


@dataclass(frozen=True)
class Sentence:
    """A sentence with the pieces of it that are numbers, by what they are."""

    template: str
    pieces: Mapping[str, str]

    @property
    def text(self) -> str:
        return self.template.format(**self.pieces)


def amount(value: Any) -> str | None:
    """The first amount, as people write it."""
    if isinstance(value, int):
        value = Money("USD", value)
    money = value if isinstance(value, Money) else next((one for one in value if one.minor), None)
    if money is None or money.currency not in {"USD", "EUR", "GBP", "CAD"}:
        return None
    sign = {"USD": "$", "EUR": "€", "GBP": "£", "CAD": "CA$"}[money.currency]
    whole = money.minor % 100 == 0
    return f"{sign}{money.minor / 100:,.{0 if whole else 2}f}"


def percent(value: Any) -> str:
    return f"{abs(float(value)) * 100:.0f}%" if abs(float(value)) * 100 >= 10 else f"{abs(float(value)) * 100:.1f}%"


def day(value: Any) -> str:
    on = value.date() if isinstance(value, datetime) else value
    return f"{on.day} {on:%B %Y}"


def some(metric: str) -> Callable[[Figures], Any]:
    return lambda figures: figures.get(metric)


def sentences(figures: Figures, name: str) -> Iterator[Sentence]:
    """What can be said of an operator, a sentence each; what is not known is not said."""
    get = figures.get
    now, before = get("reservations_30d"), get("reservations_prev_30d")
    if now is not None and before is not None and now != before and now > 3 and before > 3:
        verb = "fell" if now < before else "grew"
        yield Sentence(
            "Their trips {verb} from {from} to {to} in the last 30 days.",
            {"verb": verb, "from": str(before), "to": str(now)},
        )
        yield Sentence(
            "{name} took {count} bookings over the past 30 days, against {other} in the 30 before.",
            {"name": name, "count": str(now), "other": str(before)},
        )
    if get("mrr") is not None and amount(get("mrr")):
        yield Sentence("They pay us {money} of MRR.", {"money": amount(get("mrr")) or ""})
    if get("total_paid") is not None and amount(get("total_paid")):
        yield Sentence(
            "So far {name} has paid {money} in all, their lifetime value.",
            {"name": name, "money": amount(get("total_paid")) or ""},
        )
    if get("outstanding") is not None and amount(get("outstanding")):
        yield Sentence("{money} is still unpaid and outstanding.", {"money": amount(get("outstanding")) or ""})
    if get("next_bill_date"):
        yield Sentence("The next bill goes out on {date}.", {"date": day(get("next_bill_date"))})
    if get("subscription_ends_on"):
        yield Sentence("Their subscription ends on {date}.", {"date": day(get("subscription_ends_on"))})
    if get("last_contact_at"):
        yield Sentence("Our last contact was on {date}.", {"date": day(get("last_contact_at"))})
    since = get("days_since_contact")
    if since is not None and since >= 14:
        yield Sentence(
            "We have not spoken to them for {days} days; the last contact is that old.", {"days": str(int(since))}
        )
    if get("open_tickets") is not None:
        count = get("open_tickets")
        yield (
            Sentence("They have {none} open tickets.", {"none": "no"})
            if not count
            else Sentence("{count} tickets are open.", {"count": str(count)})
        )
    if get("reservations_12m"):
        yield Sentence("Over 12 months they ran {count} reservations.", {"count": f"{get('reservations_12m'):,}"})
    if get("revenue_12m") and amount(get("revenue_12m")):
        yield Sentence("Their trip revenue in 12 months came to {money}.", {"money": amount(get("revenue_12m")) or ""})
    rate = get("charge_success_rate")
    if rate is not None and 0 < rate < 1:
        yield Sentence("{share} of card charges succeeded in 90 days, the success rate.", {"share": percent(rate)})
    trend = get("trend_30d")
    if trend is not None and abs(trend) > 0.03:
        verb = "down" if trend < 0 else "up"
        yield Sentence("The 30 day trend is {verb} {share}.", {"verb": verb, "share": percent(trend)})
    if get("overdue_invoices"):
        yield Sentence("{count} of their invoices are overdue.", {"count": str(get("overdue_invoices"))})
    if get("overdue_invoices") == 0:
        yield Sentence("{none} invoice is overdue.", {"none": "No"})
    if get("active_disputes") is not None:
        count = get("active_disputes")
        yield (
            Sentence("There are {count} active disputes.", {"count": str(count)})
            if count
            else Sentence("There is {none} active dispute.", {"none": "no"})
        )
    if now is not None and now > 20:
        yield Sentence("Roughly {about} reservations came in over the last 30 days.", {"about": f"{round(now, -1)}"})
    if get("health_score") is not None:
        yield Sentence("Their health score is {points} of 100.", {"points": str(int(get("health_score")))})
    if get("drivers"):
        yield Sentence("{count} drivers work for them.", {"count": str(get("drivers"))})
    if get("vehicles"):
        yield Sentence("The fleet has {count} vehicles.", {"count": str(get("vehicles"))})
    if get("members"):
        yield Sentence("There are {count} team members.", {"count": str(get("members"))})
    if get("customer_since"):
        yield Sentence("A customer since {date}.", {"date": day(get("customer_since"))})
    if get("invoices_paid"):
        yield Sentence("{count} invoices were paid.", {"count": str(get("invoices_paid"))})


ERRORS = ("count", "date", "currency", "exchanged", "unit", "direction", "denial", "magnitude", "invented")
"""What is planted: another count; another day; another currency; two figures in each other's place; another unit; rose for
fell; "no" for some; ten times as much; a number that no figure says."""


def draft(said: list[Sentence]) -> str:
    return "\n".join(f"- {one.text}" for one in said)


def planted(said: list[Sentence], error: str, rng: random.Random) -> tuple[str, str] | None:
    """A draft with an error, and the number that is wrong; None where nothing of the kind can be planted."""
    order = list(range(len(said)))
    rng.shuffle(order)
    for at in order:
        changed = _wrong(said[at], error, rng)
        if changed is not None:
            text, wrong = changed
            lines = [one.text for one in said]
            lines[at] = text
            return "\n".join(f"- {line}" for line in lines), wrong
    return None


def _wrong(one: Sentence, error: str, rng: random.Random) -> tuple[str, str] | None:
    pieces = dict(one.pieces)
    if error == "count" and "count" in pieces:
        number = int(pieces["count"].replace(",", ""))
        pieces["count"] = f"{number + rng.choice((1, 2, 3, max(4, number // 3))):,}"
        return one.template.format(**pieces), pieces["count"]
    if error == "date" and "date" in pieces:
        on = datetime.strptime(pieces["date"], "%d %B %Y").date() + timedelta(days=rng.choice((1, 7, 30, 365, -2)))  # noqa: DTZ007 - a day
        pieces["date"] = day(on)
        return one.template.format(**pieces), pieces["date"]
    if error == "currency" and "money" in pieces:
        bare = pieces["money"].lstrip("CA$€£")
        pieces["money"] = f"€{bare}" if "€" not in pieces["money"] else f"${bare}"
        return one.template.format(**pieces), pieces["money"]
    if error == "exchanged" and "from" in pieces:
        pieces["from"], pieces["to"] = pieces["to"], pieces["from"]
        pieces["verb"] = "grew" if pieces["verb"] == "fell" else "fell"
        return one.template.format(**pieces), ""
    if error == "exchanged" and "other" in pieces:
        pieces["count"], pieces["other"] = pieces["other"], pieces["count"]
        return one.template.format(**pieces), ""
    if error == "unit" and "days" in pieces:
        return one.template.format(**pieces).replace(" days", " weeks"), pieces["days"]
    if error == "unit" and "share" in pieces and "trend" in one.template:
        return one.template.format(**pieces).replace("%", " points"), pieces["share"][:-1]
    if error == "direction" and "verb" in pieces:
        pieces["verb"] = {"fell": "grew", "grew": "fell", "up": "down", "down": "up"}[pieces["verb"]]
        return one.template.format(**pieces), ""
    if error == "count" and "points" in pieces:
        pieces["points"] = str(int(pieces["points"]) - rng.choice((3, 9, 10)))
        return one.template.format(**pieces), pieces["points"]
    if error == "magnitude" and "about" in pieces:
        pieces["about"] = f"{int(pieces['about']) * 10:,}"
        return one.template.format(**pieces), pieces["about"]
    if error == "denial" and "none" in pieces:
        pieces["none"] = "Two" if pieces["none"] == "No" else "two"
        return one.template.format(**pieces), pieces["none"]
    if (
        error == "denial"
        and "count" in pieces
        and "{count} of" not in one.template
        and one.template.startswith(("{count}", "There are"))
    ):
        pieces["count"] = "No" if one.template.startswith("{count}") else "no"
        return one.template.format(**pieces), pieces["count"]
    if error == "magnitude" and "money" in pieces:
        sign = pieces["money"].rstrip("0123456789,.")
        number = float(pieces["money"][len(sign) :].replace(",", "")) * 10
        pieces["money"] = f"{sign}{number:,.0f}"
        return one.template.format(**pieces), pieces["money"]
    if error == "invented" and "money" not in pieces and "date" not in pieces:
        text, wrong = rng.choice(
            (("They also asked for a discount of 17.5%.", "17.5%"), ("Their contract is worth $4,321 a year.", "$4,321"),
             ("The pilot starts on 3 March 2031.", "3 March 2031"), ("They plan to hire 37 dispatchers.", "37"))
        )  # fmt: skip
        return f"{one.text} {text}", wrong
    return None


def days_between(one: date, two: date) -> int:
    return abs((one - two).days)
