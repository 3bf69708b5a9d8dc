"""What the operator got: trips, revenue and app use since a day against before, wins, and what is not used yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact, Figure, Gap, merge_basis
from customer_research.domain.ranges import goal
from customer_research.domain.report import Absence, Block, Cell, Prose, Text
from customer_research.domain.words import counted, share_words, value_words
from customer_research.reports import days
from customer_research.reports.blocks import grid
from customer_research.reports.days import Window
from customer_research.reports.figure_lines import figure
from customer_research.reports.record_rows import known_rows, records

_UP = 0.10
_APP_UP = 0.05
_MOST_WINS = 3
_FEWEST_CHARGES = 20
_RATED_WELL = 4.5


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure over a window, over as many days before it, and over the same days a year before."""

    title: str
    now: Figure
    before: Figure
    year: Figure

    @property
    def fair(self) -> tuple[Figure, str]:
        """What it is fairly compared with, and what that is called: the year before where it is known (seasons)."""
        if isinstance(days.change(self.now, self.year), Fact):
            return self.year, "a year before"
        return self.before, "before"


def compared(account: Account, window: Window) -> tuple[Measure, ...]:
    """Bookings, completed trips, their revenue and the use of the driver app."""
    year = Window(_year_back(window.first), _year_back(window.end))
    windows = (window, window.before, year)
    return (
        Measure("Reservations booked", *(days.counted(account, each, "booked") for each in windows)),
        Measure("Trips completed", *(days.counted(account, each, "completed") for each in windows)),
        Measure("Trip revenue", *(days.earned(account, each) for each in windows)),
        Measure("Driver app use", *(days.app_share(account, each) for each in windows)),
    )


