"""A small static site in a folder: a book's lists and each operator's reports, linked both ways, searched without a server.

It is a batch whose rows are the operators of the newest snapshot: what was cut off continues, one failure ends nothing. Files are
named by operator ids; what lies in the folder and is not the site's stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from customer_research import private
from customer_research.documents.formats import render
from customer_research.documents.masking import mask_text
from customer_research.documents.site import Menu, Site
from customer_research.domain.book import Book
from customer_research.domain.line import Line
from customer_research.domain.report import Report
from customer_research.domain.words import clean
from customer_research.errors import UsageError
from customer_research.reports.kinds import OPERATOR_KINDS, renewals, today
from customer_research.reports.site_index import with_operators
from customer_research.research.batch.batch import Batch, Listener, Order, Row
from customer_research.research.batch.entries import Entry
from customer_research.research.batch.journal import NAME, Journal
from customer_research.research.portfolio import books, newest
from customer_research.research.portfolio.requests import Selection
from customer_research.research.receipts import text_digest
from customer_research.settings import Settings

if TYPE_CHECKING:
    from customer_research.research.one.operators import Operators

KINDS = ("profile", "account-review")
"""The reports of each operator; the first is the one that its name leads to."""

INDEX, INSIDE = "index.html", "operators"
LISTS: Mapping[str, tuple[str, str]] = {
    "today": ("Today", INDEX),
    "portfolio": ("Portfolio", "portfolio.html"),
    "renewals": ("Renewals", "renewals.html"),
    "digest": ("The week", "digest.html"),
}
"""List → what the menu calls it, and its file."""

FIND = "Find an operator"

LISTED = 1_000
"""How many operators the portfolio's page lists, those who need somebody first; it says of how many."""

_STATE = "site"
_PLAIN = re.compile(r"[a-z0-9-]{1,64}")
_UNSAFE = re.compile(r"[^a-z0-9-]")
_LONGEST = 40


@dataclass(frozen=True, slots=True)
class Plan:
    """What a site shows of a book, read from the newest snapshot at once: its lists by name, and its operators."""

    owner: str
    book: Book
    operators: tuple[Line, ...]
    lists: Mapping[str, Report]


@dataclass(frozen=True, slots=True)
class Written:
    """A site as it was written: its first page, what became of each operator, whether a list lacks a source."""

    index: Path
    rows: tuple[Row, ...]
    partial: bool


def plan(settings: Settings, owner: str | None, *, now: datetime) -> Plan:
    """What the site of an owner's book shows (None: of everybody's).

    Raises:
        UsageError: there is no snapshot yet, or no such owner.
        StoreError: the store cannot be read.
    """
    found, operators = books.book(settings, owner, now=now, noted=False), books.every_line(settings, owner, now=now)
    chosen = "" if owner is None else found.owners[0].name if len(found.owners) == 1 else owner
    lists = {
        "today": today.KIND.build(found),
        "portfolio": newest.portfolio_report(settings, Selection(owner=chosen, limit=LISTED), now=now),
        "renewals": renewals.KIND.build(books.renewals(settings, owner, now=now)),
        "digest": newest.digest_report(settings, now=now),
    }
    return Plan(chosen, found, operators, lists)


async def write(
    operators: Operators, planned: Plan, folder: Path, *, show_personal: bool, retry: bool, told: Listener
) -> Written:
    """Write a site, its first page last.

    Args:
        operators: where reports come from.
        planned: what it shows.
        folder: where it is written.
        show_personal: whether personal data is shown.
        retry: do again only what the folder's last run did not do in full.
        told: hears what became of each operator.

    Raises:
        ConfigError: a setting is wrong, which every operator would meet.
        UsageError: the folder cannot be used, or holds another site.
    """
    about = {"kind": _STATE, "owner": planned.owner, "personal": "shown" if show_personal else "masked"}
    draw = _drawing(show_personal)
    with Journal(folder, about) as journal:
        run = _begun(journal, planned.book.snapshot.id, retry=retry)
        private.make_folder(folder / INSIDE)
        order = Order(
            KINDS[0],
            lambda report: draw(report, _around(report)),
            "html",
            show_personal=show_personal,
            retry=retry,
            also=KINDS[1:],
            named=lambda _line, operator_id, kind: page_name(operator_id, kind),
            run=run,
        )
        entries = [Entry(at, line.operator_id) for at, line in enumerate(planned.operators, 1)]
        batch = Batch(operators, order, journal, told)
        rows = await batch.run(entries) if entries else ()
        named = zip(planned.operators, rows, strict=True)
        by_id = {line.operator_id: replace(row, name=row.name or mask_text(clean(line.name))) for line, row in named}
        _write_lists(journal, planned, by_id, draw)
        _forget(journal, folder, {row.operator_id for row in rows} | by_id.keys())
        done = {key: journal.records[key] for key in map(batch.key, entries)}
        journal.only({_STATE: {**journal.records[_STATE], "whole": True}, **done})
    return Written(folder / INDEX, tuple(by_id.values()), any(report.partial for report in planned.lists.values()))