def _year_back(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:  # the 29th of February
        return day.replace(year=day.year - 1, day=28)


def value_table(account: Account, window: Window) -> Block | None:
    """The measures side by side; the gap alone where none of them is known."""
    found = compared(account, window)
    if all(isinstance(one.now, Gap) for one in found):
        gap = next(one.now for one in found if isinstance(one.now, Gap))
        return Absence("Trips and revenue", gap)
    rows = [(Text(one.title), one.now, one.before, one.year, _change(one)) for one in found]
    basis = merge_basis(cell for row in rows for cell in row if isinstance(cell, Fact))
    declared = f"Measure | >Since then | >{window.days} days before | >A year before | >Change"
    return grid(declared, rows, basis, f"{window.words} ({window.days} days)")


def _change(one: Measure) -> Cell:
    """The change since what it is fairly compared with; that of a share is plain to see."""
    if isinstance(one.now, Fact) and one.now.unit == "ratio":
        return Text("")
    return days.change(one.now, one.fair[0])


def value_words_of(account: Account, window: Window) -> Prose:
    """The value delivered in a sentence."""
    booked, _, revenue, _ = compared(account, window)
    if isinstance(booked.now, Gap) or isinstance(revenue.now, Gap):
        return Prose("What was booked and earned is not known.", (), "unknown")
    base, when = booked.fair
    against = f" ({value_words(base)} {when})" if isinstance(base, Fact) else ""
    earned = f" and {value_words(revenue.now)} of trip revenue" if _amount(revenue.now) else ""
    text = f"{counted(booked.now.value, 'reservation')}{against}{earned} since {window.first.isoformat()}."
    facts = tuple(found for found in (booked.now, base, revenue.now) if isinstance(found, Fact))
    return Prose(text, facts)


def _amount(fact: Fact[Any]) -> bool:
    return any(money.minor for money in fact.value)


# -- wins ----------------------------------------------------------------------------------------------------------------


def wins(account: Account, window: Window) -> tuple[Prose, ...]:
    """What went well, the weightiest first: at most three."""
    return tuple(_wins(account, window))[:_MOST_WINS]


def _wins(account: Account, window: Window) -> Iterator[Prose]:
    booked, _, revenue, app = compared(account, window)
    for one in (booked, revenue):
        base, when = one.fair
        change = days.change(one.now, base)
        if isinstance(change, Fact) and change.value >= _UP and isinstance(one.now, Fact) and isinstance(base, Fact):
            text = f"{one.title}: {value_words(change)} on {_period(when)} ({value_words(one.now)} after {value_words(base)})."
            yield Prose(text, (one.now, base), "good")
    yield from _app_win(app)
    yield from _paid(account)
    yield from _cards(account)
    yield from _solved(account, window)
    for metric, words in (("members_added_90d", "team member"), ("drivers_added_90d", "driver")):
        added = account.fact(metric)
        if added is not None and added.value > 0:
            yield Prose(f"{counted(added.value, words)} more than 90 days ago.", (added,), "good")
    rating = account.fact("average_rating")
    if rating is not None and rating.value >= _RATED_WELL:
        yield Prose(f"Riders rate the trips {value_words(rating)} of 5 on average.", (rating,), "good")


def _period(when: str) -> str:
    return "the year before" if when == "a year before" else "the time before"


def _app_win(app: Measure) -> Iterator[Prose]:
    now, base = app.now, app.fair[0] if isinstance(app.fair[0], Fact) else app.before
    if not isinstance(now, Fact):
        return
    if isinstance(base, Fact) and now.value - base.value >= _APP_UP:
        text = f"The driver app is used on {value_words(now)} of the trips with a driver, up from {value_words(base)}."
        yield Prose(text, (now, base), "good")
    elif goal("driver_app_rate").holds(now.value):
        yield Prose(f"The driver app is used on {value_words(now)} of the trips with a driver.", (now,), "good")


def _paid(account: Account) -> Iterator[Prose]:
    due, late, failed = (account.fact(name) for name in ("invoices_due", "overdue_invoices", "invoices_failed"))
    if due and late and failed and due.value > 0 and late.value == 0 and failed.value == 0:
        text = "The one due invoice is paid." if due.value == 1 else f"All {due.value} due invoices are paid."
        yield Prose(text, (due, late, failed), "good")


def _cards(account: Account) -> Iterator[Prose]:
    rate, attempts = account.fact("charge_success_rate"), account.fact("charge_attempts_90d")
    if rate and attempts and attempts.value >= _FEWEST_CHARGES and goal("charge_success_rate").holds(rate.value):
        text = f"{value_words(rate)} of {counted(attempts.value, 'card charge')} in 90 days succeeded."
        yield Prose(text, (rate, attempts), "good")


def _solved(account: Account, window: Window) -> Iterator[Prose]:
    found = records(account, "ticket")
    done = [
        row
        for row in known_rows(account, "ticket")
        if row.get("is_done")
        and row.get("is_certain")
        and row.get("edited_at")
        and window.holds(row["edited_at"].date())
    ]
    if done and found.receipts:
        fact = Fact(len(done), "count", found.receipts, account.as_of)
        yield Prose(f"{counted(len(done), 'ticket')} solved since {window.first.isoformat()}.", (fact,), "good")


# -- what is not used yet ------------------------------------------------------------------------------------------------


def adoption_gaps(account: Account) -> tuple[Prose, ...]:
    """What the operator has and does not use, each with what to do about it."""
    return tuple(_gaps(account))


def _gaps(account: Account) -> Iterator[Prose]:
    ever = account.fact("reservations_ever")
    if ever is not None and ever.value == 0:
        yield Prose("No reservation has been made yet: book a first trip together.", (ever,), "bad")
    setup = account.fact("setup_completion")
    if setup is not None and not goal("setup_completion").holds(setup.value):
        yield Prose(f"Set-up is {value_words(setup)} done: finish it together.", (setup,), "watch")
    app, drivers = account.fact("driver_app_rate"), account.fact("driver_trips_90d")
    if app is not None and not goal("driver_app_rate").holds(app.value):
        facts = (app,) if drivers is None else (app, drivers)
        text = f"The driver app is used on {value_words(app)} of the trips with a driver (goal {share_words(goal('driver_app_rate').limit)}): show drivers and dispatch what it saves."
        yield Prose(text, facts, "watch")
    charges = account.fact("charge_attempts")
    if charges is not None and charges.value == 0:
        yield Prose("No card has been charged through the platform yet: set card payments up.", (charges,), "watch")
    members = account.fact("members_now")
    if members is not None and members.value == 1:
        yield Prose("Only one person has a login: invite dispatch and the back office.", (members,), "watch")
    yield from _logins(account)
    collected = account.fact("collection_rate_90d")
    if collected is not None and collected.value < _COLLECTED:
        text = f"{value_words(collected)} of the trip value of 90 days is collected: keep cards on file, charge at booking."
        yield Prose(text, (collected,), "watch")


_COLLECTED = 0.80


def _segment(account: Account) -> str:
    fact = figure(account, "segment")
    return str(fact.value) if isinstance(fact, Fact) else ""


def _logins(account: Account) -> Iterator[Prose]:
    """Logins by segment: 14 days for SMB, 7 for the others."""
    login = account.fact("days_since_login")
    most = 14 if _segment(account) in {"SMB", "Free", ""} else 7
    if login is not None and login.value >= most:
        text = f"Nobody of the team has logged in for {value_words(login)}: ask who runs dispatch now."
        yield Prose(text, (login,), "watch")