Drawing = Callable[[Report, Site], bytes]


def _drawing(show_personal: bool) -> Drawing:  # noqa: FBT001 - the one thing it asks
    return lambda report, site: render(report, "html", show_personal=show_personal, site=site)


def page_name(operator_id: str, kind: str) -> str:
    """The file of an operator's report: its id, with a digest where that is no plain word; no two ids have the same."""
    plain = operator_id
    if not _PLAIN.fullmatch(plain):
        plain = f"{_UNSAFE.sub('-', plain.lower())[:_LONGEST]}_{text_digest(operator_id)[:16]}"
    return f"{INSIDE}/{plain}.html" if kind == KINDS[0] else f"{INSIDE}/{plain}.{kind}.html"


def admit(folder: Path) -> None:
    """Refuse a folder in which something else has a name that a site needs.

    Raises:
        UsageError: it has.
    """
    names = (*(place for _, place in LISTS.values()), INSIDE)
    taken = [name for name in names if (folder / name).exists() or (folder / name).is_symlink()]
    if taken and not (folder / NAME).exists():
        raise UsageError(f"{folder} holds {taken[0]}, which no earlier run has written.", hint="Give another --folder.")


def _begun(journal: Journal, snapshot: str, *, retry: bool) -> str:
    """The run that is to be done: the last one, where it was cut off or is to be mended, else a new one."""
    last = journal.records.get(_STATE)
    number = 0 if last is None else int(last["number"])
    if last is not None and (retry or not last["whole"]) and last["snapshot"] == snapshot:
        return f"{snapshot} {number} "
    journal.add(_STATE, {"snapshot": snapshot, "number": number + 1, "whole": False})
    return f"{snapshot} {number + 1} "


def _around(report: Report) -> Site:
    """The menus of an operator's page."""
    lists = [(words, f"../{place}") for words, place in LISTS.values()]
    own = [(OPERATOR_KINDS[kind].title, kind, page_name(report.operator_id, kind)) for kind in KINDS]
    kind = report.kind.replace("_", "-")
    here = tuple((title, "" if name == kind else place.partition("/")[2]) for title, name, place in own)
    return Site((Menu("Lists", (*lists, (FIND, f"../{INDEX}#find"))), Menu("Reports about this operator", here)))


def _write_lists(journal: Journal, planned: Plan, rows: Mapping[str, Row], draw: Drawing) -> None:
    """Write the pages of the lists, the first page last: it names what could not be made."""
    pages = {one: page_name(row.operator_id, KINDS[0]) for one, row in rows.items() if row.reported}
    unmade = {one: row.detail for one, row in rows.items() if not row.reported}
    lacking = {one: row.detail for one, row in rows.items() if row.reported and row.detail}
    index = with_operators(planned.lists["today"], planned.book, planned.operators, unmade, lacking)
    for name, (_, place) in reversed(tuple(LISTS.items())):
        menu = [(words, "" if to == place else to) for words, to in LISTS.values()]
        report = index if place == INDEX else planned.lists[name]
        menu += [] if report is index else [(FIND, f"{INDEX}#find")]
        journal.write(place, draw(report, Site((Menu("Lists", tuple(menu)),), pages, searched=place == INDEX)))


def _forget(journal: Journal, folder: Path, kept: set[str]) -> None:
    """Remove the pages that earlier runs wrote about operators who are no longer in the book."""
    before = {str(record["operator_id"]) for record in journal.records.values() if record.get("operator_id")}
    for operator_id in sorted(before - kept):
        for kind in KINDS:
            private.remove(folder / page_name(operator_id, kind))
